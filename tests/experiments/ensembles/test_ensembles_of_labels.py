"""Ensembles of several labels: probabilities are averaged label by label, and no rule that chooses one class is applied."""

import numpy as np
import pytest
import torch
from sklearn.metrics import hamming_loss

from reglab.config.params import Training
from reglab.core.tasks import Multilabel
from reglab.data.prepared import Split
from reglab.evaluation.bias_variance import resampled_split
from reglab.experiments.ensembles import run as ensembling
from reglab.experiments.ensembles.base import disagreement
from reglab.experiments.ensembles.ensemble_network import untrained
from reglab.experiments.ensembles.ensemble_size_curve import all_splits, figure, table
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.experiments.ensembles.methods.deep_ensemble import DeepEnsemble
from reglab.experiments.ensembles.methods.dropout_average import DropoutAverage
from reglab.models.mlp import MLP
from reglab.training.one_seed import Recipe

RECIPE = Recipe((), MLP(width=8, depth=1), Training(epochs=6, batch_size=16, learning_rate=0.02))
SIZES = {"labelled": 48, "unlabelled": 4, "validation": 24, "test": 24}
KINDS = [Bagging(3), DeepEnsemble(3), DropoutAverage(3)]


@pytest.fixture(scope="module")
def split() -> Split:
    """Three labels: the signs of the two inputs and of their sum."""
    random = np.random.default_rng(0)
    inputs = {part: random.normal(size=(size, 2)).astype(np.float32) for part, size in SIZES.items()}
    labels = {part: (np.column_stack([x, x.sum(1)]) > 0).astype(np.uint8) for part, x in inputs.items()}
    rows = {part: np.arange(size) for part, size in SIZES.items()}
    return Split(inputs, labels, rows, labels["labelled"], classes=None, label_count=3)


def assessed(ensemble, split, folder):
    folder.mkdir()
    return ensembling.evaluate(ensemble, ensemble.member_recipe(RECIPE), split, 0, folder)


@pytest.mark.parametrize("ensemble", KINDS, ids=lambda ensemble: type(ensemble).__name__)
def test_an_ensemble_averages_the_probabilities_of_each_label(ensemble, split, tmp_path):
    result = assessed(ensemble, split, tmp_path / "members")
    metrics, labels = result.of_record["metrics"], split.labels["test"]
    assert set(ensemble.multilabel_metric_names) <= set(metrics) and "test_accuracy" not in metrics
    rebuilt = untrained(ensemble, ensemble.member_recipe(RECIPE), [], split, 0)
    rebuilt.load_state_dict({name: torch.as_tensor(array) for name, array in result.weights.items()})
    with torch.no_grad():
        inputs = torch.as_tensor(split.inputs["test"])
        members, outputs = rebuilt.eval().members(inputs), rebuilt(inputs)
    assert np.allclose(result.predictions, members.mean(0).numpy(), atol=1e-6)
    assert torch.allclose(outputs.sigmoid(), members.mean(0), atol=1e-5)
    assert metrics["test_hamming_loss"] == pytest.approx(hamming_loss(labels, result.predictions > 0.5), abs=1e-12)
    alone = np.mean([hamming_loss(labels, member > 0.5) for member in members.numpy()])
    assert metrics["one_member_test_hamming_loss"] == pytest.approx(alone, abs=1e-12)
    decided = members.numpy() > 0.5
    pairs = [(decided[i] != decided[j]).mean() for i in range(3) for j in range(i)]
    assert metrics["disagreement"] == pytest.approx(np.mean(pairs), abs=1e-12)
    assert list(result.curve.tests) == ["average"]


def test_the_curve_of_labels_by_size_has_the_metrics_of_labels_and_a_figure(split, tmp_path):
    results = []
    for number in range(2):
        results.append(assessed(Bagging(2), split, tmp_path / str(number)))
    labels, rows = (np.stack([getattr(split, of)["test"]] * 2) for of in ("labels", "rows"))
    curves = [each.curve for each in results]
    parts = all_splits(curves, labels, rows)
    whole = resampled_split(np.stack([each.predictions for each in results]), labels, rows, unbiased=True)
    assert parts["average"]["variance"][-1] == pytest.approx(whole.variance, abs=1e-9)
    header = table([0, 1], curves, parts).splitlines()[0]
    assert "test_hamming_loss" in header and "test_binary_cross_entropy" in header
    drawn = figure(curves, parts, "average", {"one": 0.2})
    assert drawn.lstrip().startswith("<") and "Brier score of labels" in drawn


def test_two_members_that_decide_every_label_alike_are_no_distance_apart():
    one, other = torch.rand(2, 1, 6, 3, generator=torch.Generator().manual_seed(0))
    alike = torch.cat([one, torch.where(one > 0.5, 0.9, 0.1)])
    assert disagreement(alike, Multilabel(3)).tolist() == [0.0, 0.0]
    different = ((one > 0.5) != (other > 0.5)).double().mean().item()
    assert disagreement(torch.cat([one, other]), Multilabel(3))[1].item() == pytest.approx(different, abs=1e-12)
