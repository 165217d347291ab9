"""Stochastic depth: what a step leaves out, what prediction weighs, and that it learns."""

import copy

import pytest
import torch
from torch import nn

from reglab.core.errors import UserError
from reglab.core.streams import Moment
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP
from reglab.models.resnet import ResNet
from reglab.regularizers.stochastic_depth import StochasticDepth, linear_network, survival
from reglab.technique_checks.workbench import Steps, difference, examples, stepped
from reglab.training.network import ResidualBlock, build

RESIDUAL = MLP(width=6, depth=4, residual=True)
NETWORKS = {"mlp": RESIDUAL, "resnet": ResNet(width=4, depth=1, stages=3)}


@pytest.fixture(params=NETWORKS)
def network(request):
    network = build(NETWORKS[request.param], (1, 4, 4), 3, seed=0)
    network.moment = Moment(seed=0, epoch=0, step=0)
    return network


def residual_blocks(network):
    return [block for block in network.hidden_layers if isinstance(block, ResidualBlock)]


def kept(network, inputs, step):
    """Which blocks a step keeps; every other one must hand on its shortcut, to the bit."""
    network.moment = Moment(seed=0, epoch=0, step=step)
    result, hooks = [], []
    for block in residual_blocks(network):

        def see(block, given, units):
            result.append(not torch.equal(units, block.shortcut(given[0])))

        hooks.append(block.register_forward_hook(see))
    network(inputs)
    for hook in hooks:
        hook.remove()
    return result


def test_the_chance_to_stay_falls_linearly_with_depth():
    assert (
        survival(0.5, 4) == [0.875, 0.75, 0.625, 0.5] and survival(0.0, 3) == [1.0] * 3 and survival(0.25, 1) == [0.75]
    )


def test_blocks_are_left_out_as_often_as_their_place_says(network, batch):
    StochasticDepth(0.6).prepare_model(network)
    steps = 600
    shares = torch.tensor([kept(network, batch.inputs, step) for step in range(steps)]).float().mean(0)
    chances = torch.tensor(survival(0.6, len(residual_blocks(network))))
    assert ((shares - chances).abs() < 4 * (chances * (1 - chances) / steps).sqrt()).all()


def test_the_same_step_draws_the_same_blocks_and_another_pass_others(network, batch):
    StochasticDepth(0.9).prepare_model(network)
    network.eval()  # no batch statistics move
    for block in residual_blocks(network):
        block.branch.training = True
    outputs, others = [], []
    for step in range(20):
        network.moment = Moment(seed=0, epoch=0, step=step)
        outputs.append(network(batch.inputs))
        assert torch.equal(network(batch.inputs), outputs[-1])
        with network.another_pass("again"):
            others.append(network(batch.inputs))
    assert not all(torch.equal(one, other) for one, other in zip(outputs, others, strict=True))


def test_prediction_weighs_each_branch_by_its_chance(network, batch):
    plain = copy.deepcopy(network).eval()
    StochasticDepth(0.6).prepare_model(network)
    units, chances = batch.inputs, iter(survival(0.6, len(residual_blocks(network))))
    with torch.no_grad():
        for layer in plain.hidden_layers:
            residual = isinstance(layer, ResidualBlock)
            units = layer.shortcut(units) + next(chances) * layer.branch(units) if residual else layer(units)
        assert torch.allclose(network.eval()(batch.inputs), plain.head(units.flatten(1)), rtol=0, atol=1e-6)


def test_a_copy_in_prediction_weighs_while_the_original_draws(network, batch):
    StochasticDepth(0.6).prepare_model(network)
    judged = copy.deepcopy(network).eval()
    first = judged(batch.inputs)
    network.moment = Moment(seed=0, epoch=0, step=7)
    assert torch.equal(judged(batch.inputs), first) and network.training


def test_a_branch_that_is_left_out_gets_a_gradient_of_zero(batch):
    network = build(RESIDUAL, (1, 4, 4), 3, seed=0)
    StochasticDepth(0.9).prepare_model(network)
    step = next(step for step in range(50) if not all(kept(network, batch.inputs, step)))
    network.moment = Moment(seed=0, epoch=0, step=step)
    stays = kept(network, batch.inputs, step)
    network(batch.inputs).square().sum().backward()
    for block, stayed in zip(residual_blocks(network), stays, strict=True):
        assert block.branch[0].weight.grad.any() == stayed


def test_rate_zero_is_the_plain_training_bit_for_bit():
    with_it, plain = (stepped(*one, architecture=RESIDUAL, steps=3).bits() for one in ((StochasticDepth(0.0),), ()))
    assert difference(with_it, plain) == "" and with_it.keys() == plain.keys()


def test_a_residual_network_learns_with_it():
    batch = examples()
    learner = Steps(StochasticDepth(0.3), architecture=RESIDUAL)
    before = nn.functional.cross_entropy(learner.predicted(batch.inputs), batch.targets)
    learner.take(*[batch] * 200)
    assert nn.functional.cross_entropy(learner.predicted(batch.inputs), batch.targets) < before / 2


@pytest.mark.parametrize(
    "architecture", [MLP(width=6, depth=2), MLP(depth=1, residual=True), ConvNet(width=4, depth=1)]
)
def test_a_network_without_residual_blocks_is_refused(architecture):
    with pytest.raises(UserError, match="stochastic_depth: found a network without residual blocks"):
        StochasticDepth().prepare_model(build(architecture, (1, 4, 4), 3, seed=0))


def test_the_linear_network_of_the_check_has_as_many_residual_blocks_as_it_says():
    assert len(residual_blocks(linear_network(4))) == 4
