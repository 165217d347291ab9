"""Techniques with a second forward pass: R-Drop and sharpness-aware minimization."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from scipy.stats import entropy
from torch import nn

from reglab.core.losses import symmetric_divergence
from reglab.core.streams import Moment, generator
from reglab.core.tasks import Multilabel
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.hidden_noise import HiddenNoise
from reglab.regularizers.r_drop import RDrop
from reglab.regularizers.sharpness_aware import SharpnessAware, ascended
from reglab.regularizers.sparse_activations import SparseActivations
from reglab.technique_checks import run_check
from reglab.training.network import build
from reglab.training.settings import Training
from reglab.training.supervised import Supervised


def learner(*techniques, depth=2):
    return Supervised(build(MLP(width=6, depth=depth), (1, 4, 4), 3, seed=0), techniques, Training(), seed=0)


def divergence(batch, *techniques):
    trained = learner(*techniques)
    trained.training_step(batch)
    return trained.curves()["r_drop_penalty"]


MASKLESS = RDrop(input_rate=0.0, hidden_rate=0.0)


@pytest.mark.parametrize("masks", [Dropout(0.2, 0.5), Dropout(0.0, 0.5), Dropout(0.2, 0.0), HiddenNoise(0.5)], ids=str)
def test_r_drop_sees_two_masks_where_something_draws_them_and_no_divergence_where_nothing_does(batch, masks):
    assert divergence(batch, masks, MASKLESS) > 1e-3 and divergence(batch, MASKLESS, masks) > 1e-3
    assert divergence(batch, MASKLESS) == 0


@pytest.mark.parametrize("rates", [(0.2, 0.5), (0.2, 0.0), (0.0, 0.5)])
def test_r_drop_draws_the_masks_of_dropout_from_a_stream_of_its_own(batch, rates):
    r_drop, drop = learner(RDrop(1.0, *rates)), learner(Dropout(*rates))
    for each in (r_drop, drop):
        each.training_step(batch)
    assert r_drop.curves()["r_drop_penalty"] > 1e-3
    assert not torch.equal(r_drop.network(batch.inputs), drop.network(batch.inputs))
    assert torch.equal(r_drop.network.eval()(batch.inputs), drop.network.eval()(batch.inputs))


def test_the_second_pass_of_a_step_has_numbers_of_its_own_and_the_first_has_those_without_it(batch):
    """Whether or not R-Drop runs, the loss is that of the first pass under the same masks."""
    plain, r_drop = learner(Dropout()), learner(Dropout(), MASKLESS)
    for each in (plain, r_drop):
        each.training_step(batch)
    curves = r_drop.curves()
    assert curves["loss"] - curves["r_drop_penalty"] == pytest.approx(plain.curves()["loss"], abs=1e-6)
    assert r_drop.network.moment == Moment(0, 0, 0)


def test_another_pass_ends_where_an_error_ends_it():
    network = learner().network
    with pytest.raises(ZeroDivisionError), network.another_pass("mine"):
        assert network.moment == Moment(0, 0, 0, "mine")
        raise ZeroDivisionError
    assert network.moment == Moment(0, 0, 0)


def test_each_pass_of_each_step_is_a_stream_of_its_own_and_the_first_is_keyed_by_the_step_alone():
    def drawn(*moment):
        return torch.rand(50, generator=Moment(*moment).generator("mask"))

    def augmented(*moment):
        return Moment(*moment).uniform("affine", torch.arange(5), draws=10, examples=5)

    assert torch.equal(drawn(1, 2, 3), torch.rand(50, generator=generator(1, "mask", 3)))
    for draw in (drawn, augmented):
        numbers = [draw(1, 2, 3), draw(1, 2, 3, "a"), draw(1, 2, 3, "b"), draw(1, 3, 4, "a")]
        assert all(not torch.equal(one, other) for place, one in enumerate(numbers) for other in numbers[:place])
        assert torch.equal(numbers[1], draw(1, 2, 3, "a"))


def test_sam_on_softmax_regression_has_the_gradient_in_closed_form_at_the_moved_weights(batch):
    """With scores W x + b the gradient of J is mean (p - y) (x, 1)^T; SAM's is that at w + rho g/|g|."""
    trained = learner(SharpnessAware(rho=0.7), depth=0)
    network = trained.network.double()
    batch = batch._replace(inputs=batch.inputs.double(), targets=batch.targets.double())
    inputs = torch.cat([batch.inputs.flatten(1), torch.ones(len(batch.inputs), 1, dtype=torch.float64)], 1)

    def slope(weights):
        return ((inputs @ weights.T).softmax(1) - batch.targets).T @ inputs / len(inputs)

    weights = torch.cat([network.head.weight, network.head.bias[:, None]], 1).detach()
    plain = slope(weights)
    expected = slope(weights + 0.7 * plain / plain.norm())
    trained.training_step(batch).backward()
    result = torch.cat([network.head.weight.grad, network.head.bias.grad[:, None]], 1)
    assert (result - expected).abs().max() < 1e-14 < (plain - expected).abs().max() / 1000


