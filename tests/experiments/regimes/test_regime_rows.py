"""The rows of the regime map: paired in each cell, corrected over the whole map."""

from pathlib import Path

import numpy as np
import pytest

from reglab.config import params
from reglab.evaluation import statistics
from reglab.experiments.regimes import evaluate as regimes
from reglab.experiments.required_seeds import comparison_counts

SEEDS = 11
RULE = {"confidence": 0.95, "relevant_difference": 0.005}
CELLS = {
    f"{size}x{noise}x8": {"train_size": size, "label_noise": noise, "width": 8}
    for size in (10, 90)
    for noise in (0.0, 0.4)
}
NOISE = np.random.default_rng(0).normal(0, 0.002, (3, len(CELLS), SEEDS))
GAINS = {"none": [0, 0, 0, 0], "dropout": [0.05, 0.0, -0.04, 0.02], "l1": [0.0, 0.0, 0.0, 0.06]}


def record(name, status="finished", technique=None):
    number = list(GAINS).index(name)
    levels = [0.8 + gain + NOISE[number, place] for place, gain in enumerate(GAINS[name])]
    seeds = {
        str(seed): {
            "status": status,
            "metrics": {f"test_accuracy@{key}": float(level[seed]) for key, level in zip(CELLS, levels, strict=True)},
        }
        for seed in range(SEEDS)
    }
    return {"cells": CELLS, "seeds": seeds, "technique": [technique or name]}


RECORDS = {"regimes": {name: record(name) for name in GAINS}}


@pytest.fixture(scope="module")
def rows():
    return regimes.rows(RECORDS, **RULE)


def test_a_cell_is_compared_with_none_in_the_same_cell_paired_over_seeds(rows):
    row = rows["dropout"]["cells"]["90x0.0x8"]
    difference = -0.04 + NOISE[1, 2] - NOISE[0, 2]
    low, high = statistics.difference_interval(difference, 0.95)
    assert row["difference"] == pytest.approx(difference.mean())
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((low, high), abs=1e-4)  # resampled
    assert (row["train_size"], row["label_noise"], row["width"]) == (90, 0.0, 8)
    assert row["p"] == statistics.sign_flip(difference) == 2.0**-10


def test_holm_counts_every_cell_of_every_recipe(rows):
    every = [row for name in ("dropout", "l1") for row in rows[name]["cells"].values()]
    assert "none" not in rows and len(every) == 8
    adjusted = statistics.holm(np.array([row["p"] for row in every]))
    assert [row["p_holm"] for row in every] == adjusted.tolist()
    assert (
        min(row["p_holm"] for row in every) == 8 * 2.0**-10
    )  # the smallest p-value of eleven seeds, eight comparisons


def test_verdicts_follow_the_map(rows):
    result = {name: [row["verdict"] for row in entry["cells"].values()] for name, entry in rows.items()}
    nothing = "no relevant difference"
    assert result["dropout"] == ["helps", nothing, "hurts", "helps"]
    assert result["l1"] == [nothing, nothing, nothing, "helps"]


def test_with_few_seeds_no_verdict_is_given_and_the_seeds_needed_are(rows):
    few = {
        "regimes": {
            name: entry | {"seeds": {str(seed): entry["seeds"][str(seed)] for seed in range(4)}}
            for name, entry in RECORDS["regimes"].items()
        }
    }
    cells = regimes.rows(few, **RULE)["dropout"]["cells"].values()
    assert {row["verdict"] for row in cells} == {"cannot tell"}
    assert all(row["seeds_needed"] > 4 for row in cells)


def test_what_diverged_or_fails_a_check_is_in_no_cell_compared():
    diverged = {"regimes": RECORDS["regimes"] | {"dropout": record("dropout", status="diverged")}}
    result = regimes.rows(diverged, **RULE)
    assert {row["verdict"] for row in result["dropout"]["cells"].values()} == {"diverged"}
    assert all(row["difference"] is None and row["p_holm"] is None for row in result["dropout"]["cells"].values())
    assert result["l1"]["cells"]["90x0.4x8"]["p_holm"] == 4 * 2.0**-10  # four comparisons are left
    wrong = {"x": {"checks": [{"name": "a law", "passed": False, "technique": "l1"}], "technique": ["x"]}}
    result = regimes.rows(RECORDS | {"theory": wrong}, **RULE)
    assert {row["verdict"] for row in result["l1"]["cells"].values()} == {"check failed"}
    assert result["dropout"]["cells"]["10x0.0x8"]["verdict"] == "helps"


def test_without_a_map_there_are_no_rows():
    assert regimes.rows({}, **RULE) == {}


def test_every_cell_counts_when_the_seeds_are_too_few():
    settings = params.load(Path(__file__).parents[3] / "params.yaml")
    axes = (settings.regimes.train_size, settings.regimes.label_noise, settings.regimes.width)
    cells = np.prod([len(axis) for axis in axes])
    assert comparison_counts(settings)["cells of regimes"] == cells * (len(settings.regimes.recipes) - 1)
