import copy

import pytest
import torch

from reglab.core.streams import generator
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.regularizers.elastic_net import ElasticNet, shrink
from reglab.regularizers.l1 import L1
from reglab.training.network import build
from reglab.training.reference_problems import descend, regression, ridge


def test_shrinking_is_the_proximal_operator():
    start = torch.randn(50, generator=generator("start"), dtype=torch.float64)
    result = shrink(start, 0.4, 0.7)

    def objective(weight):
        return (weight - start) ** 2 / 2 + 0.4 * weight.abs() + 0.35 * weight**2

    for aside in (-1e-2, -1e-4, 1e-4, 1e-2):
        assert (objective(result) < objective(result + aside)).all()


def test_with_all_the_share_on_l1_it_is_l1_bit_for_bit(network):
    other = copy.deepcopy(network)
    ElasticNet(0.3, l1_ratio=1.0).after_step(network, learning_rate=0.1)
    L1(0.3).after_step(other, learning_rate=0.1)
    assert all(torch.equal(one, two) for one, two in zip(network.parameters(), other.parameters(), strict=True))


def test_with_no_share_on_l1_it_ends_at_ridge_regression():
    batch = Batch(*regression())
    result = descend(build(MLP(depth=0), (4,), 1, seed=0).double(), ElasticNet(0.3, l1_ratio=0.0), batch).head.weight
    assert torch.allclose(result, ridge(*batch[:2], 0.3), rtol=0, atol=1e-9)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_strength_zero_leaves_every_weight_bit_for_bit(network, share):
    before = copy.deepcopy(network)
    ElasticNet(0.0, share).after_step(network, learning_rate=0.1)
    assert all(torch.equal(one, two) for one, two in zip(network.parameters(), before.parameters(), strict=True))
