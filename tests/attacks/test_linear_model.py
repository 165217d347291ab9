"""The closed form against scipy's optimizers, and attacks against the closed form."""

from functools import partial

import numpy as np
import pytest
import torch
from linear_model import minimal_perturbation
from scipy.optimize import linprog, minimize

from reglab.attacks.base import accuracy
from reglab.attacks.fast_gradient import fast_gradient
from reglab.attacks.projected_gradient import projected_gradient
from reglab.attacks.smallest import smallest_epsilon
from reglab.attacks.strong import strong

EPSILON = {"linf": 0.1, "l2": 0.5}


def least_by_scipy(direction, gap, point, norm):
    """min ||d|| with direction . d >= gap and 0 <= point + d <= 1; infinite where there is none."""
    n, box = len(point), [(-x, 1 - x) for x in point]
    if norm == "linf":
        below = np.vstack([np.c_[np.eye(n), -np.ones(n)], np.c_[-np.eye(n), -np.ones(n)], np.r_[-direction, 0]])
        result = linprog(np.r_[np.zeros(n), 1], A_ub=below, b_ub=np.r_[np.zeros(2 * n), -gap], bounds=[*box, (0, None)])
        return result.x[-1] if result.success else np.inf
    reach = {"type": "ineq", "fun": lambda d: d @ direction - gap, "jac": lambda d: direction}
    options = {"ftol": 1e-14, "maxiter": 500}
    result = minimize(lambda d: d @ d, np.zeros(n), jac=lambda d: 2 * d, bounds=box, constraints=reach, options=options)
    return result.fun**0.5 if result.success else np.inf


@pytest.mark.parametrize("norm", EPSILON)
def test_the_least_epsilon_is_that_of_scipys_optimizers(norm):
    random = np.random.default_rng(0)
    weight, bias, inputs = random.normal(size=(4, 6)), 2 * random.normal(size=4), random.random((12, 6)).round(1)
    labels = (inputs @ weight.T + bias).argmax(1)
    least, _ = minimal_perturbation(*map(torch.as_tensor, (weight, bias, inputs, labels)), norm=norm)
    for point, label, epsilon in zip(inputs, labels, least.tolist(), strict=True):
        scores = weight @ point + bias
        aims = [aim for aim in range(4) if aim != label]
        expected = min(least_by_scipy(weight[t] - weight[label], scores[label] - scores[t], point, norm) for t in aims)
        assert epsilon == expected or epsilon == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("norm", EPSILON)
def test_far_from_the_range_it_is_the_gap_over_the_dual_norm(norm):
    weight, inputs = torch.tensor([[1.0, -2.0, 0.5], [0.0, 1.0, 1.0]]), torch.full((1, 3), 0.5)
    least, _ = minimal_perturbation(weight, torch.tensor([2.0, 0.0]), inputs, torch.tensor([0]), norm=norm)
    assert least.item() == pytest.approx((2.0 - 0.25 - 1.0) / {"linf": 4.5, "l2": 10.25**0.5}[norm], rel=1e-12)


def test_an_input_that_the_range_does_not_hold_is_infinitely_far():
    weight, bias, labels = torch.tensor([[1.0], [0.0]]), torch.tensor([3.0, 0.0]), torch.tensor([0, 1])
    least, offsets = minimal_perturbation(weight, bias, torch.full((2, 1), 0.5), labels)
    assert least.tolist() == [torch.inf, 0.0] and offsets.tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("norm", EPSILON)
def test_the_offsets_tie_the_scores_within_the_range(linear, data, norm):
    least, offsets = minimal_perturbation(linear.weight, linear.bias, data.inputs, data.labels, norm=norm)
    moved = data.inputs.double() + offsets
    scores = moved.flatten(1) @ linear.weight.double().T + linear.bias.double()
    true_scores = scores.gather(1, data.labels[:, None])[:, 0]
    rest = scores.scatter(1, data.labels[:, None], -torch.inf).amax(1)
    met = least > 0
    assert moved.min() >= -1e-12 and moved.max() <= 1 + 1e-12
    assert met.sum() > 90 and (rest - true_scores)[met].abs().max() < 1e-9
    lengths = offsets.flatten(1).abs().amax(1) if norm == "linf" else offsets.flatten(1).norm(dim=1)
    assert (lengths - least).abs().max() < 1e-12


