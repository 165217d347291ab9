"""Planned looks: their sizes, p-values over several looks, intervals that agree with verdicts."""

import numpy as np
import pytest
from scipy import stats

from reglab.evaluation import statistics
from reglab.evaluation.judgement import PairedComparison, judge
from reglab.evaluation.leave_one_out import names, p_without_each
from reglab.evaluation.looks import Looks

LOOKS = Looks(first=11, most=44)
RULE = {"confidence": 0.95, "relevant_difference": 0.005}


@pytest.mark.parametrize(
    ("schedule", "sizes"),
    [
        ((11, 44), (11, 22, 44)),
        ((11, 44, 2), (11, 44)),
        ((11, 13), (11, 12, 13)),
        ((2, 3, 2), (2, 3)),
        ((5, 80, 5), (5, 10, 20, 40, 80)),
        ((2, 11, 10), (2, 3, 4, 5, 6, 7, 8, 9, 10, 11)),
    ],
)
def test_the_seeds_of_the_looks_grow_by_about_the_same_factor_from_first_to_most(schedule, sizes):
    assert Looks(*schedule).sizes == sizes


def test_a_p_value_on_the_boundary_of_any_look_is_the_level():
    for level in (0.2, 0.05, 0.05 / 36, 1e-5):
        nominal = LOOKS.nominal(level)
        for place in range(3):
            p = LOOKS.p_values([1.0] * place + [nominal[place]])
            assert p == pytest.approx(level, rel=1e-4)  # what the table loses between its points


def test_later_looks_never_raise_a_p_value_and_what_no_look_rejects_is_one():
    first = LOOKS.p_values([0.001])
    assert first == pytest.approx(0.001 / 0.75) and LOOKS.p_values([0.001, 0.9, 0.9]) == first
    assert LOOKS.p_values([0.001, 1e-6]) < first
    assert LOOKS.p_values([1.0, 1.0]) == 1.0 and np.isnan(LOOKS.p_values([0.5, np.nan]))
    assert LOOKS.p_values([0.0]) == 0.0 and LOOKS.p_values([1e-12]) == pytest.approx(1e-12 / 0.75)


def test_several_tests_at_once_have_the_p_values_of_each():
    p = np.random.default_rng(0).uniform(0, 0.01, (3, 20))
    together = LOOKS.p_values(list(p))
    assert together == pytest.approx([float(LOOKS.p_values(list(each))) for each in p.T])


def test_of_nothing_a_p_value_is_below_any_level_at_most_that_often_whatever_the_number_of_looks():
    steps = np.random.default_rng(1).normal(size=(200_000, 44)).cumsum(axis=1)
    p = [2 * stats.norm.sf(np.abs(steps[:, size - 1]) / np.sqrt(size)) for size in LOOKS.sizes]
    for looks in (1, 2, 3):
        over = LOOKS.p_values(p[:looks])
        for level in (0.05, 0.01, 0.001):
            allowed = level + 4 * np.sqrt(level / 200_000)
            assert (over <= level).mean() <= allowed
    assert (over <= 0.05).mean() == pytest.approx(
        0.05, abs=4 * np.sqrt(0.05 / 200_000)
    )  # after the last look all is spent


def comparison(differences: np.ndarray, seeds: int) -> PairedComparison:
    by_look = [differences[:size] for size in LOOKS.sizes if size <= seeds]
    return PairedComparison(by_look[-1], "test_accuracy", None, by_look[:-1])


def drawn(mean: float, seed: int, spread: float = 0.01) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, spread, 44)


def test_a_single_comparison_helps_where_a_look_has_crossed_its_boundary_and_its_interval_is_that_of_the_look():
    differences = drawn(0.012, 3)
    row = judge({"x": comparison(differences, 22)}, [], **RULE, looks=LOOKS)["x"]
    nominal = LOOKS.nominal(0.05)
    assert row["look"] == {"number": 2, "seeds": 22, "confidence": pytest.approx(1 - nominal[1])}
    assert (row["low"], row["high"]) == statistics.difference_interval(differences[:22], row["look"]["confidence"])
    p = [statistics.sign_flip(differences[:size]) for size in (11, 22)]
    assert row["p"] == row["p_holm"] == pytest.approx(float(LOOKS.p_values(p)))
    assert (row["p"] <= 0.05) == (p[0] <= nominal[0] or p[1] <= nominal[1])
    assert row["verdict"] == "helps"


def test_comparisons_that_stopped_at_different_looks_are_corrected_together():
    by_key = {
        "clear": comparison(drawn(0.03, 0), 11),
        "late": comparison(drawn(0.008, 1), 44),
        "nothing": comparison(drawn(0, 2), 11),
    }
    rows = judge(by_key, [], **RULE, looks=LOOKS)
    alone = {key: judge({key: each}, [], **RULE, looks=LOOKS)[key]["p"] for key, each in by_key.items()}
    assert {key: row["p"] for key, row in rows.items()} == alone
    adjusted = statistics.holm(np.array(list(alone.values())))
    assert [row["p_holm"] for row in rows.values()] == pytest.approx(adjusted)
    assert [row["verdict"] for row in rows.values()] == ["helps", "helps", "cannot tell"]


def test_a_verdict_that_was_reached_stays_when_others_get_more_seeds():
    clear, other = drawn(0.03, 0), drawn(0.006, 5)
    before = judge({"clear": comparison(clear, 11), "other": comparison(other, 11)}, [], **RULE, looks=LOOKS)
    after = judge({"clear": comparison(clear, 11), "other": comparison(other, 44)}, [], **RULE, looks=LOOKS)
    assert before["clear"]["verdict"] == after["clear"]["verdict"] == "helps"
    assert after["clear"]["p_holm"] <= before["clear"]["p_holm"]


def test_a_seed_without_which_the_verdict_turns_is_named_whatever_the_look():
    differences = drawn(0.004, 8, 0.004)
    differences[15] = -0.05
    rows = judge({"x": comparison(differences, 22)}, [], **RULE, looks=LOOKS)
    assert rows["x"]["verdict"] == "cannot tell"
    place = sorted(map(str, range(22)))[15]
    assert rows["x"]["turns_without"][place] == "helps"


def test_random_patterns_without_a_seed_give_the_p_value_of_the_test_without_it():
    differences = drawn(0.004, 4)[:20]
    p = p_without_each(differences)
    for place, seed in enumerate(names(20)):
        expected = statistics.sign_flip(np.delete(differences, place))
        error = np.sqrt(expected * (1 - expected) / statistics.FLIPS)
        assert p[seed] == pytest.approx(expected, abs=6 * error + 1e-5)  # both draw patterns
