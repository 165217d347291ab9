"""The names of metrics that are known before any work are those that records will have."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from reglab.config import params
from reglab.core import registry
from reglab.data.prepared import Split
from reglab.evaluation.metric_names import (
    CLASSIFIER,
    PREDICTOR,
    TASKS,
    better,
    gained,
    is_gap,
    metric_names,
    over,
    relevance,
    sign,
)
from reglab.experiments.multitask import base as multitask
from reglab.models.mlp import MLP
from reglab.tracking import record
from reglab.training.network import build

LABELS = np.arange(12) % 3
PARTS = ("labelled", "unlabelled", "validation", "test")
SPLIT = Split(
    {part: np.random.default_rng(0).random((12, 1, 4, 4), dtype=np.float32) for part in PARTS},
    dict.fromkeys(PARTS, LABELS),
    dict.fromkeys(PARTS, np.arange(12)),
    classes=3,
)


def test_a_classifiers_names_are_those_that_every_seed_measures():
    probabilities = dict.fromkeys(("labelled", "validation", "test"), np.full((12, 3), 1 / 3))
    assert set(record.seed_metrics(SPLIT, probabilities)) == set(CLASSIFIER)


def test_the_gap_is_measured_on_right_labels_and_the_one_on_given_labels_stands_beside_it():
    """Twelve examples, four of their labels replaced; the model says what is right on all but one of training and of test."""
    given = LABELS.copy()
    given[:4] = (given[:4] + 1) % 3
    split = replace(SPLIT, labels=SPLIT.labels | {"labelled": given}, true_labels=LABELS)
    says = np.eye(3)[np.where(np.arange(12) == 11, (LABELS + 1) % 3, LABELS)]
    result = record.seed_metrics(split, dict.fromkeys(("labelled", "validation", "test"), says))
    assert result["train_accuracy"] == pytest.approx(7 / 12) and result["train_accuracy_true_labels"] == pytest.approx(
        11 / 12
    )
    assert result["generalization_gap"] == pytest.approx(0) and result["test_accuracy"] == pytest.approx(11 / 12)
    assert result["generalization_gap_given_labels"] == pytest.approx(-4 / 12)


@pytest.mark.parametrize("name", registry.names("ensembles"))
def test_an_ensemble_names_the_metrics_that_it_adds(name):
    kind = registry.find("ensembles", name)()
    networks = [build(MLP(width=4, depth=1), (1, 4, 4), 3, seed).eval() for seed in range(kind.networks)]
    wrong = np.zeros((kind.networks, 12), bool)
    committee = kind.committee(networks, wrong, SPLIT.task).eval()
    assert tuple(kind.metrics(committee, SPLIT, 0)) == kind.metric_names


def test_boosting_tells_what_its_first_member_fits_alone():
    kind = registry.find("ensembles", "boosting")(members=2)
    networks = [build(MLP(width=4, depth=1), (1, 4, 4), 3, seed).eval() for seed in range(2)]
    committee = kind.committee(networks, np.zeros((2, 12), bool), SPLIT.task).eval()
    alone = networks[0](torch.as_tensor(SPLIT.inputs["labelled"])).argmax(1).numpy()
    assert kind.metrics(committee, SPLIT, 0)["first_member_train_accuracy"] == np.mean(alone == LABELS)


def test_each_task_is_measured_by_its_names():
    scores = {"segmentation": torch.rand(2, 3, 4, 4), "depth": torch.rand(2, 1, 4, 4)}
    masks, depth = torch.randint(0, 3, (2, 4, 4)), torch.rand(2, 4, 4)
    for task, names in TASKS.items():
        assert tuple(multitask.task_metrics({task: scores[task]}, masks, depth, classes=2)) == names


def test_the_shipped_entries_have_the_metrics_of_their_families():
    known = metric_names(vars(params.load()))
    assert {"zero_weights", "variance", "robust_accuracy@0.1"} <= set(known["dropout"][1])
    assert "zero_weights" not in known["bagging"][1] and "distinct_share" in known["bagging"][1]
    assert known["masked_tuned"][0] == "transfer" and {"test_accuracy", "variance@1"} <= set(known["masked_tuned"][1])
    assert "variance" not in known["masked_tuned"][1]  # a spread of each number of labels
    assert not any(metric.startswith("robust") for metric in known["new_classes_tuned"][1])  # not attacked
    assert "test_iou" not in known["depth_only"][1] and "test_iou@16" in known["joint"][1]
    assert "early_stopping" in known and "gabor" not in known


def test_which_way_is_better_and_what_is_paired():
    assert better("generalization_gap_given_labels") == "lower" and better("train_accuracy_true_labels") == "higher"
    assert [better(name) for name in ("test_accuracy@5", "test_nll", "test_depth_rmse@16", "weight_norm")] == [
        *("higher", "lower", "lower"),
        None,
    ]
    assert [over(name) for name in ("test_nll", "variance@2", "robust_accuracy@0.1", "robust_rmse@0.1")] == [
        "seeds",
        "all seeds",
        "examples",
        "examples",
    ]


def test_a_gain_is_the_difference_where_higher_is_better_or_neither_is_and_its_negative_where_lower_is():
    assert [sign(name) for name in ("test_accuracy@5", "weight_norm", "test_nll", "test_depth_rmse@16")] == [
        1,
        1,
        -1,
        -1,
    ]
    assert gained((-0.1, 0.3), "test_iou") == (-0.1, 0.3)
    assert gained((-0.1, 0.3), "variance") == (-0.3, 0.1)


def test_a_gain_is_the_difference_of_a_metric_or_its_negative_and_no_multiple():
    assert [sign(metric) for metric in ("test_accuracy", "test_nll", "test_depth_rmse", "weight_norm")] == [
        1,
        -1,
        -1,
        1,
    ]
    assert gained((-0.1, 0.3), "test_accuracy") == (-0.1, 0.3) and gained((-0.1, 0.3), "test_nll") == (-0.3, 0.1)


def test_an_error_in_the_unit_of_the_target_matters_from_the_difference_that_is_named_for_it():
    """The gap of a regression is such an error, r2 is none, and nobody knows the unit beforehand."""
    for metric in ("test_rmse", "validation_mae", "excess_rmse", "excess_rmse_given_labels", "test_rmse@5"):
        assert relevance(metric, 250.0, "test_rmse") == 250.0 and relevance(metric, None, "test_mae") == 0.0
    assert relevance("test_r2", 250.0, "test_rmse") == 0.0
    assert relevance("test_r2", None, "test_r2") == 0.005 and relevance("test_rmse", 0.01, "test_r2") == 0.0
    assert is_gap("excess_rmse_given_labels") and not is_gap("test_rmse")
    assert relevance("test_depth_rmse", None, "test_accuracy") == 0.005  # a share of the depth of a scene


def test_a_regressions_names_are_those_that_every_seed_measures():
    labels = {part: LABELS + 0.5 for part in PARTS}
    split = replace(SPLIT, labels=labels, classes=None, target_scale=(1.5, 0.8))
    predicted = dict.fromkeys(("labelled", "validation", "test"), np.full((12, 1), 1.0))
    assert set(record.seed_metrics(split, predicted)) == set(PREDICTOR["regression"])
