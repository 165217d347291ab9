"""The question of new data beside that of this data set: more cautious, corrected for itself, and silent where it must be."""

import numpy as np
import pytest
from scipy import stats

from reglab.evaluation import comparison
from reglab.evaluation.judgement import PairedComparison, on_distribution, probability
from reglab.evaluation.statistics import holm, standard_error, student_test

RULE = {"confidence": 0.95, "relevant_difference": 0.005}
RATIO = 400 / 900
SEEDS = 11
D = {
    name: np.random.default_rng(number).normal(mean, 0.01, SEEDS)
    for number, (name, mean) in enumerate({"large": 0.06, "small": 0.009, "nothing": 0.0}.items())
}


def judged(differences: dict, metric: str = "test_accuracy", ratio: float | None = RATIO) -> dict:
    comparisons = {name: PairedComparison(values, metric) for name, values in differences.items()}
    return on_distribution(comparisons, test_to_train=ratio, **RULE)


def test_a_row_is_the_corrected_test_with_holms_correction_over_these_alone():
    rows = judged(D)
    p = [student_test(d.mean(), standard_error(d, RATIO), SEEDS) for d in D.values()]
    assert [row["p"] for row in rows.values()] == pytest.approx(p, rel=1e-8)  # means are rounded to twelve decimals
    assert [row["p_holm"] for row in rows.values()] == pytest.approx(holm(np.array(p)).tolist())
    half = stats.t.ppf(0.975, SEEDS - 1) * D["large"].std(ddof=1) * np.sqrt(1 / SEEDS + RATIO)
    assert (rows["large"]["high"] - rows["large"]["low"]) / 2 == pytest.approx(half, rel=1e-12)


def test_what_is_real_on_this_data_set_may_not_be_so_on_new_data():
    assert {name: row["verdict"] for name, row in judged(D).items()} == {
        "large": "helps",
        "small": "cannot tell",
        "nothing": "cannot tell",
    }
    assert judged({"small": D["small"]}, ratio=0.0)["small"]["verdict"] == "helps"


def test_where_less_is_better_the_verdict_turns_and_the_interval_stays():
    row, turned = judged(D)["large"], judged({name: -d for name, d in D.items()}, "test_ece")["large"]
    assert turned["verdict"] == "helps" and turned["probability"] == pytest.approx(row["probability"])
    assert (turned["low"], turned["high"]) == pytest.approx((-row["high"], -row["low"]))
    assert probability(-D["large"], "test_ece", 0.005) == pytest.approx(probability(D["large"], "test_accuracy", 0.005))


def test_with_a_fixed_test_set_or_without_differences_there_is_no_answer():
    assert judged(D, ratio=None) == dict.fromkeys(D)
    assert judged({"lost": np.empty(0), "large": D["large"]})["lost"] is None
    assert (
        judged({"lost": np.empty(0), "large": D["large"]})["large"]["p_holm"]
        == judged({"large": D["large"]})["large"]["p"]
    )


def record(test: np.ndarray) -> dict:
    seeds = {str(n): {"status": "finished", "metrics": {"test_accuracy": float(v)}} for n, v in enumerate(test)}
    return {"technique": [], "checks": [], "seeds": seeds}


def test_the_comparison_with_none_answers_both_questions_apart():
    none = 0.88 + np.random.default_rng(9).normal(0, 0.01, SEEDS)
    recipes = {"none": record(none)} | {name: record(none + d) for name, d in D.items()} | {"placebo": record(none)}
    rows = comparison.compare({"regularizers": recipes}, **RULE, test_to_train=RATIO)["regularizers"]
    assert rows["none"]["probability"] is None and rows["none"]["distribution"] is None
    for name in D:
        row, wide = rows[name], rows[name]["distribution"]
        assert wide["low"] < row["low"] and row["high"] < wide["high"]
        assert wide["probability"]["same"] > row["probability"]["same"] or name == "nothing"
    certain = {"helps": 0.0, "same": 1.0, "hurts": 0.0}
    for row in (rows["placebo"], rows["placebo"]["distribution"]):
        assert row["verdict"] == "no relevant difference" and row["probability"] == certain
    silent = comparison.compare({"regularizers": recipes}, **RULE)["regularizers"]
    assert all(row["distribution"] is None for row in silent.values())
    assert {name: row["verdict"] for name, row in silent.items()} == {
        name: row["verdict"] for name, row in rows.items()
    }
