"""The rows of the results table, and the axis that their differences are drawn on."""

import pytest

from reglab.core.errors import UserError
from reglab.report.collect import Entry
from reglab.report.tables import Axis, Interval, Row, common_axis, place_among, rows


def row(family="regularizers", name="unheard_of", record=None, **numbers):
    return Row(Entry({"family": family, "name": name, "seeds": {}} | (record or {}), {}, None), numbers)


def changed(metric, low, high):
    numbers = {"mean": 0.5, "low": 0.4, "high": 0.6, "difference": 0.1, "difference_low": low, "difference_high": high}
    return row(metrics={metric: numbers})


@pytest.mark.parametrize(
    ("metric", "low", "high", "effect"),
    [
        ("test_accuracy", 0.01, 0.02, "better"),
        ("test_accuracy", -0.02, -0.01, "worse"),
        ("test_nll", 0.01, 0.02, "worse"),
        ("test_nll", -0.02, -0.01, "better"),
        ("test_nll", -0.01, 0.02, ""),
        ("test_nll", 0.0, 0.02, ""),
        ("test_nll", -0.02, 0.0, ""),
        ("test_nll", None, 0.02, ""),
        ("test_nll", 0.01, None, ""),
    ],
)
def test_an_effect_is_named_where_the_interval_leaves_out_zero_and_by_what_is_better(metric, low, high, effect):
    assert changed(metric, low, high).effect(metric) == effect


def test_a_metric_has_its_mean_and_its_change_and_one_that_is_not_there_neither():
    result = changed("test_nll", -0.02, 0.03)
    assert result.measured("test_nll") == Interval(0.5, 0.4, 0.6)
    assert result.change("test_nll") == Interval(0.1, -0.02, 0.03)
    for one in (result, row()):
        assert one.measured("test_ece") == one.change("test_ece") == Interval(None, None, None)
        assert one.effect("test_ece") == ""


def test_verdicts_are_sorted_from_good_to_bad_and_the_reference_has_none():
    verdicts = ["helps", "no relevant difference", "cannot tell", "hurts", "diverged", ""]
    assert [place_among(verdict) for verdict in verdicts] == [0, 1, 2, 3, None, None]
    assert row(verdict="hurts").place == 3 and row(verdict="hurts").verdict == "hurts"
    assert row("baselines", verdict="hurts").verdict == "", "a classical method adds nothing to a network"
    assert row("baselines", verdict="diverged").verdict == "diverged" and row(verdict=None).verdict == ""


def test_what_diverged_or_fails_a_check_is_not_ranked():
    assert row(verdict="helps").ranked and not row(verdict="helps").diverged
    assert row(verdict="diverged").diverged and not row(verdict="diverged").ranked
    diverged = row(record={"seeds": {"3": {"status": "diverged"}, "4": {"status": "finished"}}}, verdict="cannot tell")
    assert diverged.diverged and not diverged.ranked
    assert not row(verdict="check failed").ranked and not row(verdict="check failed").diverged


def test_a_row_says_what_kind_of_entry_it_is():
    kinds = [
        row(*arguments).kind for arguments in (("baselines",), ("combinations",), ("ensembles",), ("regularizers",))
    ]
    assert kinds == ["classical", "combination", "ensemble", "regularizer"]
    assert row(name="dropout").kind == row(name="dropout").part.id.replace("_", " ") != "regularizer"
    assert row("combinations", "dropout").part is None


def test_only_none_is_the_reference_and_has_no_other_question():
    assert row(name="none", distribution=1).reference and row(name="none", distribution=1).on_distribution is None
    for other in (row(distribution=1), row("baselines", "none", distribution=1)):
        assert not other.reference and other.on_distribution == 1


def test_passes_are_those_of_a_step_where_they_are_counted():
    assert row(record={"cost": {"forward_passes": 3, "backward_passes": 2}}).passes == (3, 2)
    assert row(record={"cost": {}}).passes is None is row().passes


def test_rows_stand_by_accuracy_and_behind_them_what_is_not_ranked():
    numbers = {"low": ("helps", 0.7), "high": ("helps", 0.9), "none": ("reference", 0.8), "lost": ("diverged", None)}
    numbers["wrong"] = ("check failed", 0.95)
    metrics = {
        "regularizers": {name: {"verdict": verdict, "test_accuracy": at} for name, (verdict, at) in numbers.items()}
    }
    entries = [row(name=name).entry for name in numbers] + [row("theory", "lasso").entry]
    assert [each.name for each in rows(entries, metrics)] == ["high", "none", "low", "wrong", "lost"]
    with pytest.raises(UserError, match=r"nothing on regularizers\.absent; run"):
        rows([row(name="absent").entry], metrics)
    with pytest.raises(UserError, match=r"nothing on regularizers\.low, regularizers\.high"):
        rows(entries, {})


def test_a_place_on_an_axis_is_a_share_of_its_width():
    axis = Axis(-0.02, 0.06)
    assert [axis.at(x) for x in (-0.02, 0.0, 0.06)] == ["0.00%", "25.00%", "100.00%"]


def test_ticks_are_round_numbers_within_the_axis_and_not_at_its_edges():
    assert Axis(-0.025, 0.045).ticks == [-0.02, 0.0, 0.02, 0.04] and Axis(-0.025, 0.045).whole
    assert Axis(-0.02, 0.04).ticks == [0.0, 0.02], "a label right at the edge would be cut off"
    assert Axis(-0.0025, 0.0055).ticks == [-0.002, 0.0, 0.002, 0.004] and not Axis(-0.0025, 0.0055).whole


def test_the_common_axis_holds_all_intervals_zero_and_the_band_of_relevance():
    table = [row(difference=0.02, low=0.01, high=0.05), row(difference=-0.03, low=-0.07, high=None)]
    table.append(row(difference=-9.0, low=-9.0, high=9.0, verdict="diverged"))
    result = common_axis(table, 0.005)
    assert (result.low, result.high) == pytest.approx((-0.07 - 0.06 * 0.12, 0.05 + 0.06 * 0.12))
    alone = common_axis([], 0.01)
    assert (alone.low, alone.high) == pytest.approx((-0.02 - 0.06 * 0.04, 0.02 + 0.06 * 0.04))
    nothing = common_axis([], 0.0)
    assert (nothing.low, nothing.high) == (-1.0, 1.0)
