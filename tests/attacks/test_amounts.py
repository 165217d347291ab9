"""Attacks on amounts against the closed form of a linear model, and what holds of any network."""

import numpy as np
import pytest
import torch

from reglab.attacks.ball import rowwise_norm
from reglab.attacks.base import accuracy
from reglab.attacks.fast_gradient import fast_gradient
from reglab.attacks.largest_error import largest_error
from reglab.attacks.objectives import squared_error
from reglab.attacks.projected_gradient import projected_gradient
from reglab.attacks.square import square
from reglab.attacks.strong import strong
from reglab.core.errors import UserError
from reglab.core.tasks import Regression
from reglab.data.inputs import UNBOUNDED
from reglab.models.mlp import MLP
from reglab.training.network import build

EPSILON = 0.3
ATTACKS = {
    "fast_gradient": fast_gradient,
    "projected_gradient": projected_gradient,
    "largest_error": largest_error,
    "square": square,
}
DUAL = {"linf": 1, "l2": 2}  # the order of the norm of w that belongs to the norm of the ball


@pytest.fixture(scope="module")
def problem():
    """f = w . x + b in double precision, with inputs and amounts that no residual is zero for: w, b, inputs, amounts."""
    random = torch.Generator().manual_seed(0)
    weight, inputs, amounts = (torch.randn(shape, generator=random).double() for shape in ((5, 1), (40, 5), (40, 1)))
    return weight, 0.4, inputs, amounts


def linear(weight, bias):
    return lambda inputs: inputs @ weight + bias


def exact(problem, norm, epsilon=EPSILON):
    """(|r| + epsilon ||w||)² for the dual norm of w, (examples,)."""
    weight, bias, inputs, amounts = problem
    residuals = (linear(weight, bias)(inputs) - amounts)[:, 0]
    return (residuals.abs() + epsilon * weight.norm(DUAL[norm])).square()


@pytest.mark.parametrize("norm", DUAL)
@pytest.mark.parametrize(
    ("name", "tolerance"), [("fast_gradient", 1e-12), ("projected_gradient", 1e-9), ("largest_error", 1e-9)]
)
def test_on_a_linear_model_the_squared_error_becomes_the_largest_in_the_ball(problem, norm, name, tolerance):
    weight, bias, inputs, amounts = problem
    model = linear(weight, bias)
    moved = ATTACKS[name](model, inputs, amounts, EPSILON, norm=norm, bounds=UNBOUNDED)
    errors = squared_error(model(moved), amounts)
    assert (errors / exact(problem, norm) - 1).abs().max() < tolerance


def test_the_square_attack_needs_no_gradient_and_comes_near_in_the_maximum_norm(problem):
    weight, bias, inputs, amounts = problem
    model = linear(weight, bias)
    errors = squared_error(model(square(model, inputs, amounts, EPSILON, bounds=UNBOUNDED)), amounts)
    assert (errors / exact(problem, "linf") > 0.999).double().mean() >= 0.9


@pytest.mark.parametrize("norm", DUAL)
@pytest.mark.parametrize("name", ATTACKS)
def test_inputs_stay_within_epsilon_and_within_the_box(problem, name, norm):
    weight, bias, inputs, amounts = problem
    inside = torch.sigmoid(inputs)
    moved = ATTACKS[name](linear(weight, bias), inside, amounts, EPSILON, norm=norm)
    assert moved.min() >= 0 and moved.max() <= 1
    assert rowwise_norm(moved - inside, norm).max() <= EPSILON + 1e-12


@pytest.fixture(scope="module")
def network():
    """A network of a regression whose outputs bend, in double precision."""
    return build(MLP(width=16, depth=2), (5,), Regression(10.0, 4.0), seed=0).double().eval()


@pytest.mark.parametrize("norm", DUAL)
@pytest.mark.parametrize("name", ["projected_gradient", "largest_error"])
def test_the_error_of_no_example_gets_smaller(problem, network, name, norm):
    _, _, inputs, amounts = problem
    moved = ATTACKS[name](network, inputs, amounts, 2.0, norm=norm, bounds=UNBOUNDED)
    clean, attacked = (squared_error(network(each), amounts).detach() for each in (inputs, moved))
    assert (attacked >= clean).all() and attacked.mean() > 1.2 * clean.mean()


@pytest.mark.parametrize("norm", DUAL)
def test_the_strong_attack_finds_what_the_others_find_and_more(problem, network, norm):
    _, _, inputs, amounts = problem
    by_attack = {
        name: squared_error(network(attack(network, inputs, amounts, 2.0, norm=norm, bounds=UNBOUNDED)), amounts)
        for name, attack in ATTACKS.items()
    }
    strongest = by_attack.pop("largest_error")
    for name, errors in by_attack.items():
        assert (strongest >= errors - 1e-9).double().mean() >= 0.9, name
        assert strongest.mean() >= errors.mean() - 1e-9, name


def test_a_larger_ball_holds_larger_errors_and_one_of_radius_zero_none(problem):
    weight, bias, inputs, amounts = problem
    model = linear(weight, bias)
    assert torch.equal(fast_gradient(model, inputs, amounts, 0.0, bounds=UNBOUNDED), inputs)
    errors = [
        squared_error(model(fast_gradient(model, inputs, amounts, epsilon, bounds=UNBOUNDED)), amounts).mean()
        for epsilon in (0.0, 0.1, 0.2, 0.4)
    ]
    assert np.all(np.diff(errors) > 0)


def test_of_one_seed_the_attack_is_the_same_each_time_and_of_another_it_is_not(problem, network):
    _, _, inputs, amounts = problem

    def moved(seed):
        return projected_gradient(network, inputs, amounts, 2.0, seed=seed, steps=3, restarts=3, bounds=UNBOUNDED)

    assert torch.equal(moved(1), moved(1)) and not torch.equal(moved(1), moved(2))


@pytest.mark.parametrize("attack", ATTACKS.values())
def test_amounts_of_another_shape_or_without_a_number_are_refused(problem, attack):
    weight, bias, inputs, amounts = problem
    with pytest.raises(UserError, match=r"amounts of shape \(40,\); allowed: \(inputs, 1\)"):
        attack(linear(weight, bias), inputs, amounts[:, 0], EPSILON, bounds=UNBOUNDED)
    with pytest.raises(UserError, match="NaN or infinite"):
        attack(linear(weight, torch.nan), inputs, amounts, EPSILON, bounds=UNBOUNDED)


def test_what_counts_classes_refuses_amounts(problem):
    weight, bias, inputs, amounts = problem
    for counting in (strong, lambda *given: accuracy(*given[:3])):
        with pytest.raises(UserError, match="at least two classes"):
            counting(linear(weight, bias), torch.sigmoid(inputs), amounts, EPSILON)
