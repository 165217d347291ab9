"""Metrics of labels against scikit-learn's multi-label versions, and what belongs to no label."""

import numpy as np
import pytest
import torch
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    f1_score,
    hamming_loss,
    log_loss,
    roc_auc_score,
)

from reglab.evaluation.bias_variance import resampled_split
from reglab.evaluation.multilabel import multilabel
from reglab.evaluation.predicted import predicted_metrics

RANDOM = np.random.default_rng(0)
LABELS = (RANDOM.random((80, 5)) < (0.1, 0.2, 0.4, 0.6, 0.8)).astype(np.uint8)
PREDICTED = (0.5 * LABELS + RANDOM.random((80, 5))) / 1.5


def test_the_metrics_of_labels_equal_scikit_learns():
    metrics, chosen = predicted_metrics(PREDICTED, LABELS), PREDICTED > 0.5
    assert metrics["subset_accuracy"] == accuracy_score(LABELS, chosen)
    assert metrics["hamming_loss"] == pytest.approx(hamming_loss(LABELS, chosen), abs=1e-12)
    assert metrics["multilabel_f1"] == pytest.approx(f1_score(LABELS, chosen, average="macro"), abs=1e-12)
    assert metrics["multilabel_auroc"] == pytest.approx(roc_auc_score(LABELS, PREDICTED, average="macro"), abs=1e-12)
    precision = average_precision_score(LABELS, PREDICTED, average="macro")
    assert metrics["multilabel_average_precision"] == pytest.approx(precision, abs=1e-12)
    for name, score in (("binary_cross_entropy", log_loss), ("multilabel_brier", brier_score_loss)):
        theirs = np.mean([score(LABELS[:, label], PREDICTED[:, label]) for label in range(5)])
        assert metrics[name] == pytest.approx(theirs, abs=1e-12)


def test_the_order_of_the_labels_changes_no_metric():
    order = [3, 0, 4, 1, 2]
    assert predicted_metrics(PREDICTED[:, order], LABELS[:, order]) == pytest.approx(
        predicted_metrics(PREDICTED, LABELS), abs=1e-12
    )


def test_a_label_that_all_examples_have_or_lack_is_not_ranked_and_one_that_nobody_has_or_predicts_has_no_f1():
    labels = np.column_stack([LABELS, np.ones(80, np.uint8), np.zeros(80, np.uint8)])
    predicted = np.column_stack([PREDICTED, np.full(80, 0.9), np.full(80, 0.1)])
    metrics, known = predicted_metrics(predicted, labels), predicted_metrics(PREDICTED, LABELS)
    for name in ("multilabel_auroc", "multilabel_average_precision"):
        assert metrics[name] == pytest.approx(known[name], abs=1e-12)
    assert metrics["multilabel_f1"] == pytest.approx((5 * known["multilabel_f1"] + 1) / 6, abs=1e-12)
    assert metrics["hamming_loss"] == pytest.approx(5 / 7 * known["hamming_loss"], abs=1e-12)
    alone = predicted_metrics(predicted[:, 5:], labels[:, 5:])
    assert not {"multilabel_auroc", "multilabel_average_precision"} & set(alone)


def test_a_probability_of_one_half_predicts_no_label_and_certain_mistakes_cost_finitely_much():
    metrics = predicted_metrics(np.array([[0.5, 1.0]]), np.array([[0, 0]], np.uint8))
    assert metrics["hamming_loss"] == 0.5 and metrics["subset_accuracy"] == 0.0
    assert metrics["binary_cross_entropy"] == pytest.approx((np.log(2) + 87.3365) / 2, abs=1e-4)


@pytest.mark.parametrize("value", [1.5, -0.5, np.nan])
def test_logits_and_nan_are_refused(value):
    with pytest.raises(ValueError, match="from 0 to 1"):
        multilabel(torch.tensor([[value, 0.5]]), torch.tensor([[0, 1]]))


def test_bias_and_variance_of_labels_sum_to_the_brier_score_of_scikit_learn():
    predictions = np.stack([PREDICTED, PREDICTED[::-1], PREDICTED**2])
    labels, indices = np.stack([LABELS] * 3), np.tile(np.arange(80), (3, 1))
    split = resampled_split(predictions, labels, indices, unbiased=True)
    theirs = [brier_score_loss(LABELS[:, label], each[:, label]) for each in predictions for label in range(5)]
    assert split.bias_squared + split.variance == pytest.approx(np.mean(theirs), abs=1e-12)
    assert split.squared_error == pytest.approx(np.mean(theirs), abs=1e-12)
    spread = np.var(predictions, axis=0, ddof=1).mean()
    assert split.variance == pytest.approx(spread, abs=1e-12)
