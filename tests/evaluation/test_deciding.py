"""A study that a metric other than accuracy decides: every verdict is on that metric, and lower losses are gains."""

import numpy as np
import pytest

from reglab.evaluation import claims, comparison
from reglab.evaluation.best import behind_the_best
from reglab.evaluation.pairs import compare_pairs
from reglab.evaluation.settings import Claim, Evaluation, Pair

SEEDS = 11
NOISE = np.random.default_rng(0).normal(0, 0.01, (4, SEEDS))
BY_LOSS = Evaluation(metric="nll").rule


def record(family: str, loss: np.ndarray, validation: float = 0.5) -> dict:
    """Accuracy rises with the loss, so that a verdict on it would be the opposite."""
    metrics = [
        {"test_nll": x, "test_accuracy": x / 2, "validation_nll": validation, "validation_accuracy": validation}
        for x in loss
    ]
    seeds = {str(seed): {"status": "finished", "metrics": values} for seed, values in enumerate(metrics)}
    return {"family": family, "technique": [], "checks": [], "seeds": seeds, "cost": {}, "summary": {}}


@pytest.fixture
def records() -> dict:
    return {
        "regularizers": {
            "none": record("regularizers", 0.6 + NOISE[0]),
            "lower": record("regularizers", 0.5 + NOISE[1]),
            "higher": record("regularizers", 0.7 + NOISE[2]),
            "same": record("regularizers", 0.6 + NOISE[0] + 0.1 * NOISE[3]),
        },
        "baselines": {
            "good": record("baselines", 0.55 + NOISE[3], validation=0.4),
            "bad": record("baselines", 0.9 + NOISE[2], validation=0.9),
        },
    }


def test_a_lower_loss_helps_and_a_higher_one_hurts(records):
    rows = comparison.compare(records, **BY_LOSS)["regularizers"]
    assert [rows[name]["verdict"] for name in ("lower", "higher", "same")] == [
        "helps",
        "hurts",
        "no relevant difference",
    ]
    assert rows["lower"]["difference"] < 0 < rows["higher"]["difference"]
    assert (
        rows["lower"]["test_nll"] == rows["lower"]["metrics"]["test_nll"]["mean"]
        and "test_accuracy" not in rows["lower"]
    )
    assert rows["lower"]["probability"]["helps"] > 0.99 > 0.01 > rows["higher"]["probability"]["helps"]


def test_the_best_baseline_has_the_lowest_validation_loss_and_is_beaten_from_below(records):
    rows = comparison.compare(records, **BY_LOSS)["regularizers"]
    assert {row["best_baseline"] for row in rows.values()} == {"good"}
    assert (rows["lower"]["beats_baselines"], rows["higher"]["beats_baselines"]) == (True, False)
    behind = rows["higher"]["behind_best"]
    assert behind["leader"] == "lower" and behind["difference"] > 0 and behind["excluded"]
    assert behind_the_best({"a": np.array([2.0, 2]), "b": np.array([1.0, 1])}, "test_nll", 0.95)["a"]["leader"] == "b"


def test_pairs_and_claims_that_name_no_metric_are_about_the_one_that_decides(records):
    pair = compare_pairs(
        {"pair": Pair("lower", "none"), "named": Pair("lower", "none", "test_accuracy")}, records, **BY_LOSS
    )
    assert (pair["pair"]["metric"], pair["pair"]["verdict"]) == ("test_nll", "helps")
    assert (pair["named"]["metric"], pair["named"]["verdict"]) == ("test_accuracy", "hurts")
    claim = Claim("it is lower", "dropout", "lower", "none", "lower")
    alike = Claim("it is the same", "dropout", "same", "none", "same")
    rows = claims.judge({"claim": claim, "alike": alike}, records, lambda *key: {}, **BY_LOSS)
    assert (rows["claim"]["metric"], rows["claim"]["verdict"]) == ("test_nll", "supported")
    assert (rows["alike"]["margin"], rows["alike"]["verdict"]) == (0.01, "supported")


def test_accuracy_decides_unless_another_metric_is_named(records):
    assert comparison.compare(records, **Evaluation().rule) == comparison.compare(
        records, confidence=0.95, relevant_difference=0.005, metric="test_accuracy"
    )
