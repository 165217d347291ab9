"""Stochastic weight averaging against torch.optim.swa_utils, batch normalization included."""

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, update_bn

from reglab.core.streams import generator
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.regularizers.stochastic_weight_averaging import StochasticWeightAveraging
from reglab.training.network import build


@pytest.mark.parametrize("check", StochasticWeightAveraging.checks(), ids=lambda check: check.name)
def test_it_meets_its_closed_form(check):
    assert check.passed, check


@pytest.mark.parametrize("start", [0.0, 0.5])
def test_it_equals_the_averaged_model_of_torch_with_its_batch_norm_update(start):
    random, epochs = generator("swa"), 6
    network = build(MLP(width=5, depth=2), (4,), 3, seed=0)
    for layer in network.backbone:
        layer.append(nn.BatchNorm1d(5))
    inputs, technique = torch.randn(20, 4, generator=random), StochasticWeightAveraging(start)
    technique.prepare_model(network)
    theirs = AveragedModel(network)  # a copy with the same buffers, as it asks for
    for epoch in range(1, epochs + 1):
        for parameter in network.parameters():
            parameter.data.add_(torch.randn(parameter.shape, generator=random))
        technique.after_epoch(network, Batch(inputs, None, None), epoch / epochs)
        if epoch / epochs > start:
            theirs.update_parameters(network)
    update_bn([inputs], theirs)
    averaged, expected = technique.evaluation_model(network), dict(theirs.module.named_parameters())
    assert all(torch.allclose(value, expected[name], atol=1e-6) for name, value in averaged.named_parameters())
    with torch.no_grad():
        assert torch.allclose(averaged.eval()(inputs), theirs.eval()(inputs), atol=1e-5)


def test_before_the_first_average_the_network_is_evaluated_as_it_is(network, batch):
    technique = StochasticWeightAveraging(0.5)
    technique.prepare_model(network)
    technique.after_epoch(network, batch, 0.5)
    assert technique.evaluation_model(network) is network
    technique.after_epoch(network, batch, 0.6)
    assert technique.evaluation_model(network) is not network
