"""One family of comparisons: Holm's correction by hand, and the relevant difference where it is in a metric's unit."""

import numpy as np
import pytest

from reglab.evaluation.judgement import PairedComparison, judge
from reglab.evaluation.metric_names import relevance

SEEDS = [str(seed) for seed in range(11)]
ALL_GAIN = 0.05 + 0.001 * np.arange(11)  # p = 2/2048 of the sign flip
TWO_LOSE = np.r_[-0.001, -0.0009, np.full(9, 0.05)]


def judged(values, metric="test_accuracy", relevant=0.005):
    comparisons = {key: PairedComparison(differences, metric) for key, differences in values.items()}
    return judge(comparisons, SEEDS, confidence=0.95, relevant_difference=relevant)


def test_p_is_multiplied_by_the_comparisons_that_are_left():
    """Sorted p times 4, 3, 2, 1, never falling: three at 2/2048 give 8/2048 each; sums of TWO_LOSE as large: 8 of 2048."""
    rows = judged({"a": ALL_GAIN, "b": ALL_GAIN + 1, "c": TWO_LOSE, "d": -ALL_GAIN})
    assert [rows[name]["p"] for name in "abcd"] == [2 / 2048, 2 / 2048, 8 / 2048, 2 / 2048]
    assert [rows[name]["p_holm"] for name in "abcd"] == pytest.approx([8 / 2048] * 4)


def test_a_difference_that_is_real_by_itself_is_not_so_among_sixty():
    values = {str(number): ALL_GAIN + 0.01 * number for number in range(60)}
    assert {row["verdict"] for row in judged(values).values()} == {"cannot tell"}  # 60 x 2/2048 = 0.059
    assert judged({"0": ALL_GAIN})["0"]["verdict"] == "helps"


@pytest.mark.parametrize(
    ("metric", "unit"),
    [
        *(
            (name, 0.005)
            for name in ("test_accuracy@5", "test_iou", "test_linear_probe", "test_ece", "robust_accuracy@0.1")
        ),
        *(
            (name, 0.005)
            for name in ("test_depth_rmse@16", "generalization_gap_given_labels", "train_accuracy_true_labels")
        ),
        *(
            (name, 0.0)
            for name in ("test_nll", "weight_norm", "variance", "bias_squared@3", "zero_weights", "test_brier")
        ),
    ],
)
def test_the_relevant_difference_is_that_of_accuracies_and_their_like(metric, unit):
    assert relevance(metric, 0.005) == unit


def test_a_small_loss_is_not_called_irrelevant_by_the_unit_of_accuracy():
    small = 0.002 + 0.0001 * np.arange(11)
    assert judged({"x": small})["x"]["verdict"] == "no relevant difference"
    row = judged({"x": -small}, "test_nll")["x"]
    assert row["verdict"] == "helps" and row["probability"]["helps"] > 0.99


def excluded(verdict, differences=ALL_GAIN):
    others = {name: PairedComparison(ALL_GAIN, "test_accuracy") for name in "ab"}
    comparisons = others | {"x": PairedComparison(differences, "test_accuracy", verdict)}
    return judge(comparisons, SEEDS, confidence=0.95, relevant_difference=0.005)


@pytest.mark.parametrize("verdict", ["diverged", "check failed"])
def test_what_is_excluded_has_its_reason_as_verdict_no_numbers_and_no_part_in_the_correction(verdict):
    rows = excluded(verdict)
    assert rows["x"]["verdict"] == verdict and np.isnan([rows["x"][key] for key in ("difference", "low", "high")]).all()
    untested = ("p", "p_holm", "probability", "seeds_needed", "p_to_level")
    assert {rows["x"][key] for key in untested} == {None} and rows["x"]["turns_without"] == {}
    assert rows["a"]["p_holm"] == 2 * 2 / 2048
    assert rows["a"].keys() == rows["x"].keys()


def test_a_reference_differs_from_itself_by_nothing_and_is_not_tested():
    rows = excluded("reference", np.zeros(11))
    assert [rows["x"][key] for key in ("difference", "low", "high", "p", "verdict")] == [
        0.0,
        0.0,
        0.0,
        None,
        "reference",
    ]
    assert rows["a"]["p_holm"] == 2 * 2 / 2048
