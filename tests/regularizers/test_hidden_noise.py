import copy

import torch

from reglab.core.checks import standard_errors
from reglab.regularizers.hidden_noise import HiddenNoise


def outputs(network, inputs):
    """What each hidden layer hands on."""
    handed = []
    for layer in network.hidden_layers:
        inputs = layer(inputs)
        handed.append(inputs)
    return handed


def test_each_layer_hands_on_its_output_with_noise_of_the_deviation(network, batch):
    clean, inputs = copy.deepcopy(network), batch.inputs.repeat(50, 1, 1, 1)
    HiddenNoise(0.3).prepare_model(network)
    noises = []
    for layer, undisturbed in zip(network.hidden_layers, clean.hidden_layers, strict=True):
        noises.append((layer(inputs) - undisturbed(inputs)).detach().flatten())
        inputs = layer(inputs)
        assert standard_errors(noises[-1], 0.0) < 4 and standard_errors(noises[-1] ** 2, 0.09) < 4
    assert abs(torch.corrcoef(torch.stack([noise[:2000] for noise in noises]))[0, 1]) < 4 / 2000**0.5


def test_the_same_step_draws_the_same_noise(network, batch):
    HiddenNoise(0.3).prepare_model(network)
    assert torch.equal(network(batch.inputs), network(batch.inputs))


def test_a_copy_in_prediction_is_undisturbed_while_the_original_trains(network, batch):
    expected = network(batch.inputs)
    HiddenNoise(0.3).prepare_model(network)
    judged = copy.deepcopy(network).eval()
    assert network.training and torch.equal(judged(batch.inputs), expected)


def test_deviation_zero_is_no_noise_bit_for_bit(network, batch):
    expected = outputs(network, batch.inputs)
    HiddenNoise(0.0).prepare_model(network)
    assert all(torch.equal(one, two) for one, two in zip(outputs(network, batch.inputs), expected, strict=True))
