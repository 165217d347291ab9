"""Attacks on inputs that have no box, as rows of a table in standard units: nothing cuts them; exact on a linear model."""

import pytest
import torch
from linear_model import minimal_perturbation

from reglab.attacks.ball import Ball, extent
from reglab.attacks.base import accuracy
from reglab.attacks.fast_gradient import fast_gradient
from reglab.attacks.projected_gradient import projected_gradient
from reglab.attacks.smallest import smallest_epsilon
from reglab.attacks.square import square
from reglab.attacks.strong import strong
from reglab.core.streams import generator
from reglab.data.inputs import UNBOUNDED, UNIT_RANGE
from reglab.experiments.robustness.reliability import reliability_checks

EPSILON = 0.3


@pytest.fixture(scope="module")
def table():
    """Rows in standard units, far beyond [0, 1], with a linear model of three classes and the classes that it says."""
    inputs = 2 * torch.randn(80, 6, generator=generator("unbounded/inputs"))
    weight = torch.randn(3, 6, generator=generator("unbounded/weight"))
    bias = torch.zeros(3)

    def model(rows):
        return rows @ weight.T

    return inputs, model(inputs).argmax(1), model, weight, bias


def test_a_ball_without_a_box_is_cut_on_no_side(table):
    inputs = table[0]
    for norm in ("linf", "l2"):
        ball = Ball.around(inputs, EPSILON, norm, UNBOUNDED)
        away = inputs + 0.1 * EPSILON
        assert torch.equal(ball.project(away), away)
    far = Ball.around(inputs, EPSILON, "linf", UNBOUNDED).project(inputs + 5)
    assert torch.allclose(far, inputs + EPSILON, atol=1e-6)


def test_the_extent_is_the_side_of_the_box_or_twice_the_range_of_the_inputs(table):
    inputs = table[0]
    assert extent(inputs, UNIT_RANGE) == 1.0
    assert extent(inputs, UNBOUNDED) == pytest.approx(2 * (inputs.max() - inputs.min()).item())


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_strong_attack_and_the_smallest_epsilon_are_exact_on_a_linear_model(table, norm):
    inputs, labels, model, weight, bias = table
    least, _ = minimal_perturbation(weight, bias, inputs, labels, norm=norm, bounds=UNBOUNDED)
    moved = strong(model, inputs, labels, EPSILON, norm=norm, bounds=UNBOUNDED)
    assert accuracy(model, moved, labels) == (least > EPSILON).double().mean().item()
    largest = extent(inputs, UNBOUNDED)
    result = smallest_epsilon(
        projected_gradient, model, inputs, labels, norm=norm, largest=largest, bounds=UNBOUNDED, halvings=14
    )
    assert (result >= least.float() - 1e-4).all()
    assert (result - least).median() < 0.02 * least.median()


@pytest.mark.parametrize("attack", [fast_gradient, projected_gradient, square])
def test_every_attack_moves_rows_beyond_zero_and_one(table, attack):
    inputs, labels, model, *_ = table
    moved = attack(model, inputs, labels, EPSILON, bounds=UNBOUNDED)
    assert (moved - inputs).abs().max() <= EPSILON + 1e-5
    assert accuracy(model, moved, labels) < 1 and (moved < 0).any() and (moved > 1).any()


def test_the_reliability_checks_believe_the_strong_attack_on_a_linear_model(table):
    inputs, labels, model, *_ = table
    moved = strong(model, inputs, labels, EPSILON, bounds=UNBOUNDED)
    checks = reliability_checks(model, inputs, labels, EPSILON, moved, bounds=UNBOUNDED)
    assert [check.name for check in checks if not check.passed] == []
