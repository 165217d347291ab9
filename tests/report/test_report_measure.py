"""The report of a study that a loss decides: lower is better in order, words, units and figures."""

import numpy as np
import pytest
from conftest import SETTINGS

from reglab.experiments.random_split.report import in_range
from reglab.report import pareto, slides
from reglab.report.answer import headline, points_to_know
from reglab.report.collect import Entry
from reglab.report.formats import missing
from reglab.report.measure import Interval, deciding, relevant_difference
from reglab.report.tables import Row, rows

BY_LOSS = SETTINGS | {"evaluation": {"confidence": 0.95, "metric": "nll", "relevant_difference": None}}
BY_AREA = SETTINGS | {"evaluation": {"confidence": 0.95, "metric": "auroc", "relevant_difference": 0.02}}
MEASURE = deciding(BY_LOSS)


def table(**recipes):
    """Rows from name=(verdict, difference, low, high); the loss of `none` is 0.6."""
    entries, metrics = [], {}
    for name, (verdict, difference, low, high) in ({"none": ("reference", 0.0, 0.0, 0.0)} | recipes).items():
        seeds = {str(seed): {"status": "finished"} for seed in range(10)}
        entries.append(Entry({"family": "regularizers", "name": name, "seeds": seeds}, {}, None))
        numbers = {"difference": difference, "low": low, "high": high, "verdict": verdict, "p_holm": 0.01, "cost": 1.5}
        metrics[name] = {"test_nll": 0.6 + difference, "test_accuracy": 0.9} | numbers
    return rows(entries, {"regularizers": metrics}, MEASURE)


def words(markup) -> str:
    return markup.striptags().replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("metric", "given", "cut"),
    [
        ("test_accuracy", (0.99, 0.96, 1.02), (0.96, 1)),
        ("test_accuracy@40", (0.01, -0.02, 0.04), (0, 0.04)),
        ("test_nll", (0.1, -0.3, 0.5), (0, 0.5)),
        ("test_r2", (0.9, -3.0, 1.2), (-3.0, 1)),
        ("test_iou", (0.98, 0.9, 1.1), (0.9, 1)),
        ("train_gap", (0.0, -0.1, 0.1), (-0.1, 0.1)),
        ("test_accuracy", (0.9, None, float("nan")), (None, None)),
    ],
)
def test_an_interval_of_a_mean_ends_where_the_range_of_its_metric_ends(metric, given, cut):
    mean, *ends = Interval(*given).within(metric)
    assert mean == given[0]
    assert all(
        end == pytest.approx(wanted) if wanted is not None else missing(end)
        for end, wanted in zip(ends, cut, strict=True)
    )


def test_the_table_of_results_shows_no_value_outside_the_range_of_its_metric():
    entry = Entry({"family": "regularizers", "name": "none", "seeds": {}, "summary": {}}, {}, None)
    measured = {"mean": 0.99, "low": 0.96, "high": 1.02}
    numbers = {"metrics": {"test_accuracy": measured}, "verdict": "reference", "test_accuracy": 0.99}
    assert Row(entry, numbers).measured("test_accuracy") == (0.99, 0.96, 1)


def test_the_price_of_the_leak_is_shown_with_means_inside_the_range_of_their_metric():
    row = {
        "random": {"mean": 0.99, "low": 0.96, "high": 1.02},
        "structured": {"mean": 0.01, "low": -0.02, "high": 0.04},
    }
    shown = in_range(row | {"difference": 0.98}, "test_accuracy")
    assert shown["random"]["high"] == 1 and shown["structured"]["low"] == 0 and shown["difference"] == 0.98


FOUND = {
    "dropout": ("helps", -0.2, -0.25, -0.1),
    "mixup": ("helps", -0.1, -0.12, -0.05),
    "l1": ("hurts", 0.3, 0.2, 0.5),
    "affine": ("no relevant difference", 0.001, -0.002, 0.004),
}


def test_the_lowest_loss_stands_first_and_is_told_in_nats_with_the_smaller_gain_first():
    result = table(**FOUND)
    assert [row.name for row in result] == ["dropout", "mixup", "none", "affine", "l1"]
    said = words(headline(result, BY_LOSS))
    assert "dropout helps most: it lowers test loss from 0.600 nats to 0.400 nats, by 0.200 nats" in said
    assert "(95 % interval 0.100 to 0.250, 10 seeds)" in said and "point" not in said.replace("points out", "")
    points = {point.about: words(point.text) for point in points_to_know(result, BY_LOSS, {})}
    assert points["Also helps"].startswith("mixup (−0.100)") and points["Hurts"].startswith("l1 (+0.300)")
    assert points["No relevant difference"] == "affine: within 0.01 nats of none, up or down."


def test_a_gain_against_cost_is_upwards_and_its_interval_turns_with_it():
    axes = pareto.figure(table(**FOUND)).axes[0]
    assert axes.get_ylabel() == "gain in test loss over none, nats"
    spans = [tuple(np.ptp(path.vertices[:, 1]) for path in bars.get_paths()) for bars in axes.collections]
    assert sorted(round(float(span), 3) for lengths in spans for span in lengths) == [0.0, 0.006, 0.07, 0.15, 0.3]
    ends = [path.vertices[:, 1] for bars in axes.collections for path in bars.get_paths()]
    assert any(np.allclose(sorted(end), (0.1, 0.25)) for end in ends), "the gain of dropout: 0.1 to 0.25"
    best = next(line for line in axes.lines if line.get_drawstyle() == "steps-post")
    assert max(best.get_ydata()) == pytest.approx(0.2)


def test_an_axis_of_differences_says_that_lower_is_better():
    drawn = slides.forest(table(**FOUND), 0.01).axes[0]
    assert drawn.get_xlabel() == "difference of test loss to none, nats (lower is better)"
    assert next(label.get_text() for label in drawn.get_yticklabels()) == "dropout"


def test_numbers_stand_in_the_unit_of_the_metric():
    area = deciding(BY_AREA)
    assert (MEASURE.value(0.5), MEASURE.difference(-0.05), MEASURE.with_unit(0.5)) == (
        "0.500",
        "−0.050",
        "0.500\u00a0nats",
    )
    assert (area.value(0.5), area.difference(-0.05), area.with_unit(0.5)) == ("50.0", "−5.0", "50.0\u00a0%")
    assert (area.axis("test AUROC"), area.in_units("gain")) == ("test AUROC, %", "gain, points")
    assert (relevant_difference(BY_LOSS), relevant_difference(BY_AREA)) == (0.01, 0.02)
    assert (relevant_difference(BY_LOSS, "test_iou"), relevant_difference(BY_AREA, "test_iou")) == (0.005, 0.02)


@pytest.mark.parametrize("settings", [BY_LOSS, BY_AREA])
def test_an_error_is_the_distance_from_the_best_and_leads_back_to_the_value(settings):
    measure = deciding(settings)
    better, worse = (0.2, 0.3) if measure.lower_is_better else (0.3, 0.2)
    assert measure.error_of(better) < measure.error_of(worse) and measure.error_of(None) is None
    assert measure.value_of(measure.error_of(0.3)) == pytest.approx(0.3)
    low, high = measure.errors_of(Interval(0.25, 0.2, 0.3))[1:]
    assert low < measure.scale * measure.error_of(0.25) < high
