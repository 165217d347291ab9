import torch

from reglab.regularizers.gradient_clipping import GradientClipping
from reglab.regularizers.weight_decay import WeightDecay
from reglab.training.penalties import norm


def gradients(network):
    return [parameter.grad.clone() for parameter in network.parameters()]


def test_it_is_torchs_clipping_by_the_norm_of_all_gradients(network):
    before = gradients(network)
    GradientClipping(0.5).transform_gradients(network)
    factor = 0.5 / norm(before)
    assert factor < 1
    for parameter, gradient in zip(network.parameters(), before, strict=True):
        assert torch.allclose(parameter.grad, factor * gradient, rtol=1e-5, atol=0)


def test_an_infinite_threshold_is_no_clipping_bit_for_bit(network):
    before = gradients(network)
    GradientClipping(float("inf")).transform_gradients(network)
    assert all(torch.equal(one, two) for one, two in zip(gradients(network), before, strict=True))


def test_gradients_of_zero_stay_zero(network):
    for parameter in network.parameters():
        parameter.grad.zero_()
    GradientClipping().transform_gradients(network)
    assert not any(gradient.any() for gradient in gradients(network))


def test_a_penalty_listed_before_it_is_clipped_along(network):
    for technique in (WeightDecay(100.0), GradientClipping(0.5)):
        technique.transform_gradients(network)
    assert abs(norm(gradients(network)).item() - 0.5) < 1e-5
