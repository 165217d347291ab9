import copy

import torch

from reglab.regularizers.sparse_activations import SparseActivations


def test_the_penalty_is_the_mean_sum_of_all_units_of_the_first_pass_of_the_step(network, batch):
    technique = SparseActivations(0.3)
    first = network.hidden_layers[0](batch.inputs)
    expected = 0.3 * (first.abs().sum() + network.hidden_layers[1](first).abs().sum()) / 8
    technique.prepare_model(network)
    network(batch.inputs + 5)  # as a pass on unlabelled examples after the last penalty
    technique.transform_batch(batch, network)
    network(batch.inputs)
    network(batch.inputs - 5)  # as the second pass of sharpness-aware minimization
    assert torch.allclose(technique.penalty(network, batch, None), expected)


def test_a_pass_in_prediction_is_not_counted(network, batch):
    technique = SparseActivations(0.3)
    technique.prepare_model(network)
    network(batch.inputs)
    expected = 0.3 * sum(units.abs().sum() for units in network.activations.values()) / 8
    network.eval()(batch.inputs + 5)
    assert torch.allclose(technique.penalty(network, batch, None), expected)


def test_after_the_penalty_nothing_is_kept_so_that_the_network_can_be_copied(network, batch):
    technique = SparseActivations(0.3)
    technique.prepare_model(network)
    technique.penalty(network, batch, network(batch.inputs))
    assert network.activations == {} and copy.deepcopy(network).activations == {}


def test_the_gradient_of_a_unit_is_strength_times_its_sign_over_the_batch(network, batch):
    technique = SparseActivations(0.3)
    technique.prepare_model(network)
    network(batch.inputs)
    last = network.activations[1]
    (gradient,) = torch.autograd.grad(technique.penalty(network, batch, None), last)
    assert last.any() and torch.allclose(gradient, 0.3 * last.sign() / 8)
