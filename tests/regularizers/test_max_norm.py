import torch

from reglab.core.streams import generator
from reglab.regularizers.max_norm import MaxNorm, shrinkage
from reglab.training.weights import weights


def norms(weight):
    return weight.detach().flatten(1).norm(dim=1)


def test_no_unit_or_filter_is_longer_than_the_radius_and_biases_stay(network):
    biases = [parameter.detach().clone() for parameter in network.parameters() if parameter.ndim == 1]
    MaxNorm(0.3).after_step(network, learning_rate=0.1)
    assert all((norms(weight) <= 0.3 + 1e-6).all() for weight in weights(network).values())
    after = [parameter for parameter in network.parameters() if parameter.ndim == 1]
    assert all(torch.equal(one, two) for one, two in zip(biases, after, strict=True))


def test_a_unit_inside_its_ball_stays_bit_for_bit():
    weight = torch.randn(40, 5, generator=generator("weight"))
    inside = norms(weight) <= 2.0
    projected = weight * shrinkage(weight, 2.0)
    assert 0 < inside.sum() < 40
    assert torch.equal(projected[inside], weight[inside])
    assert torch.allclose(norms(projected[~inside]), torch.tensor(2.0), rtol=1e-6)


def test_a_unit_of_zeros_stays_one():
    assert torch.equal(torch.zeros(2, 3) * shrinkage(torch.zeros(2, 3), 1.0), torch.zeros(2, 3))


def test_an_infinite_radius_is_no_constraint_bit_for_bit(network):
    before = [weight.detach().clone() for weight in weights(network).values()]
    MaxNorm(float("inf")).after_step(network, learning_rate=0.1)
    assert all(torch.equal(one, two) for one, two in zip(before, weights(network).values(), strict=True))
