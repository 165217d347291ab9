"""Adversarial training: its worst inputs on a linear model, and what it must leave alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from reglab.attacks.ball import rowwise_norm
from reglab.core.errors import UserError
from reglab.core.losses import cross_entropy
from reglab.core.streams import Moment
from reglab.core.tasks import Regression
from reglab.data.inputs import UNBOUNDED
from reglab.data.loader import Batch, whole
from reglab.data.prepared import Split
from reglab.models.mlp import MLP
from reglab.regularizers.adversarial_training import AdversarialTraining
from reglab.regularizers.dropout import Dropout
from reglab.training.network import build
from reglab.training.one_seed import Recipe, finished_seed, train_seed
from reglab.training.settings import Training

ATTACKS = ("fast_gradient", "projected_gradient")


@pytest.fixture
def network():
    network = build(MLP(width=16, depth=1), (1, 4, 4), 3, seed=0)
    network.moment = Moment(seed=0, epoch=0, step=0)
    return network.train()


@pytest.fixture
def batch():
    inputs = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    return whole(inputs, torch.arange(20) % 3, 3)


@pytest.mark.parametrize("check", AdversarialTraining.checks(), ids=lambda check: check.name)
def test_its_own_hooks_meet_the_closed_forms_of_the_linear_model(check):
    assert check.passed, check


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_the_batch_moves_within_epsilon_and_the_range_to_a_larger_loss(network, batch, attack, norm):
    technique = AdversarialTraining(attack, norm, epsilon=0.2)
    moved = technique.transform_batch(batch, network)
    assert rowwise_norm(moved.inputs - batch.inputs, norm).max() <= 0.2 + 1e-6
    assert moved.inputs.min() >= 0 and moved.inputs.max() <= 1
    losses = [cross_entropy(network(shown.inputs), batch.targets).item() for shown in (batch, moved)]
    assert losses[1] > losses[0] and moved.targets is batch.targets and not moved.inputs.requires_grad


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_share_that_is_not_attacked_stays_bit_for_bit(network, batch, attack):
    moved = AdversarialTraining(attack, share=0.25).transform_batch(batch, network).inputs
    changed = (moved != batch.inputs).flatten(1).any(1)
    assert changed[:5].all() and not changed[5:].any()


@pytest.mark.parametrize("zero", ["epsilon", "share"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_epsilon_or_share_zero_is_none_bit_for_bit(tmp_path, attack, zero):
    random = np.random.default_rng(0)
    parts = ("labelled", "unlabelled", "validation", "test")
    inputs = {part: random.random((32, 1, 8, 8), dtype=np.float32) for part in parts}
    split = Split(
        inputs, {part: random.integers(0, 3, 32) for part in parts}, {part: np.arange(32) for part in parts}, classes=3
    )
    settings = Training(epochs=2, batch_size=16, optimizer="adam", learning_rate=0.01, momentum=0.0, accelerator="cpu")

    def trained(folder, *techniques):
        folder.mkdir()
        train_seed(Recipe(techniques, MLP(width=8, depth=1), settings), split, 0, folder)
        return finished_seed(folder, 0)[1]

    nothing = trained(tmp_path / "a", replace(AdversarialTraining(attack), **{zero: 0.0}))
    for key, value in trained(tmp_path / "b").items():
        assert np.array_equal(value, nothing[key]), key


@pytest.mark.parametrize("attack", ATTACKS)
def test_modes_gradients_and_statistics_are_left_alone(network, batch, attack):
    network.backbone.append(nn.BatchNorm1d(16))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    AdversarialTraining(attack).transform_batch(batch, network)
    assert all(module.training for module in network.modules())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in network.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_attack_is_on_the_network_without_dropout_masks(network, batch):
    plain = AdversarialTraining("fast_gradient").transform_batch(batch, network)
    Dropout(0.5, 0.5).prepare_model(network)
    assert torch.equal(AdversarialTraining("fast_gradient").transform_batch(batch, network).inputs, plain.inputs)


def test_each_step_starts_elsewhere_and_the_same_step_at_the_same_place(network, batch):
    technique = AdversarialTraining(steps=1, epsilon=0.3)
    first, again = (technique.transform_batch(batch, network).inputs for _ in range(2))
    network.moment = Moment(seed=0, epoch=0, step=1)
    assert torch.equal(first, again) and not torch.equal(first, technique.transform_batch(batch, network).inputs)


def test_soft_targets_are_attacked_as_they_are(network, batch):
    """At the prediction itself cross-entropy has no slope at the scores, so that nothing moves."""
    with torch.no_grad():
        predicted = network(batch.inputs).softmax(1)
    slope_free = build(MLP(width=4, depth=1), (1, 4, 4), 3, seed=1)
    with torch.no_grad():
        slope_free.head.weight.zero_()
    moved = AdversarialTraining("fast_gradient").transform_batch(batch._replace(targets=predicted), slope_free)
    assert torch.equal(moved.inputs, batch.inputs)
    one, other = (
        AdversarialTraining("fast_gradient").transform_batch(batch._replace(targets=targets), network).inputs
        for targets in (batch.targets, batch.targets.roll(1, 1))
    )
    assert not torch.equal(one, other)


def test_inputs_outside_the_range_are_refused(network, batch):
    with pytest.raises(UserError, match="the declared range is 0 to 1"):
        AdversarialTraining().transform_batch(batch._replace(inputs=batch.inputs - 0.5), network)


@pytest.mark.parametrize(("norm", "order"), [("linf", 1), ("l2", 2)])
@pytest.mark.parametrize(("attack", "tolerance"), [("fast_gradient", 1e-9), ("projected_gradient", 0.005)])
def test_amounts_are_trained_on_the_largest_squared_error_of_a_linear_model(attack, tolerance, norm, order):
    """(|r| + epsilon ||w||)² for the dual norm of w, where no residual can change its sign within the ball."""
    random = torch.Generator().manual_seed(0)
    network = build(MLP(depth=0), (4,), Regression(3.0, 2.0), seed=0).double()
    network.moment, network.bounds = Moment(seed=0, epoch=0, step=0), UNBOUNDED
    inputs, signs = torch.randn(20, 4, generator=random).double(), torch.tensor([[1.0], [-1.0]]).repeat(10, 1)
    batch = Batch(inputs, network(inputs).detach() + 2 * signs, torch.arange(20))
    moved = AdversarialTraining(attack, norm, epsilon=0.1).transform_batch(batch, network)
    largest = (2 + 0.1 * network.head.weight.detach().norm(order)) ** 2
    losses = network.task.losses(network(moved.inputs), moved.targets).detach()
    torch.testing.assert_close(losses, largest.expand(20), rtol=tolerance, atol=0)
