"""The set of recipes that cannot be told from the best: by hand, by brute force, and how often it holds the truly best."""

from itertools import product

import numpy as np
import pytest
import scipy.stats
from seeds import seeds_of_record

from reglab.evaluation.best import behind_the_best, best_set, p_no_other_is_better, sign_patterns, values_of_sound

# 2,000 studies that reject the best with probability 0.05 reject it in more than 0.067 of them once in 2,000 times
STUDIES, BOUND = 2_000, 0.067


def p_values(gains: np.ndarray) -> list[float]:
    return [p_no_other_is_better(gains, place) for place in range(len(gains))]


def test_the_p_value_counts_the_sign_patterns_by_hand():
    """All of four seeds behind: the observed pattern alone, 1/16. Three of four, by 3 2 2 and -1: sums of at least 6 are
    those of + + + + (8) and + + + - (6), 2/16; against one other recipe the norm is the same for all patterns."""
    leader = np.array([4.0, 4.0, 4.0, 4.0])
    assert p_values(np.stack([leader, leader - 1])) == [1.0, 1 / 16]
    assert p_values(np.stack([leader, leader - [3, 2, 2, -1]])) == [1.0, 2 / 16]


@pytest.mark.parametrize("seeds", [4, 5, 6, 7])
def test_the_p_value_is_that_of_the_largest_student_t_over_all_patterns(seeds):
    """Brute force: SciPy's t test for each of the 2^n patterns and each other recipe."""
    gains = np.random.default_rng(seeds).normal(0, [[1.0], [0.1], [3.0], [1.0]], (4, seeds)).round(6)
    for place in range(4):
        others = np.delete(gains, place, axis=0) - gains[place]
        patterns = np.array(list(product([1.0, -1.0], repeat=seeds)))  # the observed one first
        t = scipy.stats.ttest_1samp(patterns[:, None] * others, 0.0, axis=2).statistic.max(axis=1)
        expected = np.mean(t >= t[0] - 1e-9) if t[0] > 0 else 1.0
        assert p_no_other_is_better(gains, place) == expected


def test_of_two_recipes_it_is_the_one_sided_permutation_test_of_scipy():
    gains = np.random.default_rng(1).normal(0, 1, (2, 9))
    lead = gains[1] - gains[0]
    test = scipy.stats.permutation_test((lead,), np.mean, permutation_type="samples", alternative="greater")
    assert p_no_other_is_better(gains, 0) == (test.pvalue if lead.mean() > 0 else 1.0)


def test_beyond_16_seeds_random_patterns_give_nearly_the_p_value_of_all():
    """17 seeds, two recipes, 2^17 patterns; the error of 99,999 random ones is 0.0007, of which 5 are allowed."""
    lead = np.random.default_rng(2).normal(0.4, 1, 17)
    every = (np.arange(2**17)[:, None] >> np.arange(17)) & 1
    exact = np.mean((1.0 - 2.0 * every) @ lead >= lead.sum() - 1e-9)
    assert 0.01 < exact < 0.2
    assert p_no_other_is_better(np.stack([np.zeros(17), lead]), 0) == pytest.approx(exact, abs=0.0035)
    assert sign_patterns(17).shape == (17, 99_999) and (sign_patterns(17)[:, 0] == 1).all()


def test_the_order_of_recipes_and_what_all_seeds_share_change_nothing():
    gains = np.random.default_rng(3).normal(0, 1, (6, 8)).round(3)
    shared = np.random.default_rng(4).normal(0, 9, 8).round(3)
    assert p_values(gains + shared) == p_values(gains) == p_values(gains[::-1])[::-1]


def test_four_seeds_leave_out_nothing_and_five_may():
    gains = np.r_[np.ones((1, 5)), np.zeros((29, 5))] + 0.01 * np.random.default_rng(0).normal(0, 1, (30, 5))
    assert min(p_values(gains[:, :4])) > 0.05
    assert [p <= 0.05 for p in p_values(gains)] == [False] + [True] * 29


def test_equal_recipes_are_all_in_the_set():
    rows = behind_the_best({name: np.full(11, 0.9) for name in "abc"}, "test_accuracy", 0.95)
    assert {row["p"] for row in rows.values()} == {1.0}
    alone = behind_the_best({"a": np.arange(11.0)}, "test_accuracy", 0.95)
    assert (alone["a"]["p"], alone["a"]["excluded"]) == (1.0, False)
    assert behind_the_best({}, "test_accuracy", 0.95) == {} and best_set({}, 0.95) is None


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


