"""Declared pairs: each by its own metric, in the family of the pairs alone; and the warning where seeds are too few."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from seeds import seeds_of_record

from reglab.config import params
from reglab.evaluation import statistics
from reglab.evaluation.pairs import compare_pairs
from reglab.evaluation.settings import Pair
from reglab.experiments.required_seeds import comparison_counts, counted, too_few_seeds
from reglab.experiments.verdicts import verdicts

SETTINGS = params.load(Path(__file__).parents[2] / "params.yaml")
RULE = {"confidence": 0.95, "relevant_difference": 0.005}
SEEDS = 11
NOISE = np.random.default_rng(0).normal(0, 0.003, (5, SEEDS))


def record(diverged=(), **metrics) -> dict:
    return {"technique": [], "checks": [], "seeds": seeds_of_record(SEEDS, diverged, **metrics)}


RECORDS = {
    "regularizers": {
        "none": record(test_accuracy=0.9 + NOISE[0], test_nll=0.5 + NOISE[1]),
        "dropout": record(test_accuracy=0.94 + NOISE[2], test_nll=0.4 + NOISE[3]),
    },
    "combinations": {"both": record(test_accuracy=0.94 + NOISE[2] + 0.1 * NOISE[4], test_nll=0.4 + NOISE[3])},
    "multitask": {"joint": record(test_iou=0.5 + NOISE[0]), "alone": record(test_iou=0.4 + NOISE[1])},
    "ensembles": {"lost": record(test_accuracy=0.99, diverged=[1])},
}
PAIRS = {
    "accuracy": Pair("dropout", "none"),
    "loss": Pair("dropout", "none", "test_nll"),
    "stacked": Pair("both", "dropout"),
    "tasks": Pair("joint", "alone", "test_iou"),
    "lost": Pair("lost", "none"),
}


@pytest.fixture(scope="module")
def rows():
    return compare_pairs(PAIRS, RECORDS, **RULE, test_to_train=400 / 900)


def test_a_pair_is_compared_seed_by_seed_by_its_metric(rows):
    row, d = rows["loss"], -0.1 + NOISE[3] - NOISE[1]
    assert row["difference"] == pytest.approx(d.mean())
    assert row["p"] == stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue
    assert (row["low"], row["high"]) == pytest.approx(statistics.difference_interval(d, 0.95), abs=1e-3)  # resampled
    assert (row["recipe"], row["versus"], row["metric"]) == ("dropout", "none", "test_nll")


def test_the_verdict_is_on_the_recipe_and_lower_may_be_better(rows):
    assert {name: row["verdict"] for name, row in rows.items()} == {
        "accuracy": "helps",
        "loss": "helps",
        "stacked": "no relevant difference",
        "tasks": "helps",
        "lost": "diverged",
    }
    [turned] = compare_pairs({"turned": Pair("none", "dropout", "test_nll")}, RECORDS, **RULE).values()
    assert turned["verdict"] == "hurts"


def test_holm_spans_the_pairs_that_could_be_tested(rows):
    tested = [name for name in PAIRS if name != "lost"]
    adjusted = statistics.holm(np.array([rows[name]["p"] for name in tested]))
    assert [rows[name]["p_holm"] for name in tested] == adjusted.tolist()
    assert rows["lost"]["p"] is None and rows["lost"]["probability"] is None


def test_a_pair_that_is_real_by_itself_is_not_so_among_sixty():
    """Eleven seeds that all gain have p = 2/2048; 60 times that is 0.059."""
    many = compare_pairs({str(number): PAIRS["accuracy"] for number in range(60)}, RECORDS, **RULE)
    assert {row["verdict"] for row in many.values()} == {"cannot tell"}
    assert all(row["p_holm"] == pytest.approx(60 * 2 / 2048) for row in many.values())


def test_a_pair_with_a_technique_that_fails_its_check_is_not_compared():
    check = {"name": "its law", "passed": False, "technique": "l1"}
    faulty = RECORDS["regularizers"] | {"l1": record(test_accuracy=0.99) | {"technique": ["l1"]}}
    records = RECORDS | {"regularizers": faulty, "theory": {"lasso": {"technique": [], "checks": [check]}}}
    rows = compare_pairs({"faulty": Pair("dropout", "l1"), "accuracy": PAIRS["accuracy"]}, records, **RULE)
    assert rows["faulty"]["verdict"] == "check failed" and rows["faulty"]["difference"] is None
    assert rows["accuracy"]["p_holm"] == rows["accuracy"]["p"]


def test_new_data_are_asked_about_where_the_correction_fits(rows):
    assert rows["accuracy"]["distribution"]["verdict"] == "helps"
    assert rows["tasks"]["distribution"] is None  # other data
    fixed = compare_pairs(PAIRS, RECORDS, **RULE, test_to_train=None)
    assert all(row["distribution"] is None for row in fixed.values())


# required seeds


def test_the_shipped_study_has_seeds_enough():
    assert too_few_seeds(SETTINGS) == []


def test_too_few_seeds_are_reported_from_the_params_alone():
    few = replace(SETTINGS, seeds=2)
    counts = comparison_counts(SETTINGS)
    assert (
        counts["comparisons with none"]
        == sum(len(getattr(SETTINGS, family)) for family in ("regularizers", "combinations", "ensembles")) - 1
    )
    assert counts["comparisons of transfer and semi_supervised"] == 14  # 16 entries, two of them references
    assert counts["comparisons of multitask"] == 3
    assert counts["comparisons of sweeps"] == len(SETTINGS.sweeps)
    assert (
        counts["single techniques beside cocktails"] == len(SETTINGS.tuned) - 2 + 5
    )  # none and placebo are none, and early_stopping is part of all
    assert counts["comparisons of cocktails"] == 11  # the best, and five ingredients each left out and alone
    assert (counts["claims"], counts["pairs under comparisons"]) == (len(SETTINGS.claims), 2)
    lines = too_few_seeds(few)
    assert len(lines) == len(counts)
    for line, (kind, count) in zip(lines, counts.items(), strict=True):
        needed = statistics.smallest_seeds(count, 0.05)
        assert line.startswith(f"params.yaml: seeds: found 2, too few for {counted(count, kind)} at confidence 0.95: ")
        assert line.endswith(f"set seeds to {needed} or more")
    assert (
        too_few_seeds(replace(few, seeds=max(statistics.smallest_seeds(count, 0.05) for count in counts.values())))
        == []
    )


@pytest.mark.parametrize(
    ("count", "kind", "words"),
    [
        (1, "claims", "1 claim"),
        (2, "claims", "2 claims"),
        (1, "pairs under comparisons", "1 pair under comparisons"),
        (1, "single techniques beside cocktails", "1 single technique beside cocktails"),
    ],
)
def test_one_comparison_is_in_the_singular(count, kind, words):
    assert counted(count, kind) == words


def test_nothing_compared_needs_no_seeds():
    alone = {"regularizers": {"none": SETTINGS.regularizers["none"]}}
    others = (
        "combinations",
        "ensembles",
        "pretraining",
        "transfer",
        "semi_supervised",
        "multitask",
        "tuned",
        "sweeps",
        "cocktails",
    )
    listing = ("regimes", "tuned_clean", "tuned_other_network")
    nothing = alone | {section: {} for section in (*others, "comparisons", "claims")}
    nothing |= {section: replace(getattr(SETTINGS, section), recipes=()) for section in listing}
    assert too_few_seeds(replace(SETTINGS, seeds=2, **nothing)) == []


# all together


def test_the_splits_overlap_is_corrected_by_test_over_training_examples():
    """400 test and 900 training examples: the half width is t s sqrt(1/11 + 400/900), neither without the second term nor
    with 900/400."""
    few = {"pretraining": {}, "transfer": {}, "semi_supervised": {}, "multitask": {}, "claims": {}}
    settings = replace(SETTINGS, **few, comparisons={"accuracy": PAIRS["accuracy"]})
    assert (settings.data.test_size, settings.data.train_size) == (400, 900)
    result = verdicts(settings, {"regularizers": RECORDS["regularizers"]}, dict, 400 / 900)
    d = 0.04 + NOISE[2] - NOISE[0]
    half = stats.t.ppf(0.975, SEEDS - 1) * d.std(ddof=1) * np.sqrt(1 / SEEDS + 400 / 900)
    for row in (result["regularizers"]["dropout"]["distribution"], result["comparisons"]["accuracy"]["distribution"]):
        assert (row["high"] - row["low"]) / 2 == pytest.approx(half, rel=1e-9)


def test_a_study_with_a_fixed_test_set_says_that_it_cannot_speak_of_new_data():
    few = {"pretraining": {}, "transfer": {}, "semi_supervised": {}, "multitask": {}, "claims": {}}
    settings = replace(SETTINGS, **few, comparisons={"accuracy": PAIRS["accuracy"]})
    records = {"regularizers": RECORDS["regularizers"]}
    resampled = verdicts(settings, records, dict, 400 / 900)
    assert resampled["regularizers"]["dropout"]["distribution"]["verdict"] == "helps"
    assert resampled["statistical_tests"]["on this distribution"].startswith("Over new examples too: t test")
    fixed = verdicts(replace(settings, data=replace(settings.data, test_set="fixed")), records, dict, None)
    assert fixed["regularizers"]["dropout"]["distribution"] is fixed["comparisons"]["accuracy"]["distribution"] is None
    assert fixed["statistical_tests"]["on this distribution"].startswith("No answer: all seeds share one test set")
    assert fixed["regularizers"]["dropout"]["verdict"] == "helps" and fixed["warnings"] == []


def test_rows_by_other_metrics_stand_under_their_own_family_beside_those_against_none():
    few = {"pretraining": {}, "semi_supervised": {}, "multitask": {}, "claims": {}, "comparisons": {}}
    transfer = {name: SETTINGS.transfer[name] for name in ("from_scratch", "masked_tuned")}
    values = {"from_scratch": 0.7 + NOISE[0], "masked_tuned": 0.74 + NOISE[1]}
    metrics = ("test_accuracy", *(f"test_accuracy@{number}" for number in SETTINGS.few_labels.labels_per_class))
    learned = {name: record(**dict.fromkeys(metrics, values[name])) for name in transfer}
    records = {"regularizers": RECORDS["regularizers"], "transfer": learned}
    result = verdicts(replace(SETTINGS, **few, transfer=transfer), records, dict, 400 / 900)
    families = {
        "regularizers",
        "transfer",
        "regimes",
        "tuned",
        "tuned_clean",
        "tuned_other_network",
        "sweeps",
        "cocktails",
        "variance_sources",
    }
    assert set(result) == families | {"best_sets", "comparisons", "claims", "statistical_tests", "warnings"}
    assert set(result["transfer"]["masked_tuned"]["comparisons"]) == set(metrics)
    assert result["best_sets"]["as configured"]["compared"] == len(RECORDS["regularizers"])  # with none
