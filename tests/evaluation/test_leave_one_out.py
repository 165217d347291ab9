"""Which seeds turn a verdict: by hand, against judging the smaller study, and never for want of seeds alone."""

import numpy as np
import pytest

from reglab.evaluation import statistics
from reglab.evaluation.judgement import PairedComparison, judge, verdict_of
from reglab.evaluation.leave_one_out import level_without_a_seed

RULE = {"confidence": 0.95, "relevant_difference": 0.005}


def family(metric="test_accuracy", **differences):
    seeds = [str(seed) for seed in range(max(map(len, differences.values())))]
    comparisons = {
        name: PairedComparison(np.asarray(values, dtype=float), metric) for name, values in differences.items()
    }
    return judge(comparisons, seeds, **RULE)


CLEAR = 0.05 + 0.001 * np.arange(11)


def test_a_verdict_that_all_seeds_share_is_turned_by_none():
    row = family(clear=CLEAR)["clear"]
    assert row["verdict"] == "helps" and row["turns_without"] == {}
    assert row["p_to_level"] == pytest.approx(2.0**-10 - 0.05)


def test_a_gain_that_one_seed_denies_is_turned_by_that_seed_alone():
    """Ten seeds gain 0.01 and one loses 0.08: the sum is 0.02, and far from real; without the one it is certain."""
    denied = np.r_[np.full(10, 0.01), -0.08]
    row = family(denied=denied)["denied"]
    assert row["verdict"] == "cannot tell" and row["turns_without"] == {"10": "helps"}


def test_seeds_are_named_as_in_the_records_order():
    denied = np.r_[0.01, -0.08, np.full(9, 0.01)]
    named = sorted(map(str, range(11)))  # 0, 1, 10, 2, ...
    row = judge({"denied": PairedComparison(denied, "test_accuracy")}, named, **RULE)["denied"]
    assert row["turns_without"] == {"1": "helps"}


def test_what_turns_is_what_the_study_without_the_seed_says():
    """Three comparisons with noise: every seed left out by hand, and judged again from the start."""
    random = np.random.default_rng(23)
    values = {name: random.normal(mean, 0.01, 11) for name, mean in (("a", 0.009), ("b", 0.006), ("c", 0.0))}
    rows = family(**values)
    level, turned = level_without_a_seed(3, 11, 0.05), 0
    assert level == 0.05
    for seed in range(11):
        rest = {name: np.delete(differences, seed) for name, differences in values.items()}
        p_holm = statistics.holm(np.array([statistics.sign_flip(differences) for differences in rest.values()]))
        for (name, differences), p in zip(rest.items(), p_holm, strict=True):
            interval = statistics.difference_interval(differences, 0.95)
            verdict = statistics.verdict(*interval, p, seeds=10, relevant_difference=0.005, level=level)
            expected = verdict if verdict != rows[name]["verdict"] else None
            assert rows[name]["turns_without"].get(str(seed)) == expected
            turned += expected is not None
    assert 0 < turned < 33


def test_without_a_seed_holms_correction_still_counts_the_whole_family():
    """Without its last seed x has p = 4/1024: real alone, but 20 x 4/1024 = 0.078 among nineteen that are noise."""
    x = np.r_[np.full(9, 0.01), -0.0005, -0.08]
    noise = {f"n{number}": 0.03 * (-1.0) ** np.arange(11) for number in range(19)}
    assert family(x=x)["x"]["turns_without"] == {"10": "helps"}
    assert family(x=x, **noise)["x"]["turns_without"] == {}


def test_no_verdict_turns_for_want_of_seeds_alone():
    """29 comparisons of 11 seeds: the least p after Holm is 29/1024 = .028; with 10 it is 29/512 = .057, above the level."""
    assert level_without_a_seed(29, 11, 0.05) == pytest.approx(29 / 512)
    assert level_without_a_seed(2, 11, 0.05) == 0.05
    many = {f"r{number}": CLEAR + 0.001 * number for number in range(29)}
    rows = family(**many)
    assert {row["verdict"] for row in rows.values()} == {"helps"}
    assert all(row["turns_without"] == {} for row in rows.values())


def test_with_too_few_seeds_for_any_verdict_none_is_said_to_turn():
    assert level_without_a_seed(29, 4, 0.05) == 0.05
    assert family(few=[0.05, 0.06, 0.05, 0.07])["few"]["turns_without"] == {}
    assert family(one=[0.05])["one"]["turns_without"] == {}


def test_the_exact_test_at_its_least_number_of_seeds_still_tells_without_one():
    row = family(six=0.05 + 0.001 * np.arange(6))["six"]
    assert row["verdict"] == "helps" and row["turns_without"] == {}


@pytest.mark.parametrize("comparisons", [1, 2, 20])
def test_no_relevant_difference_does_not_turn_for_want_of_seeds_alone(comparisons):
    """Six seeds, the fewest for a single comparison (1/32 <= .05 < 1/16): any five of these differ by .001 at most."""
    near = np.array([0.001, -0.001, 0.0005, 0.0008, -0.0004, 0.0002])
    rows = family(**{f"r{number}": near for number in range(comparisons)})
    assert {row["verdict"] for row in rows.values()} == {"no relevant difference"}
    assert all(row["turns_without"] == {} for row in rows.values())


def test_a_level_raised_for_a_single_comparison_makes_nothing_real_of_many():
    """Two clear gains in six seeds: 2/32 is above .05, so neither is real; with five 2/16 is above the raised 1/16."""
    assert level_without_a_seed(2, 6, 0.05) == 1 / 16
    clear = 0.05 + 0.001 * np.arange(6)
    rows = family(one=clear, two=clear)
    assert all(row["verdict"] == "cannot tell" and row["turns_without"] == {} for row in rows.values())


def test_what_has_no_values_has_no_seeds_that_turn_it():
    rows = family(clear=CLEAR, lost=[])
    assert rows["lost"]["turns_without"] == {} and rows["lost"]["verdict"] == "cannot tell"


@pytest.mark.parametrize("p", [0.01, 0.2])
@pytest.mark.parametrize("mean", [-0.05, -0.004, 0.0, 0.002, 0.02])
@pytest.mark.parametrize(("metric", "higher"), [("test_accuracy", True), ("test_ece", False)])
def test_sparing_the_bootstrap_changes_no_verdict(mean, p, metric, higher):
    d = mean + np.random.default_rng(4).normal(0, 0.003, 10)
    low, high = statistics.difference_interval(d, 0.95)
    low, high = (low, high) if higher else (-high, -low)
    rule = {"relevant_difference": 0.005, "level": 0.05}
    assert verdict_of(d, p, metric, confidence=0.95, **rule) == statistics.verdict(low, high, p, seeds=10, **rule)
