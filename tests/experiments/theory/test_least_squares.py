"""Least squares and ridge against NumPy, SciPy, scikit-learn and hand-made cases, well posed and ill-posed."""

import numpy as np
import pytest
import scipy.linalg
from scipy.stats import multivariate_normal
from sklearn.linear_model import LinearRegression, Ridge

from reglab.core import figures
from reglab.core.errors import UserError
from reglab.experiments.theory.topics.least_squares import (
    STRENGTHS,
    LeastSquares,
    diabetes,
    distances,
    drawn,
    posterior,
    ridge_inverse,
    solve,
)

SHAPES = {"full rank": (30, 6, 6), "square": (6, 6, 6), "few examples": (5, 12, 5), "dependent": (30, 8, 3)}


def problem(kind):
    """Inputs of the rank that is asked for, and targets that no weights fit exactly unless n <= rank."""
    n, p, rank = SHAPES[kind]
    random = np.random.default_rng(7)
    inputs = random.normal(size=(n, p))
    if rank < min(n, p):
        inputs = inputs[:, :rank] @ random.normal(size=(rank, p))
    return inputs, random.normal(size=n)


@pytest.fixture(scope="module")
def finding():
    return LeastSquares().run()


@pytest.mark.parametrize("kind", SHAPES)
def test_without_a_penalty_it_is_numpys_lstsq_at_every_rank(kind):
    inputs, targets = problem(kind)
    theirs, _, rank, _ = np.linalg.lstsq(inputs, targets)
    ours = solve(inputs, targets)
    assert ours.rank == rank == SHAPES[kind][2]
    assert np.abs(ours.weights - theirs).max() < 1e-10 * np.abs(theirs).max()


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("strength", [1e-3, 1.0, 1e5])
def test_ridge_is_scikit_learns_and_the_lectures_closed_form(kind, strength):
    inputs, targets = problem(kind)
    ours = solve(inputs, targets, strength).weights
    theirs = Ridge(strength, fit_intercept=False, solver="cholesky", tol=0).fit(inputs, targets).coef_
    assert np.abs(ours - theirs).max() < 1e-8 * np.abs(ours).max()
    assert np.abs(ours - ridge_inverse(inputs, strength) @ targets).max() < 1e-8 * np.abs(ours).max()


def test_on_well_posed_centred_data_it_is_linear_regression_with_a_free_bias():
    inputs, targets = diabetes(1)
    theirs = LinearRegression().fit(inputs, targets).coef_
    assert np.abs(solve(inputs, targets - targets.mean()).weights - theirs).max() < 1e-10 * np.abs(theirs).max()


@pytest.mark.parametrize("kind", ["few examples", "dependent"])
def test_of_all_solutions_the_shortest_is_returned(kind):
    inputs, targets = problem(kind)
    weights = solve(inputs, targets).weights
    for direction in scipy.linalg.null_space(inputs).T:
        other = weights + 0.1 * direction
        assert np.abs(inputs @ other - inputs @ weights).max() < 1e-12
        assert np.linalg.norm(other) > np.linalg.norm(weights)


def test_two_equal_columns_share_the_weight_that_one_would_have_had():
    inputs, targets = problem("full rank")
    alone = solve(inputs, targets).weights
    doubled = solve(np.column_stack([inputs, inputs[:, -1]]), targets)
    assert np.abs(doubled.weights - [*alone[:-1], alone[-1] / 2, alone[-1] / 2]).max() < 1e-12
    assert doubled.words.startswith("ill-posed: rank 6 < p = 7;")


def test_the_words_say_why_a_problem_is_ill_posed():
    said = {kind: solve(*problem(kind)).words for kind in SHAPES}
    assert said["full rank"] == said["square"] == "well posed: rank 6 = p"
    shortest = "; of infinitely many solutions this is the shortest"
    assert said["few examples"] == "ill-posed: n = 5 < p = 12, rank 5" + shortest
    assert said["dependent"] == "ill-posed: rank 3 < p = 8" + shortest
    nearly = np.array([[1.0, 1], [1, 1 + 1e-9], [0, 0]])
    assert solve(nearly, np.ones(3)).words.endswith("condition 4e+09: XᵀX has no inverse in double precision")


def test_inputs_that_are_all_zero_have_weights_zero_and_rank_zero():
    answer = solve(np.zeros((4, 2)), np.ones(4))
    assert answer.rank == 0 and not answer.weights.any() and answer.words.startswith("ill-posed: rank 0 < p = 2")


def test_sex_squared_says_nothing_new_about_real_patients():
    inputs, _ = diabetes(2)
    assert inputs.shape == (442, 65) and np.linalg.matrix_rank(inputs) == 64
    sex = diabetes(1)[0][:, 1]
    square = inputs[:, 10 + 10]  # after the ten features and the ten products with age
    assert np.abs(np.abs(square) - np.abs(sex)).max() < 1e-12


