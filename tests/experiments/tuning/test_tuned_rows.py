"""Tuned recipes in metrics.json: budgets are equal or nothing is reported, three kinds of verdict, optimism, ranks."""

import copy

import numpy as np
import pytest

from reglab.core.errors import UserError
from reglab.evaluation import statistics
from reglab.experiments.tuning import evaluate_tuned
from reglab.experiments.tuning.evaluate import beside_best_tuned, beside_tuned
from reglab.experiments.tuning.evaluate_tuned import ranking_changes, ranks_after, with_other_verdicts
from reglab.experiments.tuning.evaluate_tuned import tuned as rows_of

SEEDS, RULE = 11, {"confidence": 0.95, "relevant_difference": 0.005, "metric": "test_accuracy"}
NOISE = np.random.default_rng(0).normal(0, 0.003, (4, SEEDS))


def record(family: str, name: str, values: np.ndarray, validation: float = 0.9, metric: str = "accuracy") -> dict:
    seeds = {
        str(seed): {
            "status": "finished",
            "metrics": {
                f"test_{metric}": float(value),
                f"validation_{metric}": float(value) + 0.01 + 0.02 * (seed < 3),
            },
        }
        for seed, value in enumerate(values)
    }
    tries = [{f"validation_{metric}": [validation] * 3, "validation_nll": [0.5] * 3} for _ in range(4)]
    return {
        "family": family,
        "name": name,
        "technique": [name],
        "checks": [],
        "seeds": seeds,
        "search_seeds": [0, 1, 2],
        "tries": tries,
        "chosen": {"number": 2, "settings": {"training": {"learning_rate": 0.01}, name: {"strength": 0.1}}},
        "expected_best": [0.9, 0.91, 0.92, 0.93],
        "budget": {"trainings": 12, "diverged": 0, "epochs": 300, "flops": 10**9},
        "cost": {"relative_to_none": 1.0},
    }


@pytest.fixture
def records() -> dict:
    """As configured dropout gains, and l1 and early stopping gain as much; tuned, dropout gains nothing and l1 does."""
    configured = {"none": 0.88, "dropout": 0.94, "l1": 0.94, "early_stopping": 0.94}
    tuned = {"none": 0.94, "dropout": 0.94, "l1": 0.96}
    return {
        "regularizers": {n: record("regularizers", n, x + NOISE[i]) for i, (n, x) in enumerate(configured.items())},
        "tuned": {n: record("tuned", n, x + NOISE[i] / 10) for i, (n, x) in enumerate(tuned.items())},
    }


def test_a_tuned_recipe_is_compared_with_none_tuned_and_corrected_over_the_tuned(records):
    rows = rows_of(records, **RULE)
    assert rows["none"]["comparisons"]["test_accuracy"]["verdict"] == "reference"
    tests = [rows[name]["comparisons"]["test_accuracy"] for name in ("dropout", "l1")]
    assert [test["verdict"] for test in tests] == ["no relevant difference", "helps"]
    assert tests[1]["difference"] == pytest.approx(np.mean(0.02 + (NOISE[2] - NOISE[0]) / 10))
    corrected = statistics.holm(np.array([test["p"] for test in tests])).tolist()
    assert [test["p_holm"] for test in tests] == pytest.approx(corrected)
    assert rows["l1"]["chosen"] == {"learning_rate": 0.01, "strength": 0.1}
    assert rows["l1"]["budget"] == {"settings": 4} | records["tuned"]["l1"]["budget"]


def test_recipes_tuned_on_right_labels_are_compared_with_none_on_right_labels_alone(records):
    """The records of `tuned_clean` alone decide its rows, and early stopping as configured is no rival of theirs."""
    clean = {name: content | {"family": "tuned_clean"} for name, content in records["tuned"].items()}
    worse = {name: record("tuned", name, 0.5 + NOISE[i]) for i, name in enumerate(records["tuned"])}
    rows = rows_of(records | {"tuned_clean": clean, "tuned": worse}, "tuned_clean", **RULE)
    assert {name: row | {"against_early_stopping": None} for name, row in rows_of(records, **RULE).items()} == rows


def test_the_recipe_as_configured_is_held_against_early_stopping_as_configured(records):
    rows = rows_of(records, **RULE)
    stopping = {name: row["against_early_stopping"] for name, row in rows.items()}
    assert stopping["none"]["verdict"] == "hurts" and stopping["none"]["difference"] < -0.05
    assert stopping["l1"]["difference"] == pytest.approx(np.mean(NOISE[2] - NOISE[3]))
    assert set(stopping["l1"]) == {"verdict", "difference", "low", "high", "p_holm"}
    del records["regularizers"]["early_stopping"]
    assert {row["against_early_stopping"] for row in rows_of(records, **RULE).values()} == {None}


