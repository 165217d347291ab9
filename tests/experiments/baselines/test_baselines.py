"""The classical baselines on scikit-learn's digits, and what they must keep to anywhere."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from reglab.core.errors import UserError
from reglab.experiments.baselines.base import fit_predict
from reglab.experiments.baselines.methods.gradient_boosting import GradientBoosting
from reglab.experiments.baselines.methods.k_nearest_neighbours import KNearestNeighbours
from reglab.experiments.baselines.methods.logistic_regression import LogisticRegression
from reglab.experiments.baselines.methods.support_vector_machine import SupportVectorMachine

ALL = [KNearestNeighbours(), SupportVectorMachine(), LogisticRegression(), GradientBoosting(max_iter=30)]


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """900 images (1, 8, 8) in 0..1 to train on, 897 to test on."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).reshape(-1, 1, 8, 8).astype(np.float32), y[order]
    return x[:900], y[:900], x[900:], y[900:]


def measured_accuracy(baseline, digits) -> float:
    train_x, train_y, x, y = digits
    probabilities = fit_predict(baseline.estimator(), train_x, train_y, {"test": x}, classes=10)["test"]
    return float((probabilities.argmax(1) == y).mean())


def test_neighbours_and_support_vectors_reach_97_percent_on_900_clean_digits(digits):
    """Ten-fold references on all 1,797 digits: 98.8 % for three neighbours, 98.9 % for the support vector machine."""
    assert measured_accuracy(KNearestNeighbours(n_neighbors=3), digits) > 0.97
    assert measured_accuracy(SupportVectorMachine(C=10), digits) > 0.97


def test_logistic_regression_reaches_95_percent_on_900_clean_digits(digits):
    assert measured_accuracy(LogisticRegression(), digits) > 0.95


@pytest.mark.parametrize("baseline", ALL, ids=lambda baseline: type(baseline).__name__)
def test_every_part_gets_probabilities_of_all_classes_also_of_one_that_training_lacks(baseline, digits):
    train_x, train_y, x, _ = digits
    known = train_y != 4
    parts = {"train": train_x[known], "test": x}
    predicted = fit_predict(baseline.estimator(), train_x[known], train_y[known], parts, classes=11)
    assert {part: p.shape for part, p in predicted.items()} == {"train": (known.sum(), 11), "test": (len(x), 11)}
    for p in predicted.values():
        assert (p[:, [4, 10]] == 0).all()
        assert (p >= 0).all()
        np.testing.assert_allclose(p.sum(1), 1, atol=1e-9)
    assert (predicted["train"].argmax(1) == train_y[known]).mean() > 0.95


@pytest.mark.parametrize("baseline", ALL, ids=lambda baseline: type(baseline).__name__)
def test_two_classes_are_enough_and_two_fits_are_equal_bit_for_bit(baseline, digits):
    train_x, train_y, x, y = digits
    pair, tested = train_y < 2, y < 2

    def fitted() -> np.ndarray:
        return fit_predict(baseline.estimator(), train_x[pair], train_y[pair], {"test": x[tested]}, classes=2)["test"]

    assert (fitted().argmax(1) == y[tested]).mean() > 0.98
    assert fitted().tobytes() == fitted().tobytes()


def test_calibration_leaves_the_support_vector_machines_decisions_as_they_are(digits):
    train_x, train_y, x, _ = digits
    calibrated = fit_predict(SupportVectorMachine().estimator(), train_x, train_y, {"test": x}, classes=10)["test"]
    scores = SVC(C=1.0).fit(train_x.reshape(900, -1), train_y).decision_function(x.reshape(len(x), -1))
    assert (calibrated.argmax(1) == scores.argmax(1)).all()


def test_boosted_trees_solve_what_no_linear_boundary_can():
    """An exclusive or of two signs, with a third feature that says nothing."""
    x = np.random.default_rng(0).uniform(-1, 1, (600, 3))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    right = {}
    for baseline in (GradientBoosting(), LogisticRegression()):
        tested = fit_predict(baseline.estimator(), x[:400], y[:400], {"test": x[400:]}, classes=2)["test"]
        right[type(baseline)] = (tested.argmax(1) == y[400:]).mean()
    assert right[GradientBoosting] > 0.95 > 0.65 > right[LogisticRegression]


def test_one_tree_with_two_leaves_is_a_newton_step_of_the_loss():
    """Two classes, each side of the split pure: leaves of -g/h = ±2 from p = 1/2, scaled by the learning rate."""
    x, y = np.repeat([[0.0], [1.0]], 40, axis=0), np.repeat([0, 1], 40)
    stump = GradientBoosting(learning_rate=0.5, max_iter=1, max_leaf_nodes=2)
    p = fit_predict(stump.estimator(), x, y, {"x": x}, classes=2)["x"]
    np.testing.assert_allclose(p[:, 1], 1 / (1 + np.exp(np.repeat([1.0, -1.0], 40))), atol=1e-6)


def test_nearest_neighbours_count_votes():
    """Neighbours of 0.1 by distance: 0 (class 0), 1 and 2 (class 1); inverse distances 10, 10/9, 10/19."""
    train_x, train_y, x = np.array([[0.0], [1.0], [2.0], [9.0]]), np.array([0, 1, 1, 0]), np.array([[0.1]])
    votes = fit_predict(KNearestNeighbours(3).estimator(), train_x, train_y, {"x": x}, 2)["x"]
    np.testing.assert_allclose(votes, [[1 / 3, 2 / 3]], atol=1e-12)
    votes = fit_predict(KNearestNeighbours(3, "distance").estimator(), train_x, train_y, {"x": x}, 2)["x"]
    np.testing.assert_allclose(votes[0, 0], 10 / (10 + 10 / 9 + 10 / 19), atol=1e-12)


def test_logistic_regression_ends_where_the_gradient_of_its_objective_is_zero(digits):
    """X'(softmax(XW' + b) - Y) + W/C = 0, and for b without the penalty; its terms are of size 10."""
    train_x, train_y, _, _ = digits
    x, target, strength = train_x.reshape(900, -1).astype(float), np.eye(10)[train_y], 5.0
    fitted = LogisticRegression(C=1 / strength).estimator().fit(x, train_y)
    error = softmax(x @ fitted.coef_.T + fitted.intercept_, axis=1) - target
    assert np.abs(strength * fitted.coef_).max() > 5
    assert np.abs(error.T @ x + strength * fitted.coef_).max() < 0.3
    assert np.abs(error.sum(0)).max() < 0.3


@pytest.mark.parametrize("baseline", [KNearestNeighbours(n_neighbors=21), SupportVectorMachine()], ids=["knn", "svm"])
def test_a_training_set_too_small_is_the_users_error_in_one_line(baseline, digits):
    train_x, train_y, x, _ = digits
    with pytest.raises(UserError, match=r"the 20 training examples .*raise data\.train_size") as error:
        fit_predict(baseline.estimator(), train_x[:20], train_y[:20], {"test": x}, classes=10)
    assert len(error.value.lines) == 1
    assert "\n" not in error.value.lines[0]


def test_reading_the_settings_does_not_import_scikit_learn():
    modules = ", ".join(
        f"reglab.experiments.baselines.methods.{type(baseline).__module__.split('.')[-1]}" for baseline in ALL
    )
    program = f"import sys, {modules}; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
