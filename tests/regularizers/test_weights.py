"""Which parameters are weights: the one rule of every penalty and constraint, by name for each backbone."""

import pytest

from reglab import params
from reglab.models.base import build
from reglab.models.parameters import weights

WEIGHTS = {
    "mlp": ["backbone.0.1.weight", "backbone.1.1.weight", "head.weight"],
    "convnet": ["backbone.0.0.weight", "backbone.1.0.weight", "head.weight"],
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_kernels_and_matrices_are_weights_and_biases_are_not(name):
    network = build(params.find("models", name)(), (1, 8, 8), classes=10, seed=0)
    assert list(weights(network)) == WEIGHTS[name]
    others = {key for key, _ in network.named_parameters()} - set(WEIGHTS[name])
    assert others == {key.replace("weight", "bias") for key in WEIGHTS[name]}


def test_scales_of_normalisation_layers_are_not_weights():
    from torch import nn

    assert list(weights(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.LayerNorm(2)))) == ["0.weight"]
