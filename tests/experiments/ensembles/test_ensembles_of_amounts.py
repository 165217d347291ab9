"""Ensembles of a regression: averages of amounts, and boosting by residuals."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from reglab.config.params import Training
from reglab.core.tasks import Regression
from reglab.data.prepared import Split
from reglab.experiments.ensembles import run as ensembling
from reglab.experiments.ensembles.base import disagreement
from reglab.experiments.ensembles.ensemble_network import untrained
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.experiments.ensembles.methods.boosting import Boosting
from reglab.experiments.ensembles.methods.deep_ensemble import DeepEnsemble
from reglab.experiments.ensembles.methods.dropout_average import DropoutAverage
from reglab.models.mlp import MLP
from reglab.training.one_seed import Recipe, learner_of

RECIPE = Recipe((), MLP(width=8, depth=1), Training(epochs=6, batch_size=16, learning_rate=0.02))
SIZES = {"labelled": 48, "unlabelled": 4, "validation": 24, "test": 24}
KINDS = [Bagging(3), DeepEnsemble(3), DropoutAverage(3), Boosting(3, width=8, epochs=6)]


@pytest.fixture(scope="module")
def split() -> Split:
    """Amounts around 1,000 that are a curve of two inputs."""
    random = np.random.default_rng(0)
    inputs = {part: random.normal(size=(size, 2)).astype(np.float32) for part, size in SIZES.items()}
    labels = {part: 1000.0 + 50.0 * x[:, 0] ** 2 - 30.0 * x[:, 1].astype(np.float64) for part, x in inputs.items()}
    rows = {part: np.arange(size) for part, size in SIZES.items()}
    scale = float(labels["labelled"].mean()), float(labels["labelled"].std())
    return Split(inputs, labels, rows, labels["labelled"], classes=None, target_scale=scale)


def assessed(ensemble, split, folder):
    folder.mkdir()
    return ensembling.evaluate(ensemble, ensemble.member_recipe(RECIPE), split, 0, folder)


@pytest.mark.parametrize("ensemble", KINDS, ids=lambda ensemble: type(ensemble).__name__)
def test_an_ensemble_predicts_amounts_and_names_what_it_measures(ensemble, split, tmp_path):
    result = assessed(ensemble, split, tmp_path / "members")
    metrics = result.of_record["metrics"]
    error = np.sqrt(np.mean((result.predictions[:, 0] - split.labels["test"]) ** 2))
    assert result.predictions.shape == (24, 1) and metrics["test_rmse"] == pytest.approx(error, rel=1e-6)
    assert metrics["test_rmse"] < split.labels["test"].std()
    assert set(ensemble.regression_metric_names) < set(metrics) and "test_accuracy" not in metrics
    assert ("one_member_test_rmse" in metrics) == (not ensemble.sequential)  # a boosted member predicts what is left
    rebuilt = untrained(ensemble, ensemble.member_recipe(RECIPE), [], split, 0)
    rebuilt.load_state_dict({name: torch.as_tensor(array) for name, array in result.weights.items()})
    with torch.no_grad():
        inputs = torch.as_tensor(split.inputs["test"])
        predicted, outputs = rebuilt.predictions(inputs), rebuilt(inputs)
    assert torch.allclose(predicted, torch.as_tensor(result.predictions), rtol=1e-5)
    assert torch.allclose(split.task.predictions(outputs), predicted, rtol=1e-5)


def test_a_boosted_network_is_trained_on_what_the_ones_before_it_left(split):
    boosting = Boosting(3, shrinkage=0.5)
    networks = [learner_of(RECIPE, boosting.member_split(split, member), member).network for member in range(2)]
    left = boosting.member_split(split, 2, [network.eval() for network in networks])
    inputs = torch.as_tensor(split.inputs["labelled"])
    with torch.no_grad():
        first, second = (network.task.predictions(network(inputs))[:, 0].numpy() for network in networks)
    assert left.labels["labelled"] == pytest.approx(split.labels["labelled"] - first - 0.5 * second, abs=1e-2)
    assert left.target_scale == (0.0, split.target_scale[1]) and left.labels["test"] is split.labels["test"]
    assert boosting.member_split(split, 0, []) is split


def test_boosting_fits_the_training_part_more_closely_with_every_member(split, tmp_path):
    """Members are trained by gradient descent, so each leaves less than the one before it, if not the least."""
    result = assessed(Boosting(6, width=8, epochs=20, shrinkage=0.5), split, tmp_path / "members")
    metrics = result.of_record["metrics"]
    assert metrics["train_rmse"] < 0.8 * metrics["first_member_train_rmse"]


def test_two_members_are_as_far_apart_as_the_root_of_their_mean_squared_difference():
    members = torch.tensor([[[1.0], [2.0]], [[4.0], [6.0]], [[1.0], [2.0]]])
    pair = np.sqrt((9 + 16) / 2)
    assert disagreement(members, Regression(0.0, 1.0)).tolist() == pytest.approx([0.0, pair, 2 * pair / 3])


def test_a_class_with_the_same_inputs_is_a_task_of_its_own(split):
    classes = {part: (values > 1000.0).astype(np.int64) for part, values in split.labels.items()}
    told = replace(split, labels=classes, classes=2, target_scale=(0.0, 1.0))
    assert (split.task.name, told.task.name) == ("regression", "classification")
    assert learner_of(RECIPE, told, 0).network.head.out_features == 2