@pytest.mark.parametrize("norm", EPSILON)
def test_the_strong_attack_leaves_exactly_the_exact_robust_accuracy(linear, data, norm):
    least, _ = minimal_perturbation(linear.weight, linear.bias, data.inputs, data.labels, norm=norm)
    moved = strong(linear.model, data.inputs, data.labels, EPSILON[norm], norm=norm)
    exact = (least > EPSILON[norm]).double().mean().item()
    assert accuracy(linear.model, moved, data.labels) == exact and 0.2 < exact < 0.7


def test_ascent_on_the_margin_of_each_class_is_exact_where_the_fast_gradient_overstates(linear, data):
    least, _ = minimal_perturbation(linear.weight, linear.bias, data.inputs, data.labels)
    standing = torch.ones(len(data.labels), dtype=torch.bool)
    for aim in range(10):
        towards = partial(lambda aim, scores, labels: scores[:, aim] - scores.gather(1, labels[:, None])[:, 0], aim)
        moved = projected_gradient(linear.model, data.inputs, data.labels, 0.1, objective=towards)
        standing &= linear.model(moved).argmax(1) == data.labels
    fast = accuracy(linear.model, fast_gradient(linear.model, data.inputs, data.labels, 0.1), data.labels)
    assert torch.equal(standing, least > 0.1) and fast > standing.double().mean() + 0.01


def test_with_two_classes_the_fast_gradient_is_exact(linear, data):
    rows = (data.labels == 3) | (data.labels == 7)
    inputs, labels = data.inputs[rows], (data.labels[rows] == 7).long()
    weight, bias = linear.weight[[3, 7]], linear.bias[[3, 7]]
    for epsilon in (0.05, 0.1, 0.2, 0.3):
        moved = fast_gradient(lambda inputs: inputs.flatten(1) @ weight.T + bias, inputs, labels, epsilon)
        standing = (moved.flatten(1) @ weight.T + bias).argmax(1) == labels
        assert torch.equal(standing, minimal_perturbation(weight, bias, inputs, labels)[0] > epsilon)


@pytest.mark.parametrize("norm", EPSILON)
def test_the_smallest_epsilon_of_the_strong_attack_is_the_closed_form(linear, data, norm):
    inputs, labels = data.inputs[:6], data.labels[:6]
    least, _ = minimal_perturbation(linear.weight, linear.bias, inputs, labels, norm=norm)
    result = smallest_epsilon(strong, linear.model, inputs, labels, norm=norm, largest=1.0, halvings=4)
    apart = (result - least)[least < 1]
    assert apart.min() > -1e-5 and apart.max() <= 1 / 2**4 + 1e-5
    assert result[least > 1].isinf().all() and (result[least == 0] == 0).all()


def test_the_smallest_epsilon_is_the_size_of_the_perturbation_and_not_what_was_allowed():
    """An attack that uses a quarter of what it may, on a model that turns at 0.3."""

    def model(inputs):
        return torch.stack([0.3 - inputs[:, 0], torch.zeros(len(inputs))], 1)

    def reluctant(model, inputs, labels, epsilon, norm, bounds):
        return inputs + 0.25 * torch.as_tensor(epsilon).reshape(-1, 1)

    inputs, labels = torch.zeros(2, 1), torch.zeros(2, dtype=torch.int64)
    for allowed, size in ((1.0, torch.inf), (1.6, 0.4)):
        result = smallest_epsilon(reluctant, model, inputs, labels, largest=allowed, halvings=0)
        assert result.tolist() == pytest.approx([size, size], abs=1e-6)
