import pytest
import torch

from reglab.core.streams import generator
from reglab.regularizers.k_sparse import KSparse, keep_largest


@pytest.mark.parametrize("count", [1, 3, 7])
def test_the_largest_stay_as_they_are_and_all_others_become_zero(count):
    units = torch.rand(20, 2, 2, 3, generator=generator("units"))
    sparse = keep_largest(units, count)
    assert ((sparse != 0).flatten(1).sum(1) == count).all()
    for before, after in zip(units.flatten(1).tolist(), sparse.flatten(1).tolist(), strict=True):
        least = sorted(before)[-count]
        assert after == [unit if unit >= least else 0 for unit in before]


def test_where_all_values_tie_there_are_no_more_than_allowed():
    assert (keep_largest(torch.ones(4, 9), 2).sum(1) == 2).all()


def test_a_layer_with_fewer_units_keeps_them_all():
    units = torch.rand(4, 5, generator=generator("units"))
    assert keep_largest(units, 5) is units


def test_only_units_that_stay_have_a_gradient():
    units = torch.rand(6, 8, generator=generator("units"), requires_grad=True)
    sparse = keep_largest(units, 3)
    (gradient,) = torch.autograd.grad(sparse.sum(), units)
    assert torch.equal(gradient, (sparse != 0).float())


@pytest.mark.parametrize("training", [True, False])
def test_no_hidden_layer_hands_on_more_in_training_nor_in_prediction(network, batch, training):
    KSparse(active_units=2).prepare_model(network)
    units = batch.inputs
    for layer in network.train(training).hidden_layers:
        units = layer(units)
        assert ((units != 0).flatten(1).sum(1) <= 2).all() and units.any()
