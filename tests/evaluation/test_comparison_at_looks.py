"""The comparison of recipes that have got different numbers of seeds."""

import numpy as np
import pytest
from seeds import seeds_of_record

from reglab.core.errors import UserError
from reglab.evaluation.comparison import compare
from reglab.evaluation.interval import mean_interval
from reglab.evaluation.looks import Looks
from reglab.evaluation.metric_comparison import ComparisonPlan, compare_metrics
from reglab.evaluation.paired_values import at_first_look, first_seeds, paired_differences
from reglab.evaluation.statistics import difference_interval, sign_flip

LOOKS = Looks(first=9, most=36)
RULE = {"confidence": 0.95, "relevant_difference": 0.005}
SPLITS = 0.9 + np.random.default_rng(0).normal(0, 0.03, 36)
EFFECTS = {"none": 0.0, "dropout": 0.05, "l1": 0.006, "placebo": 0.0}


def record(effect: float, seeds: int, noise: int, diverged=()) -> dict:
    values = SPLITS + effect + np.random.default_rng(noise).normal(0, 0.01 if effect or noise else 0, 36)
    metrics = {"test_accuracy": values[:seeds], "validation_accuracy": 0.9, "validation_nll": 0.3}
    return {"technique": [], "checks": [], "seeds": seeds_of_record(seeds, diverged, **metrics)}


def records(**counts: int) -> dict:
    recipes = {name: record(effect, counts.get(name, 9), place) for place, (name, effect) in enumerate(EFFECTS.items())}
    return {"regularizers": recipes, "baselines": {"k_nearest_neighbours": record(-0.02, 9, 8)}}


GROWN = records(none=36, l1=36, placebo=18)


def test_each_row_is_over_the_seeds_of_its_recipe_with_the_interval_of_its_look():
    rows = compare(GROWN, **RULE, looks=LOOKS)["regularizers"]
    assert {name: rows[name]["look"]["seeds"] for name in ("dropout", "placebo", "l1")} == {
        "dropout": 9, "placebo": 18, "l1": 36
    }  # fmt: skip
    none = GROWN["regularizers"]["none"]
    for name in ("dropout", "placebo", "l1"):
        row, recipe = rows[name], GROWN["regularizers"][name]
        look = row["look"]
        differences = paired_differences(recipe, none, "test_accuracy")
        assert len(differences) == look["seeds"]
        assert (row["low"], row["high"]) == difference_interval(differences, look["confidence"])
        by_look = [
            sign_flip(paired_differences(first_seeds(recipe, size), none, "test_accuracy"))
            for size in LOOKS.sizes
            if size <= look["seeds"]
        ]
        assert row["p"] == pytest.approx(float(LOOKS.p_values(by_look)))
        assert row["metrics"]["test_accuracy"]["difference"] == row["difference"]
    assert rows["dropout"]["verdict"] == "helps" and rows["none"]["verdict"] == "reference"


def test_what_compares_several_at_once_is_over_the_first_seeds_as_in_a_study_of_these():
    grown, first = compare(GROWN, **RULE, looks=LOOKS), compare(at_first_look(GROWN, LOOKS), **RULE)
    for family in ("regularizers", "baselines"):
        for name, row in first[family].items():
            for key in ("behind_best", "best_baseline", "beats_baselines"):
                assert grown[family][name][key] == row[key]
    assert grown["baselines"] == first["baselines"]


def test_the_answer_for_new_data_is_that_of_the_look_too():
    rows = compare(GROWN, **RULE, looks=LOOKS, test_to_train=0.5)["regularizers"]
    of_18 = {"regularizers": records(**dict.fromkeys(EFFECTS, 18))["regularizers"]}
    plain = compare(of_18, **RULE, test_to_train=0.5)["regularizers"]
    new, before = rows["placebo"]["distribution"], plain["placebo"]["distribution"]
    assert new["low"] < before["low"] and new["high"] > before["high"]  # of the same 18 seeds, with more confidence
    assert new["p"] >= before["p"]


def test_a_seed_of_none_that_diverged_later_takes_nothing_from_recipes_that_stopped_before():
    later = records(none=36, l1=36)
    later["regularizers"]["none"] = record(0.0, 36, 0, diverged=(30,))
    rows = compare(later, **RULE, looks=LOOKS)["regularizers"]
    assert rows["dropout"]["verdict"] == "helps" and rows["none"]["verdict"] == "diverged"
    assert rows["l1"]["verdict"] == "cannot tell" and rows["l1"]["difference"] is None


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        ({"none": 18, "l1": 36}, "runs/regularizers/l1/record.json: seeds: found 36; a look has 9, 18, 36"),
        ({"none": 18, "l1": 12}, "runs/regularizers/l1/record.json: seeds: found 12; a look has 9, 18, 36"),
    ],
)
def test_records_of_other_seeds_than_those_of_a_look_are_refused(counts, line):
    with pytest.raises(UserError) as error:
        compare(records(**counts), **RULE, looks=LOOKS)
    assert error.value.lines == (f"{line}, and regularizers/none 18; run `reglab repro`",)


def test_entries_with_references_of_their_own_have_looks_too():
    tuned = {"tuned": GROWN["regularizers"]}
    plan = ComparisonPlan({("tuned", name): {"test_accuracy": ("tuned", "none")} for name in EFFECTS}, {})
    rows = compare_metrics(tuned, plan, **RULE, looks=LOOKS)["tuned"]
    wanted = compare(GROWN, **RULE, looks=LOOKS)["regularizers"]
    for name in ("dropout", "placebo", "l1"):
        row = rows[name]["comparisons"]["test_accuracy"]
        assert {key: row[key] for key in ("p", "p_holm", "verdict", "look", "difference")} == {
            key: wanted[name][key] for key in ("p", "p_holm", "verdict", "look", "difference")
        }
    values = [run["metrics"]["test_accuracy"] for run in GROWN["regularizers"]["l1"]["seeds"].values()]
    mean = rows["l1"]["metrics"]["test_accuracy"]
    assert (mean["low"], mean["high"]) == pytest.approx(mean_interval(np.array(values), 0.95))


def test_pairs_of_records_with_different_seeds_are_over_those_that_both_have():
    short, long = GROWN["regularizers"]["dropout"], GROWN["regularizers"]["l1"]
    wanted = paired_differences(short, first_seeds(long, 9), "test_accuracy")
    assert np.array_equal(paired_differences(short, long, "test_accuracy"), wanted) and len(wanted) == 9
