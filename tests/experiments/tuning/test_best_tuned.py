"""The set of tuned recipes that cannot be told from the best, with the cheapest of them, in metrics.json."""

import numpy as np
import pytest

from reglab.experiments.tuning.evaluate_tuned import tuned
from reglab.experiments.verdicts import best_sets

SEEDS = 11
RULE = {"confidence": 0.95, "relevant_difference": 0.005}
NOISE = np.random.default_rng(0).normal(0, 0.002, (5, SEEDS))
# name: mean accuracy, cost
RECIPES = {"none": (0.92, 1.0), "cheap": (0.95, 1.1), "dear": (0.951, 5.0), "worse": (0.93, 0.5), "gone": (0.97, 0.4)}


def record(name: str, accuracy: np.ndarray, cost: float) -> dict:
    seeds = {
        str(seed): {"status": "finished", "metrics": {"test_accuracy": float(x), "validation_accuracy": float(x)}}
        for seed, x in enumerate(accuracy)
    }
    if name == "gone":
        seeds["3"] = {"status": "diverged", "metrics": {}}
    return {
        "family": "tuned",
        "name": name,
        "technique": [name],
        "checks": [],
        "seeds": seeds,
        "search_seeds": [0, 1],
        "tries": [{}, {}],
        "chosen": {"number": 0, "settings": {"training": {"learning_rate": 0.01}, name: {}}},
        "expected_best": [0.9, 0.91],
        "budget": {"trainings": 4, "diverged": 0, "epochs": 100, "flops": 10**9},
        "cost": {"relative_to_none": cost},
    }


@pytest.fixture
def rows() -> dict:
    entries = {
        name: record(name, accuracy + NOISE[place], cost)
        for place, (name, (accuracy, cost)) in enumerate(RECIPES.items())
    }
    return tuned({"regularizers": {}, "tuned": entries}, **RULE)


def test_a_tuned_recipe_has_its_cost_and_how_far_it_is_behind_the_best(rows):
    assert {name: row["cost"] for name, row in rows.items()} == {name: cost for name, (_, cost) in RECIPES.items()}
    assert rows["gone"]["behind_best"] is None
    behind = {name: row["behind_best"] for name, row in rows.items() if row["behind_best"]}
    assert {row["leader"] for row in behind.values()} == {"dear"}
    assert behind["none"]["difference"] == pytest.approx(np.mean(0.031 + NOISE[2] - NOISE[0]))
    assert {name: row["excluded"] for name, row in behind.items()} == {
        "none": True,
        "cheap": False,
        "dear": False,
        "worse": True,
    }


def test_the_set_of_the_tuned_stands_beside_that_of_the_configured_and_names_the_cheapest(rows):
    sets = best_sets({"tuned": rows, "regularizers": {}}, 0.95)
    assert sets == {
        "tuned": {
            "leader": "dear",
            "members": ["dear", "cheap"],
            "cheapest": "cheap",
            "compared": 4,
            "confidence": 0.95,
        }
    }