def test_sam_leaves_the_weights_where_they_are_until_the_optimizer_moves_them(batch):
    trained = learner(Dropout(), SharpnessAware(rho=0.7), SparseActivations())
    before = [parameter.detach().clone() for parameter in trained.network.parameters()]
    trained.training_step(batch).backward()
    assert all(torch.equal(now, kept) for now, kept in zip(trained.network.parameters(), before, strict=True))
    assert all(parameter.grad is not None for parameter in trained.network.parameters())


def test_a_gradient_that_leaves_a_part_of_the_penalty_out_has_to_be_declared():
    @dataclass(frozen=True)
    class Undeclared(SharpnessAware):
        follows_penalty: ClassVar[bool] = True

    assert run_check("a_penalty_and_its_gradient_agree", Undeclared(rho=0.7)).status == "failed"
    assert run_check("a_penalty_and_its_gradient_agree", SharpnessAware(rho=0.7)).status == "not applicable"


@pytest.mark.parametrize("check", [*RDrop.checks(), *SharpnessAware.checks()], ids=lambda check: check.name)
def test_both_meet_their_closed_forms(check):
    assert check.passed, check


def test_the_symmetric_divergence_is_the_mean_of_the_two_of_scipy():
    one, other = torch.tensor([[0.2, -1.0, 3.0]]).double(), torch.tensor([[1.0, 0.0, -0.5]]).double()
    p, q = (scores.softmax(1)[0].numpy() for scores in (one, other))
    expected = (entropy(p, q) + entropy(q, p)) / 2
    assert symmetric_divergence(one, other).item() == pytest.approx(expected, abs=1e-12)
    of_labels = []
    for p, q in zip(one.sigmoid()[0].tolist(), other.sigmoid()[0].tolist(), strict=True):
        both = (p, 1 - p), (q, 1 - q)
        of_labels.append((entropy(*both) + entropy(*both[::-1])) / 2)
    result = Multilabel(3).symmetric_divergence(one, other)
    assert result.item() == pytest.approx(sum(of_labels) / 3, abs=1e-12)


def test_sam_costs_two_passes_both_ways_and_rho_zero_one(batch):
    def passes(technique):
        trained, counted = learner(technique), []
        trained.network.register_forward_hook(lambda *_: counted.append("forward"))
        trained.network.head.register_full_backward_hook(lambda *_: counted.append("backward"))
        trained.training_step(batch).backward()
        return counted.count("forward"), counted.count("backward")

    assert passes(SharpnessAware(rho=0.1))[0] == 2 and passes(SharpnessAware(rho=0.0)) == (1, 1)


def test_a_gradient_of_zero_leaves_the_weights_where_they_are():
    w = torch.ones(3, requires_grad=True)
    assert torch.equal(ascended((0 * w).sum(), {"w": w}, rho=0.5)["w"], w)


def test_running_statistics_see_the_first_pass_of_sam_alone(batch):
    result = []
    for techniques in ((), (SharpnessAware(rho=0.7),)):
        trained = learner(*techniques)
        trained.network.backbone.append(nn.BatchNorm1d(6))
        trained.training_step(batch)
        result.append(trained.network.backbone[-1].state_dict())
    assert all(torch.equal(result[0][name], result[1][name]) for name in result[0])
    assert result[1]["num_batches_tracked"] == 1
