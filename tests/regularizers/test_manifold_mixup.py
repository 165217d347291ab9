"""Manifold mixup: the exact checks, which layers it mixes, and that all passes of a step mix the same pairs."""

from collections import Counter

import pytest
import torch

from reglab.core.streams import Moment
from reglab.regularizers.manifold_mixup import ManifoldMixup
from reglab.regularizers.mixup import Mixup, pairs


@pytest.mark.parametrize("check", ManifoldMixup.checks(), ids=lambda check: check.name)
def test_it_meets_its_closed_form(check):
    assert check.passed, check


@pytest.mark.parametrize("alpha", [0.4, 2.0])
def test_with_the_inputs_alone_it_is_mixup_bit_for_bit(network, batch, alpha):
    technique = ManifoldMixup(alpha, deepest=0)
    technique.prepare_model(network)
    shown, mixup = (each.transform_batch(batch, network) for each in (technique, Mixup(alpha)))
    assert torch.equal(shown.inputs, mixup.inputs) and torch.equal(shown.targets, mixup.targets)
    before = network(shown.inputs)
    ManifoldMixup(alpha, deepest=0).prepare_model(network)
    assert torch.equal(network(shown.inputs), before)


@pytest.mark.parametrize("deepest", [1, 2, 9])
def test_every_layer_up_to_the_deepest_has_the_same_chance(network, deepest):
    technique, steps, count = ManifoldMixup(deepest=deepest), 3000, min(deepest, 2) + 1
    drawn = Counter()
    for step in range(steps):
        network.moment = Moment(seed=0, epoch=0, step=step)
        drawn[technique.layer(network)] += 1
    assert sorted(drawn) == list(range(count))
    error = (steps / count * (1 - 1 / count)) ** 0.5
    assert all(abs(result - steps / count) < 4 * error for result in drawn.values())


def test_each_step_mixes_one_layer_and_the_targets_always(network, batch):
    technique = ManifoldMixup()
    technique.prepare_model(network)
    for step in range(20):
        network.moment = Moment(seed=0, epoch=0, step=step)
        shown = technique.transform_batch(batch, network)
        share, partner = pairs(network.moment, 2.0, batch.inputs)
        assert torch.allclose(shown.targets, share * batch.targets + (1 - share) * batch.targets[partner])
        assert torch.equal(shown.inputs, batch.inputs) == (technique.layer(network) > 0)
        units = shown.inputs
        for number, layer in enumerate(network.hidden_layers, start=1):
            plain = layer.eval()(units)
            mixed = layer.train()(units)
            expected = share * plain + (1 - share) * plain[partner] if technique.layer(network) == number else plain
            assert torch.allclose(mixed, expected, atol=1e-6)
            units = mixed


def test_a_further_pass_of_a_step_mixes_the_same_pairs_at_the_same_layer(network, batch):
    technique = ManifoldMixup()
    technique.prepare_model(network)
    for step in range(6):
        network.moment = Moment(seed=0, epoch=0, step=step)
        first = network(batch.inputs)
        with network.another_pass("again"):
            assert torch.equal(network(batch.inputs), first)
