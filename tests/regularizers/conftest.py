"""Small networks with hand-made batches, on which hooks are called one at a time."""

import pytest
import torch

from reglab.core.streams import Moment, generator
from reglab.data.loader import whole
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP
from reglab.training.network import build

ARCHITECTURES = {"mlp": MLP(width=6, depth=2), "convnet": ConvNet(width=4, depth=2)}


@pytest.fixture(params=ARCHITECTURES)
def network(request):
    """In training mode, at step 3 of seed 0, with a gradient on every parameter."""
    network = build(ARCHITECTURES[request.param], (1, 4, 4), 3, seed=0)
    network.moment = Moment(seed=0, epoch=0, step=3)
    for parameter in network.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator("gradients"))
    return network


@pytest.fixture
def batch():
    """Eight examples of 1x4x4 inputs in three classes."""
    return whole(torch.rand(8, 1, 4, 4, generator=generator("inputs")), [0, 1, 2, 0, 1, 2, 0, 1], classes=3)
