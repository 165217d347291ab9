"""Means over all masks against the lecture's formula written out, closed forms, and PyTorch's and scikit-learn's own."""

from itertools import product
from math import prod

import numpy as np
import pytest
import torch
from scipy.special import softmax

from reglab.core import figures
from reglab.experiments.theory.topics.dropout import (
    Dropout,
    arithmetic,
    chances,
    digits,
    gap,
    geometric,
    masks,
    predictions,
    random_layers,
    scores,
    thinned,
    trained,
)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def regression(units, classes=4, seed=0):
    return [(normal(units, classes, seed=seed), normal(classes, seed=seed + 1))]


@pytest.mark.parametrize("units", [1, 3, 12])
def test_every_mask_is_there_once(units):
    every = masks(units)
    assert every.shape == (2**units, units)
    assert {tuple(mask) for mask in every.tolist()} == set(product((0.0, 1.0), repeat=units))


@pytest.mark.parametrize("keep", [0.05, 0.5, 0.8])
def test_chances_are_binomial_and_sum_to_one(keep):
    every = masks(6)
    weights = chances(every, keep)
    assert weights.sum().item() == pytest.approx(1, abs=1e-14)
    assert (weights @ every).numpy() == pytest.approx(keep, abs=1e-14)
    for mask, chance in zip(every.tolist(), weights.tolist(), strict=True):
        assert chance == pytest.approx(prod(keep if kept else 1 - keep for kept in mask), rel=1e-12)


def test_the_lectures_root_of_the_product_is_the_softmax_with_halved_weights():
    """The lecture's formula to the letter: the 2^n-th root of the product of 2^n softmaxes, divided by its sum."""
    [(weight, bias)] = layers = regression(5)
    image = normal(1, 5, seed=3)
    sub_models = [softmax((image * torch.tensor(mask)) @ weight + bias) for mask in product((0.0, 1.0), repeat=5)]
    root = np.prod(sub_models, axis=0) ** (1 / 2**5)
    assert root.sum() < 0.99  # not a probability before it is renormalised
    result = predictions(layers, image, 0.5)
    assert result.geometric.numpy() == pytest.approx(root / root.sum(), abs=1e-14)
    assert result.geometric.numpy() == pytest.approx(softmax(image @ (weight / 2) + bias), abs=1e-14)


@pytest.mark.parametrize("units", [1, 7, 12])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.8])
def test_weight_scaling_is_exact_for_softmax_regression_at_every_chance(units, keep):
    [(weight, bias)] = layers = regression(units)
    inputs = 3 * normal(30, units, seed=3)
    result = predictions(layers, inputs, keep)
    assert (result.geometric - (inputs @ (keep * weight) + bias).softmax(1)).abs().max() < 1e-12
    assert (result.geometric - result.scaled).abs().max() < 1e-12


def test_weights_scaled_by_another_factor_are_not_the_geometric_mean():
    [(weight, bias)] = layers = regression(6)
    inputs = normal(10, 6, seed=3)
    for wrong in (0.5, 0.7, 1.0):
        scaled = (inputs @ (wrong * weight) + bias).softmax(1)
        assert (predictions(layers, inputs, 0.6).geometric - scaled).abs().max() > 1e-2


def test_the_arithmetic_mean_is_another_and_is_less_sure():
    result = predictions(regression(8), 3 * normal(50, 8, seed=3), 0.5)
    assert gap(result.arithmetic, result.scaled) > 0.01

    def entropy(probabilities):
        return -(probabilities * probabilities.log()).sum(1)

    assert entropy(result.arithmetic).mean() > entropy(result.geometric).mean()


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_the_mean_over_masks_of_a_linear_layer_is_the_scaled_layer(keep):
    [(weight, bias)] = layers = regression(9)
    inputs, every = normal(20, 9, seed=3), masks(9)
    mean = torch.einsum("d,dnc->nc", chances(every, keep), scores(layers, inputs, [every[:, None]]))
    assert (mean - (inputs @ (keep * weight) + bias)).abs().max() < 1e-13


def test_pytorchs_dropout_draws_from_the_masks_that_are_enumerated():
    """Its masks are scaled by 1 / keep while training; the mean of many draws is the mean over all masks."""
    torch.manual_seed(0)
    keep, layers, image = 0.6, random_layers([6, 10, 4], "torch"), normal(1, 6, seed=3)
    drawn = torch.nn.functional.dropout(image.repeat(20_000, 1), 1 - keep) * keep
    probabilities = scores(layers, drawn, [1.0, 1.0]).softmax(1)
    away = (probabilities.mean(0) - predictions(layers, image, keep).arithmetic[0]).abs()
    assert (away / (probabilities.std(0) / 20_000**0.5)).max() < 5


