"""Penalties against numpy and autograd."""

import numpy as np
import pytest
import torch

from reglab.core.streams import generator
from reglab.training.penalties import add_to_gradients, half_squared_norm, norm, soft_threshold, tying
from reglab.training.reference_problems import regression, ridge


@pytest.fixture
def tensors():
    random = generator("penalties")
    return [
        torch.randn(shape, generator=random, dtype=torch.float64, requires_grad=True)
        for shape in ((5, 3), (2, 4, 3, 3))
    ]


def flat(tensors):
    return np.concatenate([tensor.detach().numpy().ravel() for tensor in tensors])


def test_norms_are_those_of_all_weights_in_one_vector(tensors):
    vector = flat(tensors)
    assert half_squared_norm(tensors).item() == pytest.approx(vector @ vector / 2, rel=1e-12)
    assert norm(tensors).item() == pytest.approx(np.linalg.norm(vector), rel=1e-12)
    assert norm(tensors, order=1).item() == pytest.approx(np.abs(vector).sum(), rel=1e-12)


def test_the_gradient_of_a_norm_at_the_origin_is_zero():
    origin = [torch.zeros(2, 3, requires_grad=True), torch.zeros(4, 1, requires_grad=True)]
    for penalty in (norm(origin), norm(origin, order=1), half_squared_norm(origin)):
        assert all(not gradient.any() for gradient in torch.autograd.grad(penalty, origin))


@pytest.mark.parametrize(
    ("penalty", "gradient"),
    [(half_squared_norm, lambda weight: weight), (lambda weights: norm(weights, order=1), torch.sign)],
)
def test_gradients_in_closed_form_are_those_of_autograd(tensors, penalty, gradient):
    expected = [2 + 0.3 * slope for slope in torch.autograd.grad(penalty(tensors), tensors)]
    for tensor in tensors:
        tensor.grad = torch.full_like(tensor, 2)
    add_to_gradients(tensors, gradient, 0.3)
    for tensor, slope in zip(tensors, expected, strict=True):
        assert torch.allclose(tensor.grad, slope, rtol=0, atol=1e-12)


def test_a_weight_that_is_not_trained_gets_no_gradient():
    frozen = torch.ones(2, 2)
    add_to_gradients([frozen], lambda weight: weight, 0.3)
    assert frozen.grad is None


def test_soft_threshold_is_that_of_torch(tensors):
    for tensor in tensors:
        assert torch.allclose(
            soft_threshold(tensor, 0.4), torch.nn.functional.softshrink(tensor, 0.4), rtol=0, atol=1e-15
        )


def tied(strength):
    """Two linear models on two related tasks, descending on both losses and strength ||wA - wB||^2."""
    inputs, targets, _ = regression()
    inputs, targets = inputs - inputs.mean(0), targets[:, 0] - targets.mean()
    tasks = (inputs[:20], targets[:20]), (inputs[20:], targets[20:] + inputs[20:, 2])
    pair = [torch.zeros(4, dtype=torch.float64, requires_grad=True) for _ in tasks]
    optimizer = torch.optim.SGD(pair, 0.3 / (1 + 4 * strength))
    for _ in range(1000):
        losses = [(x @ w - y).square().mean() / 2 for w, (x, y) in zip(pair, tasks, strict=True)]
        optimizer.zero_grad()
        (sum(losses) + strength * tying(pair[:1], pair[1:])).backward()
        optimizer.step()
    return *(w.detach() for w in pair), tasks


def test_models_tied_with_strength_zero_are_separate():
    one, other, tasks = tied(0.0)
    for result, (x, y) in zip((one, other), tasks, strict=True):
        assert torch.allclose(result, torch.linalg.lstsq(x, y[:, None]).solution[:, 0], rtol=0, atol=1e-9)


def test_the_more_strongly_models_are_tied_the_closer_they_lie_and_in_the_limit_they_are_one():
    gaps = {
        strength: (one - other).norm().item() for strength in (0.0, 1.0, 10.0) for one, other, _ in [tied(strength)]
    }
    assert gaps[0.0] > gaps[1.0] > gaps[10.0] and gaps[10.0] < gaps[0.0] / 20


def test_ridge_solves_its_normal_equations():
    from sklearn.linear_model import Ridge

    inputs, targets, _ = regression()
    reference = Ridge(alpha=0.3 * len(inputs)).fit(inputs, targets[:, 0])
    assert np.allclose(ridge(inputs, targets, 0.3), reference.coef_, rtol=0, atol=1e-12)
