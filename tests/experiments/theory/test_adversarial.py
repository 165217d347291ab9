"""The linear adversary against torch's gradients and scikit-learn's logistic regression."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from reglab.core import figures
from reglab.experiments.theory.topics.adversarial import (
    RIDGE,
    Adversarial,
    accuracy,
    adversarial_loss,
    gradient,
    pair_of_digits,
    trained,
    worst,
)


@pytest.fixture(scope="module")
def data():
    return pair_of_digits()


def test_the_worst_offset_is_the_sign_of_torchs_gradient(data):
    inputs, signs = data
    weight, bias = np.random.default_rng(0).standard_normal(64), 0.3
    images = torch.tensor(inputs, requires_grad=True)
    score = -torch.tensor(signs) * (images @ torch.tensor(weight) + bias)
    torch.nn.functional.softplus(score).sum().backward()
    there = (torch.tensor(inputs) + 0.1 * images.grad.sign()).numpy()
    assert np.array_equal(there, worst(weight, inputs, signs, 0.1))


def test_the_gradient_of_the_loss_is_torchs(data):
    inputs, signs = data
    weight = torch.linspace(-1, 1, 64, dtype=torch.float64, requires_grad=True)
    loss = torch.nn.functional.softplus(-torch.tensor(signs) * (torch.tensor(inputs) @ weight + 0.2)).mean()
    loss.backward()
    assert np.abs(weight.grad.numpy() - gradient(weight.detach().numpy(), 0.2, inputs, signs)).max() < 1e-12


def test_without_an_adversary_training_is_scikit_learns_logistic_regression(data):
    inputs, signs = data
    theirs = LogisticRegression(C=1 / (RIDGE * len(signs)), tol=1e-10, max_iter=10_000).fit(inputs, signs)
    weight, bias = trained(inputs, signs, 0.0)
    assert np.abs(weight - theirs.coef_[0]).max() < 1e-3 * np.abs(weight).max()
    assert abs(bias - theirs.intercept_[0]) < 1e-3 * np.abs(weight).max()


def test_training_against_the_adversary_reaches_a_minimum_that_random_steps_do_not_undercut(data):
    inputs, signs = data
    weight, bias = trained(inputs, signs, 0.1)

    def loss(weight: np.ndarray, bias: float) -> float:
        return adversarial_loss(weight, bias, inputs, signs, 0.1) + RIDGE / 2 * weight @ weight

    random = np.random.default_rng(0)
    for size in (1e-3, 1e-2, 0.1, 1.0):
        for _ in range(50):
            assert loss(weight + size * random.standard_normal(64), bias + size * random.standard_normal()) > loss(
                weight, bias
            )


def test_training_against_the_adversary_shrinks_the_l1_norm_and_gains_robust_accuracy():
    numbers = Adversarial(epsilon=0.1).run().numbers
    assert numbers["hardened_l1_norm"] < numbers["l1_norm"]
    assert numbers["hardened_robust_accuracy"] > numbers["plain_robust_accuracy"]


def test_robust_accuracy_is_the_accuracy_at_the_worst_inputs(data):
    inputs, signs = data
    weight, bias = trained(inputs, signs, 0.0)
    moved = worst(weight, inputs, signs, 0.2)
    assert accuracy(weight, bias, inputs, signs, 0.2) == accuracy(weight, bias, moved, signs, 0.0)


@pytest.mark.parametrize("epsilon", [1e-3, 0.1, 1.0])
def test_the_topic_passes_its_own_checks_and_draws(epsilon):
    finding = Adversarial(epsilon=epsilon).run()
    assert all(check.passed for check in finding.checks), [check for check in finding.checks if not check.passed]
    svg = figures.svg(finding.figure)
    assert (
        "epsilon" in svg and svg.count("<image") == 3 and svg == figures.svg(Adversarial(epsilon=epsilon).run().figure)
    )