def test_means_are_those_of_a_loop_over_thinned_networks():
    layers, inputs, keep = random_layers([4, 8, 8, 3], "loop"), normal(7, 4, seed=3), 0.7
    total, logs = 0.0, 0.0
    for mask in product((0, 1), repeat=4):
        chance = keep ** sum(mask) * (1 - keep) ** (4 - sum(mask))
        units = inputs * torch.tensor(mask)
        for weight, bias in layers[:-1]:
            units = (units @ weight + bias).clamp(min=0)
        network = (units @ layers[-1][0] + layers[-1][1]).softmax(1)
        total, logs = total + chance * network, logs + chance * network.log()
    result = predictions(layers, inputs, keep)
    assert (result.arithmetic - total).abs().max() < 1e-14
    assert (result.geometric - logs.exp() / logs.exp().sum(1, keepdim=True)).abs().max() < 1e-14


@pytest.mark.parametrize("keep", [0.3, 0.5])
def test_weight_scaling_is_exact_in_deep_networks_without_rectifiers(keep):
    def identity(units):
        return units

    layers, inputs, every = random_layers([3, 4, 5, 6], "linear"), normal(10, 3, seed=3), masks(12)[:, None]
    logs = scores(layers, inputs, [every[..., :3], every[..., 3:7], every[..., 7:]], identity).log_softmax(2)
    scaled = scores(layers, inputs, [keep] * 3, identity).softmax(1)
    assert (geometric(logs, chances(every[:, 0], keep)) - scaled).abs().max() < 1e-12


@pytest.mark.parametrize("keep", [0.3, 0.5])
def test_weight_scaling_is_exact_for_the_last_hidden_layer_whatever_lies_before(keep):
    layers, inputs, every = random_layers([5, 20, 10, 4], "last"), normal(10, 5, seed=3), masks(10)[:, None]
    logs = scores(layers, inputs, [1.0, 1.0, every]).log_softmax(2)
    scaled = scores(layers, inputs, [1.0, 1.0, keep]).softmax(1)
    assert (geometric(logs, chances(every[:, 0], keep)) - scaled).abs().max() < 1e-12


def test_rectifiers_behind_the_masks_end_the_exactness():
    inputs = normal(10, 8, seed=3)
    for depth in (1, 2, 3):
        result = predictions(random_layers([8, *[16] * depth, 4], depth), inputs, 0.5)
        assert gap(result.scaled, result.geometric) > 1e-3


def test_when_all_or_nothing_is_kept_there_is_one_network():
    layers, inputs = random_layers([6, 16, 4], "ends"), normal(10, 6, seed=3)
    for keep in (0.0, 1.0):
        result = predictions(layers, inputs, keep)
        alone = scores(layers, inputs, [keep, 1.0]).softmax(1)
        assert all((mean - alone).abs().max() < 1e-14 for mean in result)


def test_a_product_of_chances_is_never_more_than_their_mean():
    layers, inputs = random_layers([8, 16, 4], "means"), normal(20, 8, seed=3)
    logs, weights = thinned(layers, inputs), chances(masks(8), 0.4)
    product_of = torch.einsum("d,dnc->nc", weights, logs).exp()
    assert (product_of <= arithmetic(logs, weights) + 1e-15).all() and (product_of.sum(1) < 1).all()


def test_the_gap_is_half_the_absolute_difference():
    one, other = torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.tensor([[0.0, 1.0], [0.5, 0.5]])
    assert gap(one, other) == 0.5 and gap(one, one) == 0.0


def test_training_with_masks_reads_digits_and_leaves_the_start_as_it_was():
    train, classes, test, truth = digits(12)
    start = random_layers([12, 32, 10], "start")
    before = [weight.clone() for weight, _ in start]
    network = trained(start, train, classes, keep=0.8)
    assert all(torch.equal(a, weight) for a, (weight, _) in zip(before, start, strict=True))
    assert (scores(network, test, [0.8, 1.0]).argmax(1) == truth).double().mean() > 0.9


@pytest.mark.parametrize("settings", [{}, {"units": 2, "keep": 0.9, "width": 8}, {"units": 7, "keep": 0.05}])
def test_every_check_holds(settings):
    result = Dropout(**settings).run()
    assert result.checks and all(check.passed for check in result.checks), result.checks
    assert all(np.isfinite(number) for number in result.numbers.values())


def test_the_finding_is_the_same_again_to_the_bit():
    one, other = (Dropout(units=4).run() for _ in range(2))
    assert one.numbers == other.numbers and one.checks == other.checks
    assert figures.svg(one.figure) == figures.svg(other.figure)
