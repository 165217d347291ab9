import numpy as np
import pytest
from sklearn.preprocessing import RobustScaler, StandardScaler

from reglab.data.preprocessing.columns import Columns
from reglab.data.scaling import CLIP, fit, scale

RANDOM = np.random.default_rng(0)
COLUMNS = RANDOM.normal(50, [1, 10, 100], (200, 3))


def test_standard_scaling_is_that_of_scikit_learn():
    expected = StandardScaler().fit(COLUMNS[:150]).transform(COLUMNS)
    assert np.allclose(scale(COLUMNS, *fit(COLUMNS[:150], "standard"), "standard"), expected, atol=1e-6)


def test_robust_scaling_is_that_of_scikit_learn_with_a_soft_clip():
    z = RobustScaler().fit(COLUMNS[:150]).transform(COLUMNS)
    scaled = scale(COLUMNS, *fit(COLUMNS[:150], "robust"), "robust")
    assert np.allclose(scaled, z / np.sqrt(1 + (z / 3) ** 2), atol=1e-6)


def test_robust_scaling_bounds_an_outlier_and_keeps_the_order():
    fitted = fit(COLUMNS, "robust")
    far = scale(np.array([[1e30] * 3, [-1e30] * 3]), *fitted, "robust")
    assert np.allclose(far, [[CLIP] * 3, [-CLIP] * 3])
    scaled = scale(COLUMNS, *fitted, "robust")
    assert np.array_equal(scaled.argsort(0), COLUMNS.argsort(0))


def test_a_column_whose_quartiles_are_equal_is_divided_by_half_of_its_range():
    column = np.array([[0.0]] * 9 + [[8.0]])
    centre, factor = fit(column, "robust")
    assert (centre, factor) == (0, 1 / 4)


@pytest.mark.parametrize("scaling", ["robust", "standard"])
def test_a_constant_column_is_zero_even_where_other_rows_differ(scaling):
    fitted = fit(np.full((7, 1), 0.1), scaling)
    assert np.array_equal(scale(np.array([[0.1], [5.0]]), *fitted, scaling), [[0], [0]])


@pytest.mark.parametrize("scaling", ["robust", "standard"])
def test_missing_values_do_not_count_and_stay_missing(scaling):
    column = np.array([[1.0], [np.nan], [2.0], [4.0]])
    assert np.array_equal(fit(column, scaling), fit(column[[0, 2, 3]], scaling))
    assert np.array_equal(np.isnan(scale(column, *fit(column, scaling), scaling)), np.isnan(column))
    assert np.array_equal(fit(np.full((3, 1), np.nan), scaling), [[0], [0]])


def test_without_scaling_numbers_stay_and_large_ones_are_scaled_before_they_are_rounded():
    assert np.array_equal(scale(COLUMNS, *fit(COLUMNS, "none"), "none"), COLUMNS.astype(np.float32))
    seconds = 1.7e9 + np.arange(100.0)[:, None]  # float32 keeps steps of 128
    assert len(np.unique(scale(seconds, *fit(seconds, "robust"), "robust"))) == 100


def test_columns_are_fitted_on_the_rows_taken_and_restored_from_their_tensors():
    columns = Columns(COLUMNS, "robust")
    fitted = columns.take(np.arange(20)).fit()
    alone = Columns(COLUMNS[:20], "robust").fit()
    assert np.array_equal(fitted.transform(columns), alone.transform(columns))
    again = Columns.restore(columns.tensors(), columns.description())
    restored = again.preprocessor(fitted.tensors())
    assert np.array_equal(restored.transform(again), fitted.transform(columns))
    assert restored.transform(again).dtype == np.float32 and len(again) == 200
