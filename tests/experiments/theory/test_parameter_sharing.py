"""The unshared layer against torch's convolution and a loop; tied regressions against scikit-learn and stacked rows."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from torch.nn import functional

from reglab.core import figures
from reglab.core.streams import generator
from reglab.experiments.theory.topics.parameter_sharing import (
    ParameterSharing,
    connections,
    shared,
    task_of,
    tasks,
    tied,
    unshared,
)


@pytest.fixture(scope="module")
def raw():
    """Two related tasks with 30 and 40 examples, four inputs."""
    random = np.random.default_rng(3)
    result = []
    for examples in (30, 40):
        inputs = random.normal(size=(examples, 4)) + 2
        weights = np.array([1.0, -2.0, 0.5, 0.0]) + 0.3 * random.normal(size=4)
        result.append((inputs, inputs @ weights + random.normal(size=examples) + 5))
    return result


@pytest.fixture(scope="module")
def pair(raw):
    return tuple(task_of(*data, np.arange(len(data[1])), np.arange(len(data[1]))) for data in raw)


@pytest.mark.parametrize(("kind", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_an_unshared_layer_with_equal_kernels_is_a_convolution(size, kind, tolerance):
    random = generator("images")
    images = torch.rand(4, 3, 6, 7, generator=random, dtype=kind)
    kernel = (torch.rand(5, 3, size, size, generator=random, dtype=kind) - 0.5) / size**2
    wanted = functional.conv2d(images, kernel).flatten(2)
    result = unshared(images, kernel.flatten(1).expand(wanted.shape[2], -1, -1), size)
    assert result.shape == wanted.shape and (result - wanted).abs().max() <= tolerance


def test_an_unshared_layer_uses_at_each_position_the_kernel_of_that_position():
    random = generator("unshared")
    images = torch.rand(2, 2, 4, 5, generator=random, dtype=torch.float64)
    kernels = torch.rand(6, 3, 2 * 9, generator=random, dtype=torch.float64)
    result = unshared(images, kernels, 3)
    for position in range(6):
        row, column = divmod(position, 3)
        patch = images[:, :, row : row + 3, column : column + 3]
        wanted = functional.conv2d(patch, kernels[position].reshape(3, 2, 3, 3)).flatten(1)
        assert (result[:, :, position] - wanted).abs().max() < 1e-14


def test_sharing_makes_a_layer_follow_a_shift_and_without_it_the_layer_does_not():
    random = generator("shift")
    images = torch.rand(3, 1, 6, 9, generator=random, dtype=torch.float64)
    kernels = torch.rand(4 * 6, 2, 9, generator=random, dtype=torch.float64)
    left, right = images[..., :-1], images[..., 1:]

    def follows(kernels):
        a, b = (unshared(part, kernels, 3).reshape(3, 2, 4, 6) for part in (left, right))
        return (a[..., 1:] - b[..., :-1]).abs().max() < 1e-12

    assert follows(kernels[:1].expand(24, -1, -1)) and not follows(kernels)


def test_a_fully_connected_layer_has_zeros_off_the_patches_and_repeats_the_kernel_on_them():
    kernel = torch.rand(2, 3, 2, 2, generator=generator("kernel"), dtype=torch.float64)
    images = torch.rand(5, 3, 4, 4, generator=generator("batch"), dtype=torch.float64)
    matrix = connections(kernel, 4, 4)
    assert matrix.shape == (2 * 9, 3 * 16) and (matrix != 0).sum() == 9 * kernel.numel()
    assert set(matrix[matrix != 0].tolist()) == set(kernel.flatten().tolist())
    assert (images.flatten(1) @ matrix.T - functional.conv2d(images, kernel).flatten(1)).abs().max() < 1e-13


def test_strength_zero_is_scikit_learns_regression_on_each_task_alone(raw, pair):
    separate = [LinearRegression().fit(*data).coef_ for data in raw]
    assert np.abs(tied(*pair, [0.0])[0] - separate).max() < 1e-12


@pytest.mark.parametrize("strength", [0.01, 1.0, 300.0])
def test_tying_is_least_squares_with_rows_that_ask_for_equal_weights(pair, strength):
    zero, identity = np.zeros((1, 4)), np.eye(4)
    one, other = ((task.inputs / len(task.inputs) ** 0.5, task.targets / len(task.targets) ** 0.5) for task in pair)
    rows = np.block([
        [one[0], np.repeat(zero, len(one[0]), 0)],
        [np.repeat(zero, len(other[0]), 0), other[0]],
        [strength**0.5 * identity, -(strength**0.5) * identity],
    ])  # fmt: skip
    wanted = np.linalg.lstsq(rows, np.concatenate([one[1], other[1], np.zeros(4)]))[0].reshape(2, 4)
    assert np.abs(tied(*pair, [strength])[0] - wanted).max() < 1e-11


def test_the_shared_fit_is_scikit_learns_on_both_tasks_together(pair):
    inputs, targets = (np.concatenate(parts) for parts in zip(*(task[2:] for task in pair), strict=True))
    weight = np.concatenate([np.full(len(task.targets), 1 / len(task.targets)) for task in pair])
    pooled = LinearRegression(fit_intercept=False).fit(inputs, targets, sample_weight=weight).coef_
    assert np.abs(shared(*pair) - pooled).max() < 1e-12


def test_the_tied_weights_go_to_the_shared_ones_at_rate_one_over_strength(pair):
    strengths = np.array([1e3, 1e4, 1e5])
    weights = tied(*pair, strengths)
    apart = weights[:, 0] - weights[:, 1]
    ratio = np.linalg.norm(apart, axis=1)[:-1] / np.linalg.norm(apart, axis=1)[1:]
    assert ratio == pytest.approx([10, 10], rel=0.01)
    assert np.abs(strengths[2] * apart[2] - (pair[0].moment - pair[0].hessian @ shared(*pair))).max() < 1e-4
    assert np.abs(weights[2] - shared(*pair)).max() < 1e-4


def test_more_strength_is_less_distance_and_the_order_of_the_tasks_does_not_matter(pair):
    strengths = np.geomspace(1e-4, 1e4, 60)
    weights = tied(*pair, strengths)
    assert (np.diff(np.linalg.norm(weights[:, 0] - weights[:, 1], axis=1)) < 0).all()
    assert np.abs(weights[:, ::-1] - tied(*pair[::-1], strengths)).max() < 1e-9


def test_every_patient_is_in_training_or_held_out_and_every_split_is_another():
    men, women = tasks(50, split=0)
    assert len(men.targets) + len(women.targets) == 442 - 100
    assert not np.array_equal(men.moment, tasks(50, split=1)[0].moment)
    assert np.array_equal(men.moment, tasks(50, split=0)[0].moment)


def test_a_held_out_error_is_that_of_scikit_learns_regression(raw):
    inputs, targets = raw[0]
    model = LinearRegression().fit(inputs[:20], targets[:20])
    wanted = np.square(model.predict(inputs[20:]) - targets[20:]).mean()
    one = task_of(inputs, targets, np.arange(20), np.arange(20, 30))
    assert one.error(np.linalg.solve(one.hessian, one.moment)) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("settings", [{}, {"channels": 1, "kernel_size": 8, "strength": 0.0, "examples": 150}])
def test_every_check_holds_and_again_to_the_bit(settings):
    one, other = ParameterSharing(**settings).run(), ParameterSharing(**settings).run()
    assert one.checks and all(check.passed for check in one.checks), one.checks
    assert one.numbers == other.numbers and one.checks == other.checks
    assert figures.svg(one.figure) == figures.svg(other.figure)


def test_a_convolution_has_the_fewest_weights_and_tying_beats_both_extremes_on_the_patients():
    numbers = ParameterSharing(channels=8, kernel_size=3).run().numbers
    assert numbers["weights_convolution"] == 8 * 9
    assert numbers["weights_unshared"] == 36 * 8 * 9 and numbers["weights_fully_connected"] == 36 * 8 * 64
    assert numbers["held_out_error_tied"] < min(numbers["held_out_error_separate"], numbers["held_out_error_shared"])
