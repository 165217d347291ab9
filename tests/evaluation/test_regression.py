"""Metrics of amounts against scikit-learn's, and what belongs to no number."""

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from reglab.evaluation.predicted import predicted_metrics
from reglab.evaluation.regression import regression

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.normal(1e4, 250.0, 60)
PREDICTED = (LABELS + RANDOM.normal(20.0, 100.0, 60))[:, None]


def test_the_metrics_of_amounts_equal_scikit_learns():
    result = predicted_metrics(PREDICTED, LABELS)
    assert result["rmse"] == pytest.approx(root_mean_squared_error(LABELS, PREDICTED), rel=1e-12)
    assert result["mae"] == pytest.approx(mean_absolute_error(LABELS, PREDICTED), rel=1e-12)
    assert result["r2"] == pytest.approx(r2_score(LABELS, PREDICTED), abs=1e-12)


def test_whoever_predicts_the_mean_explains_nothing():
    result = predicted_metrics(np.full((60, 1), LABELS.mean()), LABELS)
    assert result["r2"] == pytest.approx(0, abs=1e-12) and result["rmse"] == pytest.approx(LABELS.std(), rel=1e-12)


def test_another_unit_changes_errors_with_it_and_leaves_r2():
    one, thousand = predicted_metrics(PREDICTED, LABELS), predicted_metrics(1000 * PREDICTED, 1000 * LABELS)
    assert (thousand["rmse"], thousand["mae"]) == pytest.approx((1000 * one["rmse"], 1000 * one["mae"]), rel=1e-12)
    assert thousand["r2"] == pytest.approx(one["r2"], abs=1e-12)


def test_equal_labels_have_errors_and_no_r2():
    result = regression(torch.tensor([[1.0], [3.0]]), torch.tensor([2.0, 2.0]))
    assert result == {"rmse": 1.0, "mae": 1.0}


@pytest.mark.parametrize(("middle", "spread"), [(1e6, 1.0), (0.0, 1e-3), (0.0, 1e-9)])
def test_r2_is_scikit_learns_for_labels_far_from_zero_and_for_tiny_ones(middle, spread):
    """torchmetrics' r2_score differs by 6e-5 in the first case and by 0.2 in the others."""
    labels = middle + spread * RANDOM.normal(size=200)
    predicted = labels + spread / 2 * RANDOM.normal(size=200)
    assert predicted_metrics(predicted[:, None], labels)["r2"] == pytest.approx(r2_score(labels, predicted), abs=1e-12)


def test_a_single_example_has_errors_and_no_r2():
    assert predicted_metrics(np.array([[1.5]]), np.array([2.0])) == {"rmse": 0.5, "mae": 0.5}
