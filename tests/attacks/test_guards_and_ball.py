"""The guards around an attack, and the geometry of the ball."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn

from reglab.attacks.ball import Ball, rowwise_norm
from reglab.attacks.base import evaluation_mode, gradient, under_attack
from reglab.attacks.objectives import cross_entropy
from reglab.core.streams import Moment, generator
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.sparse_activations import SparseActivations
from reglab.training.network import build


def test_modes_come_back_after_an_error_too():
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(3).eval())
    with pytest.raises(ZeroDivisionError), under_attack(model):
        assert not any(module.training for module in model.modules())
        assert not any(parameter.requires_grad for parameter in model.parameters())
        raise ZeroDivisionError
    assert [module.training for module in model.modules()] == [True, True, False]
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_hooks_of_a_training_step_do_not_fire_in_evaluation_mode():
    network = build(MLP(width=8, depth=2), (1, 3, 3), 4, seed=0)
    network.moment = Moment(seed=0, epoch=0, step=0)
    sparse = SparseActivations()
    Dropout(0.5, 0.5).prepare_model(network)
    sparse.prepare_model(network)
    inputs = torch.rand(5, 1, 3, 3)
    network(inputs)
    kept = dict(network.activations)
    with evaluation_mode(network):
        once, again = network(inputs), network(inputs)
    assert torch.equal(once, again) and not torch.equal(once, network(inputs))
    network.activations = kept
    with under_attack(network):
        network(inputs)
    assert network.activations == kept


def test_the_gradient_is_autograds_and_parameters_keep_theirs():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    inputs, labels = torch.rand(6, 1, 2, 2), torch.arange(6) % 3
    _, values, slope = gradient(model, inputs, cross_entropy, labels)
    weight, chances = model[1].weight, model(inputs).softmax(1)
    expected = (chances - nn.functional.one_hot(labels, 3)) @ weight
    assert torch.allclose(slope.flatten(1), expected, atol=1e-6)
    assert torch.allclose(values, -chances.log().gather(1, labels[:, None])[:, 0], atol=1e-6)
    assert weight.grad is None and not inputs.requires_grad


def test_a_gradient_of_nan_counts_as_zero():
    inputs, labels = torch.rand(2, 3), torch.tensor([0, 1])
    _, _, slope = gradient(lambda inputs: (inputs - inputs).sqrt(), inputs, cross_entropy, labels)
    assert torch.equal(slope, torch.zeros(2, 3))


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_projection_is_into_the_set_and_leaves_what_lies_in_it(norm):
    random = torch.Generator().manual_seed(0)
    center, points = torch.rand(200, 5, generator=random), 3 * torch.randn(200, 5, generator=random)
    ball = Ball.around(center, 0.3, norm)
    inside = ball.project(points)
    assert rowwise_norm(inside - center, norm).max() <= 0.3 + 1e-6 and inside.min() >= 0 and inside.max() <= 1
    assert torch.allclose(ball.project(inside), inside, atol=1e-6)


def test_in_the_maximum_norm_projection_is_onto_the_nearest_point():
    center, point = np.array([0.05, 0.5, 0.9]), np.array([-1.0, 0.52, 1.4])
    box = [(max(0, x - 0.2), min(1, x + 0.2)) for x in center]
    nearest = minimize(lambda x: ((x - point) ** 2).sum(), center, bounds=box).x
    ball = Ball.around(torch.tensor(center)[None], 0.2)
    assert np.abs(ball.project(torch.tensor(point)[None])[0].numpy() - nearest).max() < 1e-6


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_random_points_are_uniform_in_the_ball(norm):
    """The share within half the radius is 2^-features."""
    ball = Ball.around(torch.full((40_000, 3), 0.5), 0.2, norm)
    points = ball.random(generator("test"))
    near = (rowwise_norm(points - 0.5, norm) <= 0.1).double().mean().item()
    assert abs(near - 1 / 8) < 5 * (1 / 8 * 7 / 8 / 40_000) ** 0.5
    assert (points - 0.5).mean(0).abs().max() < 5 * 0.2 / 40_000**0.5


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_steepest_step_is_the_best_of_its_length_even_for_a_tiny_slope(norm):
    random = torch.Generator().manual_seed(0)
    slope = torch.randn(1, 6, generator=random)
    ball = Ball.around(torch.full((1, 6), 0.5), 0.1, norm)
    best = (ball.steepest(slope) * slope).sum()
    others = torch.randn(2000, 6, generator=random)
    others = others / rowwise_norm(others, norm)[:, None]
    assert ((others * slope).sum(1) <= best + 1e-6).all()
    assert torch.allclose(ball.steepest(slope * 1e-37), ball.steepest(slope), atol=1e-3)
    assert torch.equal(ball.steepest(0 * slope), torch.zeros(1, 6))
