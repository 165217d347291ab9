"""Bootstrap samples: how much of the data they hold, what is judged out of the bag, and classes they miss."""

import numpy as np
import pytest
import torch
from torch import nn

from reglab.core.streams import Moment, generator
from reglab.core.tasks import Classification
from reglab.data.prepared import Split
from reglab.experiments.ensembles.base import Committee
from reglab.experiments.ensembles.methods.bagging import Bagging, bootstrap
from reglab.experiments.ensembles.methods.dropout_average import DropoutAverage
from reglab.models.mlp import MLP
from reglab.training.network import build


class Memory(nn.Module):
    """Knows the labels of the examples that it has seen, by the number in their only pixel; else says class 0."""

    def __init__(self, rows, labels, classes):
        super().__init__()
        self.seen, self.labels, self.classes = set(rows.tolist()), labels, classes

    def forward(self, inputs):
        predicted = [self.labels[i] if (i := int(pixel)) in self.seen else 0 for pixel in inputs.flatten()]
        return 9.0 * torch.eye(self.classes)[torch.as_tensor(np.array(predicted))]


def numbered(labels, classes=3):
    part = np.arange(len(labels), dtype=np.float32)[:, None]
    return Split({"labelled": part, "test": part}, {"labelled": labels, "test": labels}, {}, classes=classes)


def measured(labels, members, classes, seed=0):
    ensemble = Bagging(members=members)
    samples = [
        ensemble.sample(labels, Classification(classes), seed, member, np.zeros((0, len(labels))))
        for member in range(members)
    ]
    networks = [Memory(rows, labels, classes) for rows in samples]
    committee = Committee(networks, "average", torch.ones(members), Classification(classes))
    return samples, ensemble.metrics(committee, numbered(labels, classes), seed)


def test_a_sample_holds_63_percent_of_the_examples():
    shares = np.array([len(np.unique(bootstrap(900, seed=0, member=member))) / 900 for member in range(200)])
    expected = 1 - (1 - 1 / 900) ** 900
    deviation = np.sqrt(np.exp(-1) * (1 - 2 * np.exp(-1)) / 900)  # of one share, for large n
    assert expected == pytest.approx(0.632, abs=5e-4)
    assert abs(shares.mean() - expected) < 5 * deviation / 200**0.5
    assert {len(bootstrap(900, 0, member)) for member in range(3)} == {900}


def test_the_recorded_share_is_that_of_the_samples():
    labels = np.random.default_rng(0).integers(0, 3, 50)
    samples, result = measured(labels, members=4, classes=3)
    assert result["distinct_share"] == pytest.approx(np.mean([len(set(rows.tolist())) / 50 for rows in samples]))


def test_out_of_bag_only_members_that_did_not_see_an_example_judge_it():
    labels = np.random.default_rng(0).integers(1, 3, 50)  # no class 0, which is what a member says of the unseen
    samples, result = measured(labels, members=4, classes=3)
    assert result["out_of_bag_accuracy"] == 0.0
    seen_by_all = set.intersection(*(set(rows.tolist()) for rows in samples))
    assert result["out_of_bag_share"] == pytest.approx(1 - len(seen_by_all) / 50)
    labels[:] = 0
    assert measured(labels, members=4, classes=3)[1]["out_of_bag_accuracy"] == 1.0


def test_a_class_that_a_sample_misses_is_counted():
    labels = np.array([0] * 30 + [1])  # one example of class 1
    samples, result = measured(labels, members=10, classes=2)
    missed = np.mean([30 not in rows for rows in samples])
    assert 0 < missed < 1 and result["absent_classes"] == pytest.approx(missed)


def test_samples_are_a_function_of_seed_and_member():
    assert (bootstrap(50, 3, 1) == bootstrap(50, 3, 1)).all()
    assert all((bootstrap(50, 3, 1) != bootstrap(50, *other)).any() for other in ((3, 2), (4, 1)))


def test_with_many_masks_the_geometric_mean_of_a_softmax_regression_is_weight_scaling():
    network = build(MLP(depth=0), (6,), 3, seed=0).eval()
    network.head.weight.data.mul_(0.5)
    network.moment = Moment(0, 0, 0)
    inputs, members = torch.rand(5, 6, generator=generator("inputs")), 4000
    thinned = DropoutAverage(members, "geometric", input_rate=0.5, hidden_rate=0.0).committee(
        [network], None, Classification(3)
    )
    with torch.no_grad():
        deviation = thinned.members(inputs).log().std(0).max().item() / members**0.5
        gap = (thinned(inputs) - network(inputs).log_softmax(1)).abs().max().item()
    assert gap < 5 * deviation * 2**0.5 < 0.05
