"""Every technique that needs no single target trains on several labels an example, and learns them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import hamming_loss, log_loss
from torch.nn import functional

from reglab.core.registry import find, names
from reglab.core.streams import Moment
from reglab.core.tasks import Multilabel
from reglab.data.loader import Batch
from reglab.data.prepared import Split
from reglab.evaluation.metric_names import PREDICTOR
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout, MaskAverage
from reglab.regularizers.manifold_mixup import ManifoldMixup
from reglab.regularizers.mixup import Mixup
from reglab.tracking import record
from reglab.training.all_seeds import seed_of_record
from reglab.training.network import build
from reglab.training.one_seed import Recipe, examples_of, finished_seed, train_seed
from reglab.training.settings import Training
from reglab.training.supervised import Supervised

SIZES = {"labelled": 64, "unlabelled": 4, "validation": 32, "test": 32}
TECHNIQUES = [name for name in names("regularizers") if "classes" not in find("regularizers", name).needs]
LABELS = 3


def labelled(shape: tuple[int, ...]) -> Split:
    """Three labels, each of which says on which side of its mean another number of the input lies."""
    random = np.random.default_rng(0)
    inputs = {part: random.random((size, *shape), dtype=np.float32) for part, size in SIZES.items()}
    labels = {part: (x.reshape(len(x), -1)[:, :LABELS] > 0.5).astype(np.uint8) for part, x in inputs.items()}
    rows = {part: np.arange(size) for part, size in SIZES.items()}
    return Split(inputs, labels, rows, labels["labelled"], classes=None, label_count=LABELS)


def trained(folder, *techniques, **settings) -> tuple[dict, Split, dict]:
    """The part of the record of a seed, for images where a technique needs them, and the tensors of the seed."""
    split = labelled((1, 4, 4) if any("images" in each.needs for each in techniques) else (6,))
    model = MLP(width=16, depth=2, residual=True)
    recipe = Recipe(techniques, model, Training(**{"epochs": 8, "batch_size": 16, "learning_rate": 0.01} | settings))
    train_seed(recipe, split, 0, folder)
    outcome, tensors = finished_seed(folder, 0)
    return seed_of_record(outcome, record.starting_with("predictions/", tensors), split), split, tensors


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_technique_that_needs_no_classes_trains_on_labels(tmp_path, name):
    seed, split, tensors = trained(tmp_path, find("regularizers", name)())
    assert seed["status"] == "finished"
    assert set(PREDICTOR["multilabel"]) <= set(seed["metrics"])
    predicted, labels = tensors["predictions/test"], split.labels["test"]
    assert seed["metrics"]["test_hamming_loss"] == pytest.approx(hamming_loss(labels, predicted > 0.5), abs=1e-12)
    assert np.ptp(predicted.sum(1)) > 1e-3  # not the probabilities of a softmax, which sum to one


def test_a_network_learns_every_label(tmp_path):
    seed, split, tensors = trained(tmp_path, epochs=60)
    metrics = seed["metrics"]
    losses = [log_loss(split.labels["test"][:, k], tensors["predictions/test"][:, k]) for k in range(LABELS)]
    assert metrics["test_binary_cross_entropy"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert metrics["test_hamming_loss"] < 0.2 and metrics["test_multilabel_auroc"] > 0.9
    gap = metrics["test_hamming_loss"] - metrics["train_hamming_loss"]
    assert metrics["excess_hamming_loss"] == pytest.approx(gap, abs=1e-12)


def test_the_weights_of_examples_weigh_the_mean_over_their_labels():
    network = build(MLP(width=4, depth=1), (6,), Multilabel(LABELS), seed=0)
    split = replace(labelled((6,)), weights=np.arange(64, dtype=np.float32))
    batch, learner = examples_of(split, "labelled"), Supervised(network, (), Training(), seed=0)
    learner.weights = batch.weights
    losses = functional.binary_cross_entropy_with_logits(network(batch.inputs), batch.targets, reduction="none").mean(1)
    expected = (losses * batch.weights).sum() / batch.weights.sum()
    assert learner.criterion(network(batch.inputs), batch.targets).item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("technique", [Mixup(), ManifoldMixup()], ids=lambda each: type(each).__name__)
def test_mixed_examples_have_the_labels_of_both_in_their_shares(technique):
    network = build(MLP(width=4, depth=1), (2,), Multilabel(LABELS), seed=0)
    network.moment = Moment(seed=0, epoch=0, step=0)
    targets = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    shares = set()
    for step in range(10):
        network.moment = Moment(seed=0, epoch=0, step=step)
        mixed = technique.transform_batch(Batch(torch.zeros(2, 2), targets, torch.arange(2)), network).targets
        assert mixed[:, 1].tolist() == pytest.approx([1.0, 1.0]) and mixed[:, 2].tolist() == [0.0, 0.0]
        assert mixed[:, 0].sum().item() == pytest.approx(1.0) or mixed[0, 0] in (0.0, 1.0)
        shares.add(round(mixed[0, 0].item(), 6))
    assert len(shares) > 2


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
def test_predictions_of_thinned_networks_are_averaged_label_by_label(mean):
    network = build(MLP(width=8, depth=1), (6,), Multilabel(LABELS), seed=0).double().eval()
    network.moment = Moment(seed=0, epoch=0, step=0)
    average = MaskAverage(network, Dropout(0.1, 0.5, mean, masks=5))
    inputs = torch.rand(4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        p = average.thinned(inputs).sigmoid()
        result = average(inputs).sigmoid()
    geometric = p.log().mean(0).exp()
    expected = p.mean(0) if mean == "arithmetic" else geometric / (geometric + (1 - p).log().mean(0).exp())
    assert torch.allclose(result, expected, atol=1e-12)
