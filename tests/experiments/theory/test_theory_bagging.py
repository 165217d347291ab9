"""Closed forms against enumeration of every case, the simulations against both, boosting against a version by hand."""

from itertools import product

import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier
from sklearn.tree import DecisionTreeClassifier

from reglab.core import figures
from reglab.experiments.theory.topics.bagging import (
    RESAMPLES,
    SURE,
    TRIALS,
    Bagging,
    averaged_errors,
    boosted_stumps,
    boosting_bound,
    distinct_share,
    distinct_std,
    times_drawn,
    variance_of_mean,
    vote_error,
    voted_errors,
)


@pytest.mark.parametrize("members", [1, 2, 5, 12])
def test_the_variance_of_the_mean_is_the_quadratic_form_of_the_covariance_matrix(members):
    covariance = np.full((members, members), 0.7) + (2.0 - 0.7) * np.eye(members)
    share = np.full(members, 1 / members)
    assert variance_of_mean(members, 2.0, 0.7) == pytest.approx(share @ covariance @ share, abs=1e-14)


def test_perfectly_correlated_members_gain_nothing_and_independent_ones_all():
    assert variance_of_mean(8, 3.0, 3.0) == pytest.approx(3.0) and variance_of_mean(8, 3.0, 0.0) == pytest.approx(3 / 8)


@pytest.mark.parametrize("members", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("correlation", [0.0, 0.25, 1.0])
def test_the_error_of_the_vote_is_the_sum_over_all_outcomes(members, correlation):
    error, expected = 0.3, 0.0
    for wrong in product((0, 1), repeat=members):
        alone = np.prod([error if one else 1 - error for one in wrong])
        together = (error if wrong[0] else 1 - error) if len(set(wrong)) == 1 else 0.0
        mistake = (np.sign(np.mean(wrong) - 0.5) + 1) / 2
        expected += mistake * (correlation * together + (1 - correlation) * alone)
    assert vote_error(members, error, correlation) == pytest.approx(expected, abs=1e-14)


def test_two_simulated_voters_are_wrong_together_as_often_as_the_correlation_says():
    error, correlation = 0.3, 0.4
    together = correlation * error * (1 - error) + error**2
    share = (voted_errors(2, error, correlation)[:, 1] == 1).mean()
    assert abs(share - together) < SURE * np.sqrt(together * (1 - together) / TRIALS)


@pytest.mark.parametrize("examples", [2, 3, 5])
def test_the_share_of_distinct_examples_is_the_mean_over_all_samples(examples):
    shares = [len(set(sample)) / examples for sample in product(range(examples), repeat=examples)]
    assert distinct_share(examples) == pytest.approx(np.mean(shares), abs=1e-14)
    assert distinct_std(examples) == pytest.approx(np.std(shares), abs=1e-12)


def test_a_bootstrap_sample_holds_63_2_percent_of_the_examples_and_leaves_out_36_8():
    assert distinct_share(10**6) == pytest.approx(0.632, abs=5e-4) and 1 - distinct_share(900) == pytest.approx(
        0.368, abs=5e-4
    )


def test_every_bootstrap_sample_has_as_many_draws_as_examples():
    assert (times_drawn(40).sum(1) == 40).all() and times_drawn(40).shape == (RESAMPLES, 40)


def test_scikit_learns_bagging_sees_the_same_share_of_distinct_examples():
    inputs = np.arange(500.0)[:, None]
    ensemble = BaggingClassifier(DecisionTreeClassifier(max_depth=1), n_estimators=100, random_state=0)
    members = ensemble.fit(inputs, inputs[:, 0] > 250).estimators_samples_
    share = np.mean([len(np.unique(rows)) / 500 for rows in members])
    assert abs(share - distinct_share(500)) < SURE * distinct_std(500) / 100**0.5


def test_the_tolerance_of_the_simulation_refuses_a_correlation_that_is_off_by_a_twentieth():
    simulated = np.square(averaged_errors(25, 0.3))[:, -1].mean()
    for correlation, accepted in ((0.3, True), (0.35, False), (0.25, False)):
        closed = variance_of_mean(25, 1.0, correlation)
        assert (abs(simulated - closed) < SURE * closed * (2 / TRIALS) ** 0.5) == accepted
    votes = voted_errors(25, 0.3, 0.3)[:, -1].mean()
    assert abs(votes - vote_error(25, 0.3, 0.35)) > SURE * np.sqrt(votes * (1 - votes) / TRIALS)


def test_scikit_learns_boosting_makes_the_errors_of_the_algorithm_by_hand():
    errors, votes, truth = boosted_stumps(20)
    weights = np.full(len(truth), 1 / len(truth))
    for error, vote in zip(errors, votes, strict=True):
        wrong = vote != truth
        assert error == pytest.approx(weights[wrong].sum(), abs=1e-10)
        weights = weights * np.sqrt((1 - error) / error) ** (-vote * truth)
        weights /= weights.sum()


def test_the_bound_falls_with_every_member_better_than_chance_and_only_then():
    assert boosting_bound(np.array([0.5, 0.5])) == pytest.approx([1, 1])
    assert (np.diff(boosting_bound(np.array([0.4, 0.1, 0.45]))) < 0).all()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"members": 2, "correlation": 0.0, "error": 0.999, "examples": 2, "boosting_rounds": 1},
        {"members": 100, "correlation": 1.0, "error": 0.001, "examples": 5000, "boosting_rounds": 10},
    ],
)
def test_every_check_holds(settings):
    finding = Bagging(**settings).run()
    assert finding.checks and all(check.passed for check in finding.checks), finding.checks
    assert all(np.isfinite(value) for value in finding.numbers.values())


def test_the_same_settings_give_the_same_numbers_and_the_same_picture():
    one, other = (Bagging(boosting_rounds=5).run() for _ in range(2))
    assert one.numbers == other.numbers and one.checks == other.checks
    assert figures.svg(one.figure) == figures.svg(other.figure)


def test_the_three_shares_of_the_bootstrap_add_up_and_bagging_beats_its_trees():
    numbers = Bagging(boosting_rounds=5).run().numbers
    shares = [numbers[f"share_{name}"] for name in ("left_out", "drawn_once", "drawn_more_than_once")]
    assert sum(shares) == pytest.approx(1, abs=1e-12)
    assert numbers["tree_squared_error_bagged"] < 0.7 * numbers["tree_squared_error_one"]