def test_what_diverged_fails_a_check_or_was_not_measured_cannot_be_the_best():
    records = {
        name: {"seeds": seeds_of_record(5, diverged=[3] * (name == "diverged"), test_accuracy=0.9)}
        for name in ("sound", "diverged", "wrong")
    }
    records["unmeasured"] = {"seeds": seeds_of_record(5, test_nll=0.3)}
    records["undefined"] = {"seeds": seeds_of_record(5, test_accuracy=np.r_[0.9, 0.9, np.nan, 0.9, 0.9])}
    values = values_of_sound(records, {"wrong"}, "test_accuracy")
    assert {name: numbers.tolist() for name, numbers in values.items()} == {"sound": [0.9] * 5}


def test_the_cheapest_of_the_set_is_named_and_what_is_cheaper_but_worse_is_not():
    def row(difference: float, cost: float | None, excluded: bool = False) -> dict:
        return {"behind_best": {"leader": "a", "difference": difference, "excluded": excluded}, "cost": cost}

    rows = {"b": row(0.2, 1.0), "a": row(0.0, 6.0), "c": row(0.1, 1.0), "d": row(0.3, 0.1, excluded=True)}
    rows |= {"unknown": row(0.05, None), "diverged": {"behind_best": None, "cost": 0.1}}
    assert best_set(rows, 0.95) == {
        "leader": "a",
        "members": ["a", "unknown", "c", "b"],
        "cheapest": "c",
        "compared": 5,
        "confidence": 0.95,
    }
    assert best_set({"a": row(0.0, None)}, 0.95)["cheapest"] is None


NORMAL = {  # means of 30 recipes, the first the best, and their spreads
    "all equal": (np.zeros(30), 1.0),
    "half a little worse": (np.repeat([0.0, -0.3], 15), 1.0),
    "half much worse": (np.repeat([0.0, -5.0], 15), 1.0),
    "the best varies most": (np.zeros(30), np.r_[3.0, np.ones(29)]),
    "the best varies least": (np.zeros(30), np.r_[0.1, np.linspace(0.1, 3, 29)]),
    "two recipes": (np.zeros(2), np.array([1.0, 2.0])),
}


def share_that_leave_out_the_best(study) -> float:
    """`study`: random numbers -> gains (recipes, seeds) whose first recipe is as good as any other."""
    random = np.random.default_rng(0)
    return float(np.mean([p_no_other_is_better(study(random), 0) <= 0.05 for _ in range(STUDIES)]))


@pytest.mark.parametrize("seeds", [5, 6, 11])
@pytest.mark.parametrize("case", NORMAL)
def test_the_truly_best_is_inside_in_95_percent_of_studies(case, seeds):
    """Seeds that all recipes share, some more than others, and noise of their own."""
    means, spreads = (np.broadcast_to(numbers, len(NORMAL[case][0]))[:, None] for numbers in NORMAL[case])
    loads = np.linspace(2, 4, len(means))[:, None]

    def study(random):
        return means + loads * random.normal(0, 1, seeds) + spreads * random.normal(0, 1, (len(means), seeds))

    assert share_that_leave_out_the_best(study) <= BOUND


@pytest.mark.parametrize("accuracy", [0.9, 0.98, 0.995])
@pytest.mark.parametrize("seeds", [6, 11])
def test_accuracies_of_100_examples_with_many_ties_keep_the_best_inside(accuracy, seeds):
    assert share_that_leave_out_the_best(lambda random: random.binomial(100, accuracy, (30, seeds)) / 100) <= BOUND


def test_a_bad_seed_now_and_then_keeps_the_best_inside():
    """Errors that are skewed, as where a training fails: exponential, equal for all."""
    assert share_that_leave_out_the_best(lambda random: -random.exponential(1, (30, 11))) <= BOUND


@pytest.mark.parametrize(("seeds", "behind"), [(7, 5.0), (11, 3.0)])
def test_many_recipes_that_are_clearly_worse_are_left_out(seeds, behind):
    """Nearly each of them, where they are so many spreads of a seed behind; one by one times 30 needs more than 9 seeds."""
    random, left_out = np.random.default_rng(5), []
    for _ in range(20):
        gains = random.normal(0, 1, (30, seeds)) - np.r_[0.0, np.full(29, behind)][:, None]
        left_out += [p <= 0.05 for p in p_values(gains)[1:]]
    assert np.mean(left_out) >= 0.95
