"""Which parameters are weights: the one rule of every penalty and constraint, by name for each backbone."""

import pytest
import torch

from reglab.core import registry
from reglab.regularizers.elastic_net import ElasticNet
from reglab.regularizers.l1 import L1
from reglab.regularizers.max_norm import MaxNorm
from reglab.regularizers.norm_constraint import NormConstraint
from reglab.regularizers.weight_decay import WeightDecay
from reglab.training.network import build
from reglab.training.weights import weights

WEIGHTS = {
    "mlp": ["backbone.0.1.weight", "backbone.1.1.weight", "head.weight"],
    "convnet": ["backbone.0.0.weight", "backbone.1.0.weight", "head.weight"],
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_kernels_and_matrices_are_weights_and_biases_are_not(name):
    network = build(registry.find("models", name)(), (1, 8, 8), 10, seed=0)
    assert list(weights(network)) == WEIGHTS[name]
    others = {key for key, _ in network.named_parameters()} - set(WEIGHTS[name])
    assert others == {key.replace("weight", "bias") for key in WEIGHTS[name]}


def test_scales_of_normalisation_layers_are_not_weights():
    from torch import nn

    assert list(weights(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.LayerNorm(2)))) == ["0.weight"]


FROZEN = [WeightDecay(0.1), WeightDecay(0.1, decoupled=True), L1(0.1), L1(0.1, "subgradient"), ElasticNet(0.1)]
FROZEN += [MaxNorm(0.1), NormConstraint(radius=0.1, rate=1.0)]


@pytest.mark.parametrize("technique", FROZEN, ids=repr)
def test_no_technique_changes_the_weights_of_a_frozen_backbone(network, batch, technique):
    network.backbone.requires_grad_(False)
    for parameter in network.backbone.parameters():
        parameter.grad = None
    technique.prepare_model(network)
    before = {name: parameter.clone() for name, parameter in network.named_parameters()}
    for _ in range(2):
        technique.penalty(network, batch, None)
        technique.transform_gradients(network)
        with torch.no_grad():
            network.head.weight.sub_(0.1 * network.head.weight.grad)
        technique.after_step(network, learning_rate=0.1)
    changed = {name for name, parameter in network.named_parameters() if not torch.equal(parameter, before[name])}
    assert changed == {"head.weight"}
    assert all(parameter.grad is None for parameter in network.backbone.parameters())
