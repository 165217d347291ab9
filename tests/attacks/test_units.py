"""Inputs in another unit, with a network whose first layer undoes it, are attacked alike: rows are multiplied by 1000."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from reglab.attacks.units import Units
from reglab.core.streams import Moment, generator
from reglab.core.tasks import Classification, Regression
from reglab.data.inputs import UNBOUNDED
from reglab.data.loader import Batch
from reglab.data.prepared import Split
from reglab.experiments.robustness import attacked_seed
from reglab.models.mlp import MLP
from reglab.regularizers.adversarial_training import AdversarialTraining
from reglab.regularizers.trades import Trades
from reglab.training.network import build

FACTOR = 1000.0
SPREAD = np.array([2.0, 0.5, 1.0, 3.0], np.float32)


@pytest.fixture(params=["classes", "amounts"])
def task(request):
    return Classification(3) if request.param == "classes" else Regression(0.0, 1.0)


@pytest.fixture
def rows():
    """Rows (40, 4) with these spreads, away from 0."""
    return 3 + torch.randn(40, 4, generator=generator("units/rows")) * torch.as_tensor(SPREAD)


def networks(task, spread=SPREAD):
    """A network for the rows with this spread, and the same function of rows that are FACTOR times as large."""
    network = build(MLP(width=16, depth=2), (4,), task, seed=0)
    network.bounds, network.spread, network.moment = UNBOUNDED, spread, Moment(seed=0, epoch=0, step=0)
    larger = copy.deepcopy(network)
    larger.spread = FACTOR * spread
    with torch.no_grad():
        first = next(parameter for parameter in larger.parameters() if parameter.ndim == 2)
        first /= FACTOR
    return network, larger


def targets_of(task, rows):
    labels = torch.arange(len(rows)) % 3
    return task.targets(labels if task.name == "classification" else labels.double())


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("attack", ["fast_gradient", "projected_gradient"])
def test_adversarial_training_moves_larger_rows_so_much_further(task, rows, attack, norm):
    network, larger = networks(task)
    technique = AdversarialTraining(attack, norm, epsilon=0.2)
    batch = Batch(rows, targets_of(task, rows), torch.arange(40))
    moved = technique.transform_batch(batch, network).inputs
    far = technique.transform_batch(batch._replace(inputs=FACTOR * rows), larger).inputs
    assert torch.allclose(far / FACTOR, moved, atol=1e-4)
    length = ((moved - rows) / torch.as_tensor(SPREAD)).abs()
    reached = length.amax(1) if norm == "linf" else length.norm(dim=1)
    assert reached.max() == pytest.approx(0.2, abs=1e-4)  # spreads


def test_trades_asks_the_same_penalty_and_slope(rows):
    network, larger = networks(Classification(3))
    batch = Batch(rows, targets_of(Classification(3), rows), torch.arange(40))
    penalties = []
    for each, inputs in ((network, rows), (larger, FACTOR * rows)):
        penalty = Trades(1.0, epsilon=0.2).penalty(each, batch._replace(inputs=inputs), None)
        penalty.backward()
        penalties.append((penalty.item(), each.head.weight.grad))
    (one, slope), (other, slope_of_larger) = penalties
    assert one > 0 and other == pytest.approx(one, rel=1e-3)
    assert torch.allclose(slope_of_larger, slope, rtol=1e-2, atol=1e-5)


def test_all_attacks_of_a_seed_find_the_same(task, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(attacked_seed, "rebuilt_check", lambda *given: attacked_seed.Check("rebuilt", 0.0, 0.0))
    attack = SimpleNamespace(norm="linf", epsilons=(0.05, 0.2), examples=20)
    labels = torch.arange(40) % 3
    kind = {"classes": 3} if task.name == "classification" else {"classes": None}
    measured = []
    for network, factor in zip(networks(task), (1.0, FACTOR), strict=True):
        inputs = (factor * rows).numpy()
        given = labels if task.name == "classification" else network(factor * rows).detach()[:, 0].double() + 0.1
        split = Split(
            {"test": inputs, "labelled": inputs},
            {"test": given.numpy()},
            {},
            None,
            UNBOUNDED,
            spread=network.spread,
            **kind,
        )
        measured.append(attacked_seed.measure(lambda *_, network=network: network.eval(), tmp_path, split, 0, attack))
    one, other = measured
    assert other.clean == pytest.approx(one.clean, rel=1e-4) and other.strong == pytest.approx(one.strong, rel=1e-3)
    assert one.strong != one.clean
    for name, curve in one.curves.items():
        assert other.curves[name] == pytest.approx(curve, rel=1e-3)
    for name, values in one.of_examples.items():
        assert np.allclose(other.of_examples[name], values, rtol=1e-2, atol=1e-3), name
    assert np.allclose(other.transferable / FACTOR, one.transferable, atol=1e-3)
    assert [check.passed for check in other.checks] == [check.passed for check in one.checks]


def test_without_a_spread_inputs_and_model_are_the_same_objects(rows):
    units, network = Units.of(rows, None), networks(Classification(3))[0]
    assert units.standard(rows) is rows and units.original(rows) is rows and units.model(network) is network
