"""The metrics that may decide a study: each against scikit-learn, which way is better, and what does not matter."""

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, balanced_accuracy_score, f1_score, roc_auc_score
from test_classification import random_case

from reglab.evaluation.classification import classification
from reglab.evaluation.metric_names import better, relevance, sign
from reglab.evaluation.metric_table import DECIDING, NAMES
from reglab.evaluation.predicted import MEASURES
from reglab.evaluation.settings import Evaluation

RULE = {"accuracy": 0.005, "auroc": 0.005, "nll": 0.01, "brier": 0.01}


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_means_over_classes_equal_scikit_learns(classes):
    probabilities, labels = random_case(classes)
    result, predicted = classification(probabilities, labels), probabilities.argmax(1)
    assert result["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, predicted), abs=1e-12)
    assert result["macro_f1"] == pytest.approx(f1_score(labels, predicted, average="macro"), abs=1e-12)
    scores, truth = (probabilities[:, 1], labels) if classes == 2 else (probabilities, np.eye(classes)[labels])
    ranked = roc_auc_score(labels, scores, multi_class="ovr", average="macro")
    assert result["auroc"] == pytest.approx(ranked, abs=1e-12)
    assert result["average_precision"] == pytest.approx(
        average_precision_score(truth, scores, average="macro"), abs=1e-12
    )


def test_the_area_of_two_classes_is_the_share_of_pairs_in_the_right_order():
    probabilities, labels = random_case(2, 60)
    second = probabilities[:, 1].round(decimals=1)  # with ties, which count half
    pairs = (second[labels == 1][:, None] - second[labels == 0]).sign()
    result = classification(torch.stack([1 - second, second], 1), labels)
    assert result["auroc"] == pytest.approx(float((pairs + 1).mean() / 2), abs=1e-12)


def test_the_order_of_the_examples_changes_no_metric():
    probabilities, labels = random_case(4)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    assert classification(probabilities[order], labels[order]) == pytest.approx(
        classification(probabilities, labels), abs=1e-12
    )


def test_the_names_of_the_classes_change_no_metric_of_three():
    probabilities, labels = random_case(3)
    names = torch.tensor([2, 0, 1])
    assert classification(probabilities[:, names.argsort()], names[labels]) == pytest.approx(
        classification(probabilities, labels), abs=1e-12
    )


@pytest.mark.parametrize("name", NAMES)
def test_better_predictions_have_a_better_value_within_the_range(name):
    """Every prediction halfway to the truth, and the truth itself."""
    about = DECIDING[name]
    predictions, labels = random_case(3)
    truth = torch.eye(3, dtype=torch.float64)[labels]
    if about.task == "regression":
        truth, predictions = torch.as_tensor(np.random.default_rng(0).normal(size=(2, 40, 1)))
        labels = truth[:, 0]
    if about.task == "multilabel":
        random = np.random.default_rng(0)
        truth = torch.as_tensor((random.random((40, 3)) < 0.4).astype(float))
        predictions, labels = torch.as_tensor(random.random((40, 3))), truth
    measure = MEASURES[about.task]
    worse, halfway, best = (measure(p, labels)[name] for p in (predictions, (predictions + truth) / 2, truth))
    assert about.low <= min(worse, halfway, best) and max(worse, halfway, best) <= about.high
    assert about.sign * worse < about.sign * halfway <= about.sign * best
    assert best == pytest.approx(about.high if about.direction == "higher" else about.low, abs=1e-12)
    assert better(f"test_{name}@5") == about.direction and sign(f"validation_{name}") == about.sign


def test_examples_of_a_single_class_cannot_be_ranked_and_a_class_without_examples_is_left_out():
    probabilities, labels = random_case(3)
    alone = classification(probabilities[:5], torch.ones(5, dtype=torch.int64))
    assert not {"auroc", "average_precision"} & set(alone) and {"balanced_accuracy", "macro_f1"} <= set(alone)
    kept = labels < 2
    areas = [roc_auc_score(labels[kept] == label, probabilities[kept, label]) for label in (0, 1)]
    assert classification(probabilities[kept], labels[kept])["auroc"] == pytest.approx(np.mean(areas), abs=1e-12)


@pytest.mark.parametrize(("name", "default"), RULE.items())
def test_without_a_number_the_relevant_difference_is_the_default_of_the_metric(name, default):
    rule = Evaluation(metric=name).rule
    assert rule == {"confidence": 0.95, "relevant_difference": None, "metric": f"test_{name}"}
    assert relevance(f"test_{name}", None, rule["metric"]) == default
    assert relevance(f"test_{name}@5", 0.2, rule["metric"]) == 0.2


def test_a_number_is_in_the_unit_of_the_metric_that_decides():
    assert relevance("test_accuracy", 0.2, "test_nll") == 0.005 == relevance("test_iou", 0.2, "test_nll")
    assert relevance("test_iou", 0.2, "test_auroc") == 0.2 == relevance("test_accuracy", 0.2, "test_auroc")
    assert relevance("test_brier", 0.2, "test_nll") == 0.0 == relevance("test_nll", 0.2, "test_accuracy")