@pytest.mark.parametrize("kind", SHAPES)
def test_the_distance_to_the_pseudo_inverse_has_its_closed_form_and_ends_at_rounding(kind):
    inputs, _ = problem(kind)
    smallest = scipy.linalg.svdvals(inputs)[SHAPES[kind][2] - 1]
    wanted = STRENGTHS / (smallest**2 + STRENGTHS)
    stable, formula = distances(inputs)
    above = wanted > 1e-8
    assert np.abs(stable / wanted - 1)[above].max() < 1e-5
    assert (stable[~above] < 1.1e-8).all() and stable[0] < 1e-13
    assert np.nanmin(np.abs(formula / wanted - 1)) < 1e-6


def test_the_formula_as_written_says_that_it_has_lost_the_inverse():
    inputs, _ = problem("dependent")
    with pytest.raises(UserError, match=r"found 1e-30, where .* no inverse in double precision; take a larger one"):
        ridge_inverse(inputs, 1e-30)
    assert np.isfinite(solve(inputs, np.ones(30), 1e-30).weights).all()
    assert np.isnan(distances(inputs)[1][0]) and not np.isnan(distances(inputs)[0]).any()


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize(("noise", "prior"), [(1.0, 1.0), (0.1, 3.0), (40.0, 0.5)])
def test_ridge_at_noise_over_prior_variance_is_the_posterior_mean(kind, noise, prior):
    inputs, targets = problem(kind)
    mean, covariance = posterior(inputs, targets, noise, prior)
    assert np.abs(solve(inputs, targets, noise / prior).weights - mean).max() < 1e-8
    precision = inputs.T @ inputs / noise + np.eye(inputs.shape[1]) / prior
    assert np.abs(covariance @ precision - np.eye(len(mean))).max() < 1e-10


def test_the_posterior_is_prior_times_likelihood_up_to_a_constant():
    inputs, targets = problem("few examples")
    noise, prior = 0.3, 2.0
    believed = multivariate_normal(*posterior(inputs, targets, noise, prior))
    places = np.random.default_rng(1).normal(size=(20, inputs.shape[1]))
    before = multivariate_normal(np.zeros(inputs.shape[1]), prior * np.eye(inputs.shape[1])).logpdf(places)
    seen = [multivariate_normal(inputs @ place, noise * np.eye(len(targets))).logpdf(targets) for place in places]
    assert np.ptp(believed.logpdf(places) - before - seen) < 1e-9


@pytest.mark.parametrize(
    ("inputs", "targets", "strength", "line"),
    [
        (np.array([[1.0, 2], [np.nan, 4]]), np.ones(2), 0.0, r"inputs: found 1 not finite, the first in row 1"),
        (np.eye(3), np.array([1.0, 2, np.inf]), 0.0, r"targets: found 1 not finite, the first in row 2"),
        (np.eye(3), np.ones(3), -0.1, r"strength: found -0\.1; allowed: a finite number of at least 0"),
        (np.eye(3), np.ones(3), np.nan, r"strength: found nan"),
        (np.eye(3), np.ones(2), 0.0, r"found inputs \(3, 3\) and targets \(2,\)"),
        (np.ones(3), np.ones(3), 0.0, r"found inputs \(3,\)"),
        (np.ones((0, 3)), np.ones(0), 0.0, r"found inputs \(0, 3\)"),
    ],
)
def test_bad_input_is_refused_in_one_line(inputs, targets, strength, line):
    with pytest.raises(UserError, match=line) as caught:
        solve(inputs, targets, strength)
    assert len(caught.value.lines) == 1 and "\n" not in str(caught.value)


def test_held_out_patients_take_no_part_in_the_means():
    inputs, targets = diabetes(1)
    x, y, held, wanted = drawn(inputs, targets, 40, 3)
    assert np.abs(x.mean(0)).max() < 1e-12 and abs(y.mean()) < 1e-12
    assert (len(x), len(held)) == (40, 402) and abs(wanted.mean()) > 1e-3
    assert np.abs(drawn(inputs, targets + 5, 40, 3)[3] - wanted).max() < 1e-10


def test_the_topic_holds_its_checks_and_its_numbers_are_finite(finding):
    assert not [check for check in finding.checks if not check.passed]
    assert all(isinstance(value, float) and np.isfinite(value) for value in finding.numbers.values())
    assert [finding.numbers[f"{name}_rank"] for name in ("full_rank", "dependent", "few_patients")] == [10, 64, 39]


def test_few_patients_need_the_penalty(finding):
    shortest, ridge = (finding.numbers[f"held_out_error_of_{which}"] for which in ("pseudo_inverse", "ridge"))
    assert shortest > finding.numbers["variance_of_targets"] > ridge


def test_the_checks_hold_at_the_far_end_of_the_ranges():
    assert not [check for check in LeastSquares(degree=3, patients=60).run().checks if not check.passed]


def test_the_topic_is_deterministic_down_to_its_figure(finding):
    again = LeastSquares().run()
    assert again.numbers == finding.numbers and again.checks == finding.checks
    assert figures.svg(again.figure) == figures.svg(finding.figure)
