import torch

from reglab.regularizers.weight_decay import WeightDecay
from reglab.training.weights import weights


def test_the_penalty_is_half_the_sum_of_squares_of_the_weights_alone(network, batch):
    expected = sum((weight**2).sum().item() for weight in weights(network).values()) / 2
    for parameter in network.parameters():
        if parameter.ndim == 1:
            parameter.data.fill_(100.0)
    assert abs(WeightDecay(0.3).penalty(network, batch, None).item() - 0.3 * expected) < 1e-5


def test_it_adds_strength_times_the_weight_to_a_gradient_and_nothing_to_that_of_a_bias(network):
    before = {name: parameter.grad.clone() for name, parameter in network.named_parameters()}
    WeightDecay(0.3).transform_gradients(network)
    for name, parameter in network.named_parameters():
        added = 0.3 * parameter if name in weights(network) else torch.zeros(())
        assert torch.allclose(parameter.grad - before[name], added, rtol=0, atol=1e-6), name


def test_decoupled_it_leaves_loss_and_gradients_and_shrinks_the_weights_alone(network, batch):
    technique, gradients = (
        WeightDecay(0.3, decoupled=True),
        [parameter.grad.clone() for parameter in network.parameters()],
    )
    before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    assert technique.penalty(network, batch, None) is None
    technique.transform_gradients(network)
    technique.after_step(network, learning_rate=0.1)
    for (name, parameter), gradient in zip(network.named_parameters(), gradients, strict=True):
        assert torch.equal(parameter.grad, gradient)
        assert torch.equal(parameter, before[name] * (1 - 0.1 * 0.3) if name in weights(network) else before[name]), (
            name
        )


def test_coupled_it_leaves_the_weights_to_the_optimizer(network):
    before = [parameter.detach().clone() for parameter in network.parameters()]
    WeightDecay(0.3).after_step(network, learning_rate=0.1)
    assert all(torch.equal(parameter, old) for parameter, old in zip(network.parameters(), before, strict=True))
