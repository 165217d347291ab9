"""Techniques with a second forward pass, written as the base class shows: R-Drop and sharpness-aware minimization."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from adding.own.regularizers.r_drop import RDrop
from adding.own.regularizers.sharpness import Sharpness

from reglab.core.streams import Moment, generator
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.hidden_noise import HiddenNoise
from reglab.regularizers.sparse_activations import SparseActivations
from reglab.technique_checks import check_technique, run_check
from reglab.training.network import build
from reglab.training.settings import Training
from reglab.training.supervised import Supervised


def learner(*techniques, depth=2):
    return Supervised(build(MLP(width=6, depth=depth), (1, 4, 4), 3, seed=0), techniques, Training(), seed=0)


def divergence(batch, *techniques):
    own = learner(*techniques)
    own.training_step(batch)
    return own.curves()["r_drop_penalty"]


@pytest.mark.parametrize("masks", [Dropout(0.2, 0.5), Dropout(0.0, 0.5), Dropout(0.2, 0.0), HiddenNoise(0.5)], ids=str)
def test_r_drop_sees_two_masks_where_something_draws_them_and_no_divergence_where_nothing_does(batch, masks):
    assert divergence(batch, masks, RDrop()) > 1e-3 and divergence(batch, RDrop(), masks) > 1e-3
    assert divergence(batch, RDrop()) == 0


def test_the_second_pass_of_a_step_has_numbers_of_its_own_and_the_first_has_those_without_it(batch):
    """Whether or not R-Drop runs, the loss is that of the first pass under the same masks."""
    plain, own = learner(Dropout()), learner(Dropout(), RDrop())
    for each in (plain, own):
        each.training_step(batch)
    curves = own.curves()
    assert curves["loss"] - curves["r_drop_penalty"] == pytest.approx(plain.curves()["loss"], abs=1e-6)
    assert own.network.moment == Moment(0, 0, 0)


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
    own = learner(Sharpness(rho=0.7), depth=0)
    network = own.network.double()
    batch = batch._replace(inputs=batch.inputs.double(), targets=batch.targets.double())
    inputs = torch.cat([batch.inputs.flatten(1), torch.ones(len(batch.inputs), 1, dtype=torch.float64)], 1)

    def slope(weights):
        return ((inputs @ weights.T).softmax(1) - batch.targets).T @ inputs / len(inputs)

    weights = torch.cat([network.head.weight, network.head.bias[:, None]], 1).detach()
    plain = slope(weights)
    expected = slope(weights + 0.7 * plain / plain.norm())
    own.training_step(batch).backward()
    found = torch.cat([network.head.weight.grad, network.head.bias.grad[:, None]], 1)
    assert (found - expected).abs().max() < 1e-14 < (plain - expected).abs().max() / 1000


def test_sam_leaves_the_weights_where_they_are_until_the_optimizer_moves_them(batch):
    own = learner(Dropout(), Sharpness(rho=0.7), SparseActivations())
    before = [parameter.detach().clone() for parameter in own.network.parameters()]
    own.training_step(batch).backward()
    assert all(torch.equal(now, kept) for now, kept in zip(own.network.parameters(), before, strict=True))
    assert all(parameter.grad is not None for parameter in own.network.parameters())


@pytest.mark.parametrize("technique", [RDrop(), Sharpness()], ids=str)
def test_both_keep_what_is_checked_of_every_technique(technique):
    assert [result for result in check_technique(technique) if result.status == "failed"] == []


def test_a_gradient_that_leaves_a_part_of_the_penalty_out_has_to_be_declared():
    @dataclass(frozen=True)
    class Undeclared(Sharpness):
        follows_penalty: ClassVar[bool] = True

    assert run_check("a_penalty_and_its_gradient_agree", Undeclared(rho=0.7)).status == "failed"
    assert run_check("a_penalty_and_its_gradient_agree", Sharpness(rho=0.7)).status == "not applicable"