def test_a_verdict_that_tuning_turns_around_is_marked_and_one_that_becomes_unclear_is_not():
    def row(verdict: str) -> dict:
        return {"comparisons": {"test_accuracy": {"verdict": verdict}}}

    effect = {"difference": 0.01, "low": 0.0, "high": 0.02, "p_holm": 0.01}
    pairs = {
        "same": ("helps", "helps"),
        "lost": ("no relevant difference", "helps"),
        "reversed": ("hurts", "helps"),
        "unclear": ("cannot tell", "helps"),
        "found": ("helps", "cannot tell"),
    }
    rows = {
        "tuned": {name: row(tuned) for name, (tuned, _) in pairs.items()} | {"alone": row("helps")},
        "regularizers": {name: effect | {"verdict": configured} for name, (_, configured) in pairs.items()},
    }
    result = with_other_verdicts(rows)["tuned"]
    assert [name for name, each in result.items() if each["turned"]] == ["lost", "reversed"]
    assert result["found"]["as_configured"] == effect | {"verdict": "cannot tell"}
    assert result["alone"]["as_configured"] is None


@pytest.mark.parametrize("part", ["trainings", "epochs"])
def test_unequal_budgets_refuse_the_report_in_one_line(records, part):
    records["tuned"]["l1"]["budget"][part] += 1
    with pytest.raises(UserError) as error:
        rows_of(records, **RULE)
    [line] = error.value.lines
    counts = ", ".join(f"{name} {each['budget'][part]}" for name, each in records["tuned"].items())
    assert line.startswith(f"runs/tuned: found unequal budgets of {part}: {counts}; allowed: the same")


def test_fewer_epochs_because_a_training_diverged_are_no_unequal_budget(records):
    records["tuned"]["l1"]["budget"] |= {"epochs": 280, "diverged": 1}
    assert rows_of(records, **RULE)["l1"]["budget"]["epochs"] == 280
    records["tuned"]["l1"]["budget"] |= {"diverged": 0}
    with pytest.raises(UserError, match="unequal budgets of epochs"):
        rows_of(records, **RULE)


def test_optimism_is_the_gain_that_validation_promises_and_the_test_does_not_keep(records):
    row = rows_of(records, **RULE)["dropout"]["optimism"]
    assert row["search_seeds"]["mean"] == pytest.approx(0.03) and row["other_seeds"]["mean"] == pytest.approx(0.01)
    assert row["by_seed"]["0"] == pytest.approx(0.03) and row["by_seed"]["10"] == pytest.approx(0.01)
    loss = record("tuned", "l1", 0.3 + NOISE[0], metric="nll")
    assert evaluate_tuned.optimism(loss, "test_nll", 0.95)["search_seeds"]["mean"] == pytest.approx(-0.03)
    lost = copy.deepcopy(loss)
    lost["seeds"]["4"] = {"status": "diverged", "metrics": {}}
    assert set(evaluate_tuned.optimism(lost, "test_nll", 0.95).values()) == {None}
    every = loss | {"search_seeds": list(range(SEEDS))}
    assert evaluate_tuned.optimism(every, "test_nll", 0.95)["other_seeds"] is None


def test_ranks_follow_the_expected_best_and_change_where_two_curves_cross():
    curves = {"steady": [0.9, 0.9, 0.9], "late": [0.8, 0.9, 0.95], "lost": [None, 0.1, 0.1]}
    assert ranks_after(curves, 1) == {"steady": [1, 1, 2], "late": [2, 2, 1], "lost": [3, 3, 3]}
    assert ranks_after({"steady": [0.9], "late": [0.8]}, -1) == {"steady": [2], "late": [1]}
    assert ranking_changes(ranks_after(curves, 1)) == [3]


def test_a_cocktail_is_held_against_the_tuned_technique_that_is_best_on_validation_data(records):
    """l1 is best on validation data and not on the test; none and the placebo are no techniques."""
    tuned = {
        "none": record("tuned", "none", 0.99 + NOISE[0], validation=0.99),
        "placebo": record("tuned", "placebo", 0.99 + NOISE[0], validation=0.99),
        "dropout": record("tuned", "dropout", 0.97 + NOISE[1], validation=0.91),
        "l1": record("tuned", "l1", 0.93 + NOISE[0], validation=0.95),
    }
    mixed = record("cocktails", "stacked", 0.96 + NOISE[0])
    rule = RULE
    row = beside_best_tuned(records | {"tuned": tuned, "cocktails": {"stacked": mixed}}, **rule)["stacked"]
    assert row["name"] == "l1" and row["verdict"] == "helps" and row["difference"] == pytest.approx(0.03)
    assert row["budget"] == tuned["l1"]["budget"]
    plain = beside_tuned(records | {"tuned": tuned, "cocktails": {"stacked": mixed}}, "none", **rule)["stacked"]
    assert plain["difference"] == pytest.approx(-0.03) and (plain["name"], plain["verdict"]) == ("none", "hurts")
    assert beside_best_tuned(records | {"tuned": {}, "cocktails": {"stacked": mixed}}, **rule) == {}
    assert beside_tuned(records | {"tuned": {}, "cocktails": {"stacked": mixed}}, "none", **rule) == {}


def test_a_reference_with_a_diverged_seed_leaves_no_difference_and_no_error(records):
    records["tuned"]["none"]["seeds"]["3"] = {"status": "diverged", "metrics": {}}
    rows = rows_of(records, **RULE)
    assert rows["l1"]["comparisons"]["test_accuracy"]["difference"] is None
    assert rows["none"]["optimism"]["by_seed"] is None and rows["none"]["behind_best"] is None


def test_without_tuned_recipes_there_are_no_rows(records):
    assert rows_of(records | {"tuned": {}}, **RULE) == {} and with_other_verdicts({"regularizers": {}})["tuned"] == {}
