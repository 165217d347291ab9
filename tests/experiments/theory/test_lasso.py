"""The lasso against scikit-learn, subgradients and closed forms; the lecture's equation; the dropping of noise inputs."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso as Theirs
from sklearn.linear_model import LogisticRegression

from reglab.core import figures
from reglab.core.errors import UserError
from reglab.experiments.theory.topics.lasso import (
    Lasso,
    chances,
    lasso,
    noisy_digits,
    smallest_l1,
    universal_threshold,
    violation,
)


@pytest.fixture(scope="module")
def finding():
    return Lasso().run()


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(5)
    inputs = random.normal(size=(60, 8)) @ (np.eye(8) + 0.4)
    return inputs, inputs[:, :2] @ [2.0, -1.0] + random.normal(size=60)


def objective(inputs, targets, weights, strength):
    return np.square(targets - inputs @ weights).mean() / 2 + strength * np.abs(weights).sum()


def test_the_lectures_equation_has_its_two_answers(finding):
    result = finding.numbers
    assert (result["smallest_l1_first_weight"], result["smallest_l1_second_weight"]) == pytest.approx(
        (0.5, 0), abs=1e-12
    )
    dense = (result["smallest_l2_first_weight"], result["smallest_l2_second_weight"])
    assert dense == pytest.approx((50 / 101, 5 / 101), abs=1e-12)


def test_both_answers_are_the_limits_of_a_vanishing_penalty():
    equation, right = np.array([[10.0, 1.0]]), np.array([5.0])
    strengths = np.array([1, 0.1, 0.001])
    result = lasso(equation, right, strengths)
    assert np.abs(result[:, 0] - (0.5 - strengths / 100)).max() < 1e-9 and not result[:, 1].any()
    ridge = np.linalg.solve(equation.T @ equation + 1e-9 * np.eye(2), equation.T @ right)
    assert np.abs(ridge - np.array([50, 5]) / 101).max() < 1e-7


@pytest.mark.parametrize("size", [2, 3, 10, 50])
def test_the_least_l1_norm_of_one_equation_is_the_dual_norm_and_takes_one_weight(size):
    equation = np.random.default_rng(size).normal(size=(1, size))
    weights = smallest_l1(equation, np.array([3.0]))
    assert abs(np.abs(weights).sum() - 3 / np.abs(equation).max()) < 1e-9
    assert abs(equation @ weights - 3) < 1e-9 and np.count_nonzero(np.abs(weights) > 1e-9) == 1


def test_not_always_sparse_a_line_along_an_edge_has_dense_answers_of_least_norm():
    weights = smallest_l1(np.array([[5.0, 5.0]]), np.array([5.0]))
    assert abs(np.abs(weights).sum() - np.abs([0.5, 0.5]).sum()) < 1e-9


def test_several_equations_take_at_most_as_many_weights():
    random = np.random.default_rng(2)
    equations, right = random.normal(size=(6, 40)), random.normal(size=6)
    weights = smallest_l1(equations, right)
    assert np.abs(equations @ weights - right).max() < 1e-9 and np.count_nonzero(np.abs(weights) > 1e-9) <= 6
    shortest = np.linalg.lstsq(equations, right)[0]
    assert np.abs(weights).sum() < np.abs(shortest).sum() and (shortest != 0).all()


def test_the_path_is_scikit_learns(data):
    strengths = np.geomspace(2, 1e-3, 12)
    result = lasso(*data, strengths)
    for strength, weights in zip(strengths, result, strict=True):
        theirs = Theirs(strength, fit_intercept=False, tol=1e-13, max_iter=10**6).fit(*data).coef_
        assert np.abs(weights - theirs).max() < 1e-6 and ((weights == 0) == (theirs == 0)).all()


def test_more_features_than_examples_are_no_obstacle():
    random = np.random.default_rng(9)
    inputs, targets = random.normal(size=(10, 30)), random.normal(size=10)
    theirs = Theirs(0.1, fit_intercept=False, tol=1e-13, max_iter=10**6).fit(inputs, targets).coef_
    result = lasso(inputs, targets, [0.1])[0]
    assert np.abs(result - theirs).max() < 1e-6 and np.count_nonzero(result) <= 10


def test_strength_zero_is_least_squares(data):
    assert np.abs(lasso(*data, [0.0])[0] - np.linalg.lstsq(*data)[0]).max() < 1e-8


def test_no_step_away_from_the_answer_lowers_the_objective(data):
    weights = lasso(*data, [0.2])[0]
    lowest = objective(*data, weights, 0.2)
    for step in np.random.default_rng(0).normal(size=(300, 8)) * np.geomspace(1e-5, 1, 300)[:, None]:
        assert objective(*data, weights + step, 0.2) >= lowest - 1e-12


def test_violation_is_zero_at_the_answer_and_sees_every_kind_of_fault(data):
    inputs, targets = data
    weights = lasso(inputs, targets, [0.3])[0]
    assert (weights == 0).any()

    def of(weights):
        return violation(weights, inputs.T @ (targets - inputs @ weights) / len(inputs), 0.3)

    assert of(weights) < 1e-9
    active, idle = np.flatnonzero(weights)[0], np.flatnonzero(weights == 0)[0]
    for place, value in ((active, weights[active] + 0.01), (active, 0.0), (idle, 0.01), (idle, -0.01)):
        other = weights.copy()
        other[place] = value
        assert of(other) > 1e-3


def test_orthonormal_inputs_are_soft_thresholded():
    inputs = np.linalg.qr(np.random.default_rng(4).normal(size=(50, 5)))[0] * 50**0.5
    targets = inputs @ [3.0, -2.0, 0.5, 0.05, 0.0]
    assert np.abs(lasso(inputs, targets, [0.4])[0] - [2.6, -1.6, 0.1, 0, 0]).max() < 1e-9


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: lasso(np.array([[1.0], [np.nan]]), np.ones(2), [0.1]), "inputs: found 1 not finite"),
        (lambda: lasso(np.ones((2, 1)), np.array([1, np.inf]), [0.1]), "targets: found 1 not finite"),
        (lambda: lasso(np.ones((2, 1)), np.ones(2), [0.1, -0.5]), "strengths: found -0.5; allowed: at least 0"),
        (lambda: lasso(np.ones((2, 1)), np.ones(2), [np.nan]), "strengths: found 1 not finite"),
        (lambda: smallest_l1(np.array([[np.nan, 1]]), np.ones(1)), "equations: found 1 not finite"),
        (lambda: smallest_l1(np.ones((2, 2)), np.array([1.0, 2.0])), "equations: found none that solves them all"),
    ],
)
def test_bad_input_is_refused_in_one_line(call, line):
    with pytest.raises(UserError) as caught:
        call()
    assert str(caught.value).startswith(f"lasso: {line}") and len(caught.value.lines) == 1


def test_chance_correlations_hardly_ever_exceed_the_universal_threshold():
    random = np.random.default_rng(6)
    over = 0
    for _ in range(200):
        inputs, target = random.normal(size=(100, 50)), random.normal(size=100)
        largest = np.abs((inputs / inputs.std(0)).T @ (target / target.std()) / 100).max()
        over += largest > universal_threshold(100, 50)
    assert over / 200 < 2 / np.sqrt(2 * np.pi * 2 * np.log(50)) + 0.1  # the union bound, Gaussian tails, and chance


def test_the_noise_looks_like_ink_and_is_unrelated_to_the_class():
    inputs, labels, held, wanted = noisy_digits(1000, 128)
    assert inputs.shape == (1000, 192) and held.shape == (797, 192) and (len(labels), len(wanted)) == (1000, 797)
    assert (
        np.abs(inputs.mean(0)).max() < 1e-10
        and np.abs(inputs.std(0)[64:] - 1).max() < 0.05 + (inputs.std(0)[64:] == 0).any()
    )
    classifier = LogisticRegression(max_iter=300)
    assert classifier.fit(inputs[:, 64:], labels).score(held[:, 64:], wanted) < 0.2
    assert classifier.fit(inputs[:, :64], labels).score(held[:, :64], wanted) > 0.9


def test_l1_drops_the_noise_pixels_and_l2_none(finding):
    result = finding.numbers
    assert result["l1_precision"] == 1 and result["l1_noise_pixels_kept"] == 0 and result["l1_recall"] > 0.6
    assert result["l2_noise_pixels_kept"] > 180 and result["l2_precision"] < 0.25
    assert result["l1_accuracy_refitted"] > result["least_squares_accuracy"] + 0.05


def test_a_zero_is_rare_in_two_dimensions_and_nearly_certain_in_many(finding):
    assert finding.numbers["chance_of_a_zero_among_2"] < 0.2 and finding.numbers["chance_of_a_zero_among_64"] > 0.99
    _, checks = chances(strength=0.01)
    assert checks[0].passed and checks[1].passed


def test_l1_has_exact_zeros_and_l2_none(finding):
    assert finding.numbers["share_of_zeros_on_l1_path"] > 0.2 and finding.numbers["share_of_zeros_on_l2_path"] == 0


@pytest.mark.parametrize("entry", [{}, {"examples": 400, "noise_pixels": 256}, {"examples": 1500, "noise_pixels": 1}])
def test_the_topic_holds_its_checks_over_its_ranges(entry, finding):
    result = Lasso(**entry).run() if entry else finding
    assert not [check for check in result.checks if not check.passed]
    assert all(isinstance(value, float) and np.isfinite(value) for value in result.numbers.values())


def test_the_topic_is_deterministic_down_to_its_figure(finding):
    again = Lasso().run()
    assert again.numbers == finding.numbers and again.checks == finding.checks
    assert figures.svg(again.figure) == figures.svg(finding.figure)
