"""The few numbers that `dvc metrics` prints, a row an entry."""

from reglab.experiments.verdicts import summary

DROPOUT = {"test_accuracy": 0.93125, "difference": 0.0048182, "low": -0.0011, "high": 0.01, "verdict": "cannot tell"}
IOU = {"mean": 0.3, "low": 0.29, "high": 0.31, "verdict": "helps"}  # `low` and `high` here: of the mean
IOU |= {"difference": 0.02, "difference_low": 0.01, "difference_high": 0.03}
DEPTH = IOU | {"mean": 0.09, "verdict": "hurts"}


def test_a_row_has_difference_interval_value_and_verdict_in_the_order_in_which_dvc_prints_columns():
    row = summary({"regularizers": {"dropout": DROPOUT | {"p": 0.3, "cost": 1.0}}})["regularizers/dropout"]
    wanted = {"difference": 0.00482, "lower": -0.0011, "upper": 0.01, "value": 0.93125, "verdict": "cannot tell"}
    assert row == wanted and list(row) == sorted(row)


def test_what_several_metrics_judge_has_a_row_for_each_and_none_for_one_number_of_labels():
    result = summary(
        {"multitask": {"joint": {"comparisons": {"test_iou": IOU, "test_depth": DEPTH, "test_iou@16": IOU}}}}
    )
    assert list(result) == ["multitask/joint.test_iou", "multitask/joint.test_depth"]
    assert result["multitask/joint.test_depth"]["value"] == 0.09
    (path,) = summary({"transfer": {"tuned": {"comparisons": {"test_accuracy": IOU, "test_accuracy@1": IOU}}}})
    assert path == "transfer/tuned"


def test_the_interval_is_that_of_the_difference_and_not_that_of_the_mean():
    row = summary({"multitask": {"joint": {"comparisons": {"test_iou": IOU}}}})["multitask/joint"]
    assert (row["lower"], row["upper"]) == (0.01, 0.03)


def test_a_cocktail_is_judged_as_a_whole_and_a_claim_has_the_value_of_its_metric():
    result = summary(
        {
            "cocktails": {"stacked": {"full": {"difference": 0.05, "low": 0.04, "high": 0.06, "verdict": "helps"}}},
            "claims": {"sparse": {"value": 0.54, "difference": 0.54, "low": 0.5, "high": 0.6, "verdict": "supported"}},
        }
    )
    assert result["cocktails/stacked"] == {"difference": 0.05, "lower": 0.04, "upper": 0.06, "verdict": "helps"}
    assert result["claims/sparse"]["value"] == 0.54


def test_what_diverged_keeps_its_verdict_and_what_has_none_has_no_row():
    diverged = {"test_accuracy": None, "difference": None, "low": None, "high": None, "verdict": "diverged"}
    result = summary(
        {
            "regularizers": {"l1": diverged},
            "regimes": {"l1": {"cells": {"100x0.0x32": DROPOUT}}},
            "statistical_tests": {"on this data set": "text"},
            "warnings": ["few seeds"],
        }
    )
    assert result == {"regularizers/l1": {"verdict": "diverged"}}
