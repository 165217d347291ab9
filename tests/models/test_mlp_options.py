"""The options of the perceptron: without them it is the old one bit for bit, with them it computes their formulas."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from reglab.core import streams
from reglab.core.streams import generator
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.technique_checks.workbench import Steps, difference, examples, stepped
from reglab.training.network import Architecture, Block, ResidualBlock, build
from reglab.training.periodic import Periodic
from reglab.training.weights import weights

SHAPE, CLASSES = (1, 8, 8), 3


@dataclass(frozen=True)
class Plain(Architecture):
    """The perceptron as it was before it had options."""

    width: int = 8
    depth: int = 2

    def blocks(self, shape):
        widths = [math.prod(shape)] + [self.width] * self.depth
        return [Block(nn.Flatten(), nn.Linear(n, m), nn.ReLU()) for n, m in pairwise(widths)]


def test_the_default_settings_draw_the_same_weights_as_plain_layers_of_torch():
    with torch.random.fork_rng():
        torch.manual_seed(streams.seed_of(5, "initialization"))
        layers = [nn.Linear(64, 7), nn.Linear(7, 7), nn.Linear(7, CLASSES)]
    result = [*build(MLP(width=7, depth=2), SHAPE, CLASSES, seed=5).parameters()]
    expected = [parameter for layer in layers for parameter in layer.parameters()]
    assert all(torch.equal(one, other) for one, other in zip(result, expected, strict=True))


@pytest.mark.parametrize("techniques", [(), (Dropout(),)], ids=["none", "dropout"])
def test_the_default_settings_take_the_same_steps_as_before_bit_for_bit(techniques):
    old, new = (stepped(*techniques, steps=5, architecture=model(8, 2)).bits() for model in (Plain, MLP))
    assert old.keys() == new.keys() and not difference(old, new)


def inputs(count=7, shape=SHAPE):
    return torch.randn(count, *shape, generator=generator("mlp_options"), dtype=torch.float64)


def array(tensor):
    return tensor.detach().numpy()


def normalized(units, kind, gain, bias):
    axis = {"none": None, "batch": 0, "layer": 1}[kind]
    if axis is None:
        return units + bias
    mean, variance = units.mean(axis, keepdims=True), units.var(axis, keepdims=True)
    return gain * (units - mean) / np.sqrt(variance + 1e-5) + bias


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
def test_it_computes_its_formula(normalization, residual):
    model = MLP(width=6, depth=3, normalization=normalization, residual=residual)
    network = build(model, SHAPE, CLASSES, seed=0).double()
    random = generator("gains")
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 1:
                parameter.copy_(torch.randn(parameter.shape, generator=random))
    units = array(inputs().flatten(1))
    for number, block in enumerate(network.hidden_layers):
        linear, *norms = [
            module for module in block.modules() if isinstance(module, nn.Linear | nn.BatchNorm1d | nn.LayerNorm)
        ]
        gain, bias = (array(norms[0].weight), array(norms[0].bias)) if norms else (1, array(linear.bias))
        assert (linear.bias is None) == bool(norms)
        new = np.maximum(normalized(units @ array(linear.weight).T, normalization, gain, bias), 0)
        units = units + new if residual and number else new
        assert isinstance(block, ResidualBlock) == (residual and number > 0)
    expected = units @ array(network.head.weight).T + array(network.head.bias)
    assert np.allclose(array(network(inputs())), expected, rtol=0, atol=1e-12)


def test_an_embedded_perceptron_is_a_perceptron_on_the_embedded_inputs():
    model = MLP(width=6, depth=2, embedding="periodic", frequencies=4, frequency_std=0.5)
    network = build(model, (5,), CLASSES, seed=0).double()
    flatten, periodic, linear, _ = network.hidden_layers[0]
    assert isinstance(periodic, Periodic) and periodic.frequencies.shape == (5, 4) and linear.in_features == 2 * 4 * 5
    units = periodic(inputs(shape=(5,)))
    for _, layer, _ in [(flatten, linear, None), network.hidden_layers[1]]:
        units = layer(units).clamp(min=0)
    assert torch.allclose(network(inputs(shape=(5,))), network.head(units), rtol=0, atol=1e-12)
    assert not [name for name in weights(network) if "frequencies" in name]


@pytest.mark.parametrize("shape", [(6,), (3, 2), (2, 4, 3), (1, 8, 8)])
@pytest.mark.parametrize("embedding", ["none", "periodic"])
def test_inputs_of_any_shape_are_read_as_rows_of_numbers(shape, embedding):
    model = MLP(width=4, embedding=embedding, frequencies=3, normalization="layer", residual=True)
    one, other = build(model, shape, CLASSES, 0).double(), build(model, (math.prod(shape),), CLASSES, 0).double()
    assert torch.equal(one(inputs(shape=shape)), other(inputs(shape=shape).flatten(1)))


def test_frequencies_are_learned():
    learner = Steps(architecture=MLP(width=6, depth=1, embedding="periodic", frequencies=3))
    start = learner.network.backbone[0][1].frequencies.detach().clone()
    assert not torch.equal(learner.take(examples()).network.backbone[0][1].frequencies, start)


# Residual blocks


def test_a_residual_block_adds_its_branch_to_its_shortcut_and_hooks_reach_the_sum_and_the_branch():
    branch, shortcut, units = nn.Linear(3, 3).double(), nn.Linear(3, 3).double(), inputs(2, (3,))
    assert torch.equal(ResidualBlock(branch)(units), units + branch(units))
    block = ResidualBlock(branch, shortcut)
    assert torch.equal(block(units), shortcut(units) + branch(units))
    assert block.branch is branch and block.shortcut is shortcut
    skipped = branch.register_forward_hook(lambda _, __, values: 0 * values)
    assert torch.equal(block(units), shortcut(units))
    skipped.remove()
    block.register_forward_hook(lambda _, __, values: values / 2)
    assert torch.equal(block(units), (shortcut(units) + branch(units)) / 2)


def test_dropout_drops_units_of_the_sum_of_a_residual_block():
    network = Steps(Dropout(0.0, 0.5), architecture=MLP(width=64, depth=2, residual=True)).network
    block, seen = network.hidden_layers[1], []
    block.branch.register_forward_hook(lambda _, inputs, branch: seen.append(inputs[0] + branch))
    dropped = network.backbone(examples().inputs)
    kept = dropped != 0
    assert torch.equal(dropped[kept], 2 * seen[0][kept])
    assert (seen[0][~kept] != 0).float().mean() > 0.3
