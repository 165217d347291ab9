"""Networks against their formulas: as many layers, units and channels as the settings say, and what they compute."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

from reglab.core.streams import generator
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP
from reglab.training.network import build

SHAPE, CLASSES = (2, 9, 9), 4


def inputs(count=6):
    return torch.randn(count, *SHAPE, generator=generator("networks"), dtype=torch.float64)


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(("width", "depth"), [(1, 1), (7, 2), (5, 4)])
def test_a_perceptron_has_depth_layers_of_width_units(width, depth):
    network = build(MLP(width=width, depth=depth), SHAPE, CLASSES, seed=0)
    assert len(network.hidden_layers) == depth
    sizes = [math.prod(SHAPE), *[width] * depth, CLASSES]
    assert parameters(network) == sum((n + 1) * m for n, m in pairwise(sizes))


@pytest.mark.parametrize("depth", [1, 3])
def test_a_perceptron_computes_rectified_linear_layers_and_a_linear_head(depth):
    network = build(MLP(width=6, depth=depth), SHAPE, CLASSES, seed=0).double()
    units = inputs().flatten(1).numpy()
    for layer in network.hidden_layers:
        units = np.maximum(units @ layer[1].weight.detach().numpy().T + layer[1].bias.detach().numpy(), 0)
    expected = units @ network.head.weight.detach().numpy().T + network.head.bias.detach().numpy()
    assert np.allclose(network(inputs()).detach(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("width", "depth"), [(1, 1), (3, 2), (2, 4)])
def test_a_convolutional_network_halves_the_image_and_doubles_the_channels_depth_times(width, depth):
    network = build(ConvNet(width=width, depth=depth), SHAPE, CLASSES, seed=0)
    assert len(network.hidden_layers) == depth
    units, channels, side, count = inputs().float(), SHAPE[0], SHAPE[1], 0
    for layer, block in enumerate(network.hidden_layers):
        count += (9 * channels + 1) * width * 2**layer
        units, channels, side = block(units), width * 2**layer, math.ceil(side / 2)
        assert units.shape == (6, channels, side, side)
    assert parameters(network) == count + (channels * side**2 + 1) * CLASSES


def test_a_convolutional_network_computes_convolutions_rectified_and_pooled():
    network = build(ConvNet(width=3, depth=2), SHAPE, CLASSES, seed=0).double()
    units = inputs()
    for convolution, *_ in network.hidden_layers:
        units = functional.conv2d(functional.pad(units, (1, 1, 1, 1)), convolution.weight, convolution.bias).clamp(
            min=0
        )
        units = functional.pad(
            units, (0, units.shape[3] % 2, 0, units.shape[2] % 2)
        )  # zeros, the least of what is rectified
        units = units.unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5))
    expected = units.flatten(1) @ network.head.weight.T + network.head.bias
    assert torch.allclose(network(inputs()), expected, rtol=0, atol=1e-12)


def test_a_seed_draws_its_own_weights_and_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    one, again, other = (build(MLP(width=3, depth=1), SHAPE, CLASSES, seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.head.weight, again.head.weight) and not torch.equal(one.head.weight, other.head.weight)
