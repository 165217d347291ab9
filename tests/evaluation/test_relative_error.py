"""The relative error reduction against hand counts and a simulation."""

import numpy as np
import pytest

from reglab.evaluation.relative_error import relative_error_reduction
from reglab.evaluation.statistics import standard_error

ACCURACIES = np.array([0.92, 0.90, 0.94, 0.93, 0.91])
OF_NONE = np.array([0.90, 0.89, 0.91, 0.92, 0.88])


def test_half_of_the_error_is_taken_away_in_every_metric():
    """Accuracy 0.8 -> 0.9, R² 0.8 -> 0.9, rmse 2 -> 1 and a loss 2 -> 1 are the same gain, 0.5, without error."""
    for metric, before, after in (
        ("test_accuracy", 0.8, 0.9),
        ("test_r2", 0.8, 0.9),
        ("test_rmse", 2.0, 1.0),
        ("test_nll", 2.0, 1.0),
    ):
        effect = relative_error_reduction(np.full(4, after), np.full(4, before), metric)
        assert effect == (pytest.approx(0.5), pytest.approx(0, abs=1e-12), 3)


def test_what_doubles_the_error_is_a_loss_of_one():
    assert relative_error_reduction(np.full(3, 4.0), np.full(3, 2.0), "test_mae").gain == pytest.approx(-1)


def test_the_error_does_not_change_with_the_unit_of_the_target():
    rmse, before = np.array([1.0, 1.2, 0.9]), np.array([1.5, 1.4, 1.3])
    one = relative_error_reduction(rmse, before, "test_rmse", 0.3)
    assert relative_error_reduction(1000 * rmse, 1000 * before, "test_rmse", 0.3) == pytest.approx(one)


def test_where_none_does_not_vary_the_error_is_that_of_the_mean():
    """Then the ratio is linear in the recipe's error, and the delta method exact."""
    effect = relative_error_reduction(ACCURACIES, np.full(5, 0.9), "test_accuracy", 0.25)
    assert effect.error == pytest.approx(standard_error(ACCURACIES, 0.25) / 0.1, rel=1e-9)


def test_the_error_is_the_spread_of_the_gain_over_studies():
    """4,000 studies of 12 seeds whose errors correlate: the stated variance is right within 10 %."""
    random = np.random.default_rng(0)
    seeds = random.normal(0, 0.01, (4_000, 12))
    before = 0.10 + seeds + random.normal(0, 0.004, seeds.shape)
    after = 0.08 + 0.8 * seeds + random.normal(0, 0.004, seeds.shape)
    effects = [relative_error_reduction(a, b, "test_rmse") for a, b in zip(after, before, strict=True)]
    gains, errors, _ = np.array(effects).T
    assert np.square(errors).mean() == pytest.approx(gains.var(), rel=0.1)


def test_correlated_splits_widen_the_error_as_nadeau_and_bengio_have_it():
    plain = relative_error_reduction(ACCURACIES, OF_NONE, "test_accuracy")
    wide = relative_error_reduction(ACCURACIES, OF_NONE, "test_accuracy", test_to_train=0.5)
    assert wide.error == pytest.approx(plain.error * np.sqrt((1 / 5 + 0.5) / (1 / 5)))


@pytest.mark.parametrize(
    ("values", "reference", "says"),
    [
        (ACCURACIES, np.ones(5), "makes no error"),
        (ACCURACIES, OF_NONE[:4], "two pairs or more"),
        (ACCURACIES[:1], OF_NONE[:1], "two pairs or more"),
        (ACCURACIES * np.nan, OF_NONE, "not finite"),
    ],
)
def test_a_reduction_that_is_not_known_is_refused(values, reference, says):
    with pytest.raises(ValueError, match=says):
        relative_error_reduction(values, reference, "test_accuracy")
