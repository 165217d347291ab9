"""The smoothed optimum against a foreign optimizer, the growth against a support vector machine, and PyTorch."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from reglab.core import figures
from reglab.data import load_source
from reglab.experiments.theory.topics.weight_growth import (
    WeightGrowth,
    descend,
    gradient,
    largest_margin,
    lead_loss,
    loss,
    optimal_margin,
    optimum,
    smoothed,
)
from reglab.regularizers.label_smoothing import smooth


@pytest.fixture(scope="module")
def digits():
    """Three images of each of the digits 0 to 3."""
    images, labels = load_source("digits")
    rows = np.concatenate([np.flatnonzero(labels == digit)[:3] for digit in range(4)])
    return images[rows].reshape(len(rows), -1).astype(float), labels[rows]


def margins(inputs, labels, weights):
    """The lead of the right logit over each wrong one, (n, classes - 1)."""
    scores = inputs @ weights
    wrong = ~np.eye(weights.shape[1], dtype=bool)[labels]
    return (scores[~wrong][:, None] - scores)[wrong].reshape(len(labels), -1)


def test_descent_is_torchs_gradient_descent(digits):
    inputs, labels = (torch.as_tensor(array) for array in digits)
    weights = torch.zeros(64, 4, dtype=torch.float64, requires_grad=True)
    curvature = torch.linalg.eigvalsh(inputs @ inputs.T)[-1].item() / (2 * len(inputs))
    optimizer = torch.optim.SGD([weights], lr=1 / curvature)
    for _ in range(300):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(inputs @ weights, labels).backward()
        optimizer.step()
    ours = descend(digits[0], np.eye(4)[digits[1]], np.array([10, 300]))[-1]
    assert np.abs(ours - weights.detach().numpy()).max() < 1e-10


@pytest.mark.parametrize("smoothing", [0.01, 0.1, 0.4])
def test_a_foreign_optimizer_ends_at_the_closed_form(digits, smoothing):
    inputs, labels = digits
    targets = smoothed(labels, smoothing, 4)

    def slope(flat):
        weights = flat.reshape(64, 4)
        return loss(inputs, targets, weights), gradient(inputs, targets, weights).ravel()

    options = {"maxiter": 5000, "ftol": 0, "gtol": 1e-10}
    result = minimize(slope, np.zeros(256), jac=True, method="L-BFGS-B", options=options)
    entropy = -(1 - smoothing) * np.log(1 - smoothing) - smoothing * np.log(smoothing / 3)
    assert result.fun == pytest.approx(entropy, abs=1e-10)
    assert np.abs(margins(inputs, labels, result.x.reshape(64, 4)) - optimal_margin(smoothing, 4)).max() < 1e-3
    assert np.abs(result.x.reshape(64, 4) - optimum(inputs, labels, smoothing, 4)).max() < 1e-3


def test_at_the_closed_form_the_gradient_vanishes_and_elsewhere_it_does_not(digits):
    inputs, labels = digits
    best, targets = optimum(inputs, labels, 0.1, 4), smoothed(labels, 0.1, 4)
    assert np.abs(gradient(inputs, targets, best)).max() < 1e-14
    assert np.abs(gradient(inputs, targets, 1.01 * best)).max() > 1e-5
    assert np.abs(margins(inputs, labels, best) - np.log(0.9 * 3 / 0.1)).max() < 1e-10


def test_on_hard_targets_longer_weights_are_always_better(digits):
    inputs, labels = digits
    weights, hard = optimum(inputs, labels, 0.1, 4), np.eye(4)[labels]
    losses = [loss(inputs, hard, scale * weights) for scale in (1, 2, 4, 8)]
    assert (np.diff(losses) < 0).all() and losses[-1] < 1e-10


def test_with_hard_targets_the_norm_gains_as_much_in_each_decade_and_with_smoothed_ones_it_stops(digits):
    inputs, labels = digits
    steps = np.array([100, 1000, 10_000])
    hard, soft = (
        np.linalg.norm(descend(inputs, smoothed(labels, smoothing, 4), steps), axis=(1, 2)) for smoothing in (0.0, 0.2)
    )
    gains = np.diff(hard) / np.log(10)
    assert gains == pytest.approx(np.linalg.norm(largest_margin(inputs, labels)), rel=0.1)
    assert soft[-1] == pytest.approx(np.linalg.norm(optimum(inputs, labels, 0.2, 4)), rel=1e-3)
    assert soft[-1] - soft[-2] < 0.1 * (hard[-1] - hard[-2])


@pytest.mark.parametrize("classes", [3, 7])
def test_the_largest_margin_of_unit_vectors_is_known(classes):
    """For x_i = e_i the smallest weights with margins 1 are I - 1/k."""
    weights = largest_margin(np.eye(classes), np.arange(classes))
    assert np.abs(weights - (np.eye(classes) - 1 / classes)).max() < 1e-6


def test_no_margin_of_the_support_vector_machine_is_below_one(digits):
    leads = margins(*digits, largest_margin(*digits))
    assert leads.min() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("smoothing", [0.05, 0.3, 0.49])
def test_pytorch_moves_its_share_to_the_right_class_too(classes, smoothing):
    random = np.random.default_rng(1)
    inputs, labels = random.normal(size=(20, 5)), random.integers(0, classes, 20)
    weights = random.normal(size=(5, classes))

    def torchs(share):
        scores = torch.as_tensor(inputs @ weights)
        return torch.nn.functional.cross_entropy(scores, torch.as_tensor(labels), label_smoothing=share).item()

    lecture = loss(inputs, smoothed(labels, smoothing, classes), weights)
    assert lecture == pytest.approx(torchs(smoothing * classes / (classes - 1)), abs=1e-12)
    assert lecture != pytest.approx(torchs(smoothing), abs=1e-6)


def test_the_targets_are_those_of_the_regularizer():
    labels = np.arange(5)
    theirs = smooth(torch.eye(5, dtype=torch.float64)[torch.as_tensor(labels)], 0.3, 4).numpy()
    assert np.abs(smoothed(labels, 0.3, 5) - theirs).max() < 1e-15


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
def test_the_loss_against_the_margin_is_that_of_logits_with_that_margin(smoothing):
    label = np.array([2])
    for lead in (-1.0, 0.0, 3.0):
        exact = loss(np.eye(1), smoothed(label, smoothing, 4), lead * np.eye(4)[label])
        assert lead_loss(lead, smoothing, 4) == pytest.approx(exact, abs=1e-14)


@pytest.mark.parametrize("settings", [{}, {"smoothing": 0.4, "examples_per_class": 3, "steps": 10_000}])
def test_every_check_holds_and_again_to_the_bit(settings):
    one, other = WeightGrowth(**settings).run(), WeightGrowth(**settings).run()
    assert one.checks and all(check.passed for check in one.checks), one.checks
    assert one.numbers == other.numbers and one.checks == other.checks
    assert figures.svg(one.figure) == figures.svg(other.figure)
