import torch

from reglab.core.streams import generator
from reglab.regularizers.weight_averaging import WeightAveraging, with_averages


def test_every_parameter_has_an_average_that_starts_where_it_does(network):
    WeightAveraging().prepare_model(network)
    pairs = list(with_averages(network))
    assert [id(parameter) for parameter, _ in pairs] == [id(parameter) for parameter in network.parameters()]
    assert all(torch.equal(parameter, average) for parameter, average in pairs)


def test_with_decay_zero_the_network_is_judged_as_it_is_bit_for_bit(network, batch):
    technique = WeightAveraging(decay=0.0)
    technique.prepare_model(network)
    for parameter in network.parameters():
        parameter.data.add_(torch.randn(parameter.shape, generator=generator("walk")))
    technique.after_step(network, learning_rate=0.1)
    assert torch.equal(technique.evaluation_model(network)(batch.inputs), network(batch.inputs))


def test_evaluating_leaves_the_network_as_it_is(network):
    technique = WeightAveraging(decay=0.9)
    technique.prepare_model(network)
    network.head.bias.data.add_(1)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    judged = technique.evaluation_model(network)
    assert not torch.equal(judged.head.bias, network.head.bias)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_averages_travel_with_the_state_of_the_network(network):
    technique = WeightAveraging(decay=0.5)
    technique.prepare_model(network)
    network.head.bias.data.add_(1)
    technique.after_step(network, learning_rate=0.1)
    assert torch.equal(network.state_dict()["head.average_bias"], network.head.bias - 0.5)
