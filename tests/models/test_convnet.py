"""The small convolutional network against the layers of its formula, in their order there."""

import pytest
import torch
from torch.nn import functional

from reglab.core.streams import generator
from reglab.core.tasks import Classification
from reglab.models.convnet import ConvNet
from reglab.training.network import build


def by_formula(network, images):
    """Convolution, rectifier, maximum of each 2 x 2 places, for every layer; then the head."""
    units = images
    for block in network.hidden_layers:
        convolution = block[0]
        rectified = functional.conv2d(units, convolution.weight, convolution.bias, padding=1).relu()
        units = functional.max_pool2d(rectified, 2, ceil_mode=True)
    return functional.linear(units.flatten(1), network.head.weight, network.head.bias)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 7, 10)])
def test_it_computes_its_formula_and_its_gradient_to_the_bit(shape):
    network = build(ConvNet(width=8, depth=2), shape, Classification(3), seed=0)
    with torch.no_grad():
        network.hidden_layers[0][0].bias.sub_(0.1)  # so that some windows have no value above zero
    images = torch.rand(16, *shape, generator=generator("images"))
    gradients = []
    for scores in (network(images), by_formula(network, images)):
        gradients.append([scores, *torch.autograd.grad(scores.square().sum(), [*network.parameters()])])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True))
