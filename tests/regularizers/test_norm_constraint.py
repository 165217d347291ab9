import numpy as np
import pytest
import torch

from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.regularizers.norm_constraint import NormConstraint
from reglab.training.network import build
from reglab.training.penalties import norm
from reglab.training.reference_problems import descend, regression
from reglab.training.weights import weights


def test_with_the_l1_norm_the_multiplier_is_the_strength_of_the_lasso_on_the_bound():
    from sklearn.linear_model import Lasso

    inputs, targets, indices = regression()
    batch = Batch(inputs[:, :2], targets, indices)
    lasso = Lasso(alpha=0.02, tol=1e-12).fit(batch.inputs, batch.targets[:, 0])
    assert lasso.coef_.all()  # gradient descent converges away from the corners
    technique = NormConstraint("l1", radius=np.abs(lasso.coef_).sum(), rate=0.02)
    linear = descend(build(MLP(depth=0), (2,), 1, seed=0).double(), technique, batch, rate=0.1, steps=1500)
    assert linear.norm_multiplier.item() == pytest.approx(0.02, abs=1e-4)
    assert np.allclose(linear.head.weight.detach(), lasso.coef_, rtol=0, atol=1e-3)


@pytest.mark.parametrize("order", [1, 2])
def test_the_multiplier_rises_while_the_bound_is_crossed_and_falls_to_zero_at_most(network, batch, order):
    size = norm(weights(network).values(), order).item()
    crossed, slack = (NormConstraint(f"l{order}", factor * size, rate=0.1) for factor in (0.9, 1.1))
    crossed.prepare_model(network)
    trace = []
    for technique in (crossed, crossed, slack, slack, slack, slack):
        technique.penalty(network, batch, None)
        technique.after_step(network, learning_rate=0.1)
        trace.append(network.norm_multiplier.item())
    assert 0 < trace[0] < trace[1] > trace[2] and trace[-1] == 0


def test_its_curves_are_the_norm_and_the_multiplier(network, batch):
    technique = NormConstraint("l2", radius=1.0, rate=0.1)
    technique.prepare_model(network)
    technique.penalty(network, batch, None)
    technique.after_step(network, learning_rate=0.1)
    curves = technique.curves(network)
    assert curves["norm_constraint_norm"] == pytest.approx(norm(weights(network).values()).item(), rel=1e-6)
    expected = 0.1 * (curves["norm_constraint_norm"] ** 2 - 1) / 2
    assert curves["norm_constraint_multiplier"] == pytest.approx(expected, rel=1e-5)


def test_an_infinite_radius_is_no_constraint(network, batch):
    technique, before = (
        NormConstraint(radius=float("inf")),
        [parameter.grad.clone() for parameter in network.parameters()],
    )
    technique.prepare_model(network)
    assert technique.penalty(network, batch, None) is None
    technique.after_step(network, learning_rate=0.1)
    technique.transform_gradients(network)
    assert network.norm_multiplier == 0
    assert all(torch.equal(one.grad, two) for one, two in zip(network.parameters(), before, strict=True))
