"""TRADES: its penalty on a linear model, on a grid, and what it must leave alone."""

import pytest
import torch
from torch import nn

from reglab.attacks.base import under_attack
from reglab.attacks.objectives import divergence
from reglab.core.errors import UserError
from reglab.core.streams import Moment
from reglab.data.loader import whole
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.sparse_activations import SparseActivations
from reglab.regularizers.trades import Trades
from reglab.training.network import build


@pytest.fixture
def network():
    network = build(MLP(width=16, depth=1), (2,), 3, seed=0)
    network.moment = Moment(seed=0, epoch=0, step=0)
    return network.train()


@pytest.fixture
def batch():
    inputs = torch.rand(20, 2, generator=torch.Generator().manual_seed(0))
    return whole(inputs, torch.arange(20) % 3, 3)


def penalty(technique, network, batch):
    return technique.penalty(network, batch, network(batch.inputs))


@pytest.mark.parametrize("check", Trades.checks(), ids=lambda check: check.name)
def test_its_own_hook_meets_the_closed_form_of_the_linear_model(check):
    assert check.passed, check


@pytest.mark.parametrize("technique", [Trades(strength=0.0), Trades(epsilon=0.0)])
def test_strength_zero_and_epsilon_zero_are_no_penalty_at_all(network, batch, technique):
    assert penalty(technique, network, batch) is None


def test_the_penalty_is_proportional_to_the_strength(network, batch):
    one, six = (penalty(Trades(strength=strength), network, batch).item() for strength in (1.0, 6.0))
    assert six == pytest.approx(6 * one, rel=1e-6) and one > 0


def test_the_divergence_found_is_near_the_largest_on_a_grid_of_the_ball(network, batch):
    """Ascent ends on the side of the example on which it starts, so not always at the larger of two maxima."""
    with torch.no_grad():
        network.head.weight.mul_(5)  # predictions that differ from place to place
    line = torch.linspace(-0.2, 0.2, 21)
    grid = (batch.inputs[:, None] + torch.cartesian_prod(line, line)).clamp(0, 1)
    with under_attack(network):
        clean, there = network(batch.inputs), network(grid.flatten(0, 1))
        largest = divergence(there, clean.repeat_interleave(441, 0)).view(20, 441).amax(1).mean().item()
    result = penalty(Trades(strength=1.0, epsilon=0.2, steps=20), network, batch).item()
    assert 0.6 * largest < result <= 1.01 * largest


def test_the_gradient_passes_through_both_predictions(network, batch):
    """Against the slope of the penalty itself, found by finite differences at worst inputs that stay."""
    network.double()
    technique, batch = Trades(strength=2.0, steps=3), batch._replace(inputs=batch.inputs.double())
    value = penalty(technique, network, batch)
    value.backward()
    bias, step = network.head.bias, 1e-6
    slope = bias.grad.clone()
    for place in range(3):
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                bias[place] += sign * step
            ends.append(penalty(technique, network, batch).item())
            with torch.no_grad():
                bias[place] -= sign * step
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(slope[place].item(), abs=1e-7)


def test_modes_statistics_and_the_activations_of_the_training_step_are_left_alone(network, batch):
    network.backbone.append(nn.BatchNorm1d(16))
    SparseActivations().prepare_model(network)
    logits = network(batch.inputs)
    kept, before = dict(network.activations), {name: value.clone() for name, value in network.state_dict().items()}
    Trades().penalty(network, batch, logits).backward()
    assert all(module.training for module in network.modules()) and network.activations == kept
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is not None for parameter in network.head.parameters())


def test_dropout_does_not_reach_the_penalty(network, batch):
    plain = penalty(Trades(), network, batch)
    Dropout(0.5, 0.5).prepare_model(network)
    assert torch.equal(penalty(Trades(), network, batch), plain)


def test_inputs_outside_the_range_are_refused(network, batch):
    with pytest.raises(UserError, match="the declared range is 0 to 1"):
        penalty(Trades(), network, batch._replace(inputs=batch.inputs + 1))
