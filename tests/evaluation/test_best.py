"""The set of recipes that cannot be distinguished from the best: by hand, and how often it holds the truly best."""

import numpy as np
import pytest

from reglab.evaluation.best import behind_the_best, leads_over, p_no_worse


def p_values(values: np.ndarray) -> np.ndarray:
    return p_no_worse(leads_over(values), len(values))


def test_the_p_value_is_one_sided_and_times_the_recipes_that_might_have_led():
    """Four seeds, all of them behind: one of 16 sign patterns, so 1/16 times the 2 others; three of four: 2/16 (by hand)."""
    leader = np.array([4.0, 4.0, 4.0, 4.0])
    behind, mixed = leader - [1, 1, 1, 1], leader - [3, 2, 2, -1]
    # sums of ±3 ±2 ±2 ±1 of at least 6: 8 (+ + + +) and 6 (+ + + -)
    assert p_values(np.stack([behind, leader, mixed])) == pytest.approx([2 / 16, 1.0, 2 * 2 / 16])


def test_of_two_recipes_one_other_might_have_led():
    leader = np.array([4.0, 4.0, 4.0, 4.0])
    assert p_values(np.stack([leader, leader - 1])) == pytest.approx([1.0, 1 / 16])


def test_what_is_worse_for_certain_is_excluded_and_overlapping_intervals_do_not_decide():
    """Seeds spread by 10 and all recipes move with them, so that every interval of a mean overlaps every other."""
    seeds = np.random.default_rng(0).normal(0, 10, 11)
    values = {"best": seeds + 1, "close": seeds + 0.99 + 0.1 * (np.arange(11) - 5), "worse": seeds}
    rows = behind_the_best(values, "test_accuracy", 0.95)
    assert {name: row["excluded"] for name, row in rows.items()} == {"best": False, "close": False, "worse": True}
    assert {row["leader"] for row in rows.values()} == {"best"}
    assert (rows["worse"]["difference"], rows["worse"]["low"]) == pytest.approx((1.0, 1.0))
    assert rows["best"]["difference"] == 0.0 and rows["best"]["p"] == 1.0


def test_where_less_is_better_the_lowest_leads():
    values = {"low": np.zeros(11), "high": np.ones(11) + 0.1 * np.arange(11)}
    rows = behind_the_best(values, "test_nll", 0.95)
    assert rows["high"]["leader"] == "low" and rows["high"]["excluded"] and rows["high"]["difference"] > 0
    assert behind_the_best({}, "test_accuracy", 0.95) == {}


@pytest.mark.parametrize("worse", [0, 3, 6], ids=["all tied", "five tied", "two tied"])
def test_the_truly_best_stays_inside_in_95_percent_of_studies(worse):
    """Eight recipes, some clearly worse, the others tied; 2,000 studies at 5 % exceed 6.7 % in 1 of 2,000."""
    random, seeds, leads = np.random.default_rng(worse), 11, []
    means = np.r_[np.zeros(8 - worse), np.full(worse, -5.0)][:, None]
    for _ in range(2_000):
        values = means + random.normal(0, 1, (8, seeds)) + random.normal(0, 3, seeds)
        leads.append(leads_over(values)[0])
    assert np.mean(p_no_worse(np.array(leads), 8) <= 0.05) <= 0.067


def test_the_set_is_small_where_the_best_is_clearly_ahead():
    values = np.random.default_rng(3).normal(0, 1, (8, 11)) + np.r_[4.0, np.zeros(7)][:, None]
    assert (p_values(values) > 0.05).tolist() == [True] + [False] * 7
