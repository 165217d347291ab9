"""What is read, and what is said when it is not there; the means over seeds."""

import csv
import io

import numpy as np
import pytest

from reglab.core.errors import UserError
from reglab.report.collect import Entry, collect, read_curves
from reglab.report.curves import Course, curve_table, held, stopped_at
from reglab.report.panels import POINTS, Panel, ticks


def test_each_missing_record_names_the_stage_that_makes_it(study):
    runs, expected, _ = study
    asked = [("regularizers", "gone"), ("combinations", "lost"), ("baselines", "absent"), ("theory", "away"), *expected]
    with pytest.raises(UserError) as caught:
        collect(runs, asked)
    stages = ["train@gone", "combine@lost", "baseline@absent", "theory@away"]
    assert [line.rpartition(" ")[2] for line in caught.value.lines] == stages


def test_an_incomplete_record_is_a_line_and_no_traceback(study):
    runs, expected, _ = study
    (runs / "regularizers" / "dropout" / "record.json").write_text('{"schema": 1, "fam')
    with pytest.raises(UserError, match=r"dropout: not readable .* dvc repro train@dropout"):
        collect(runs, expected)


def test_entries_come_in_the_order_of_params(study):
    runs, expected, _ = study
    assert [(entry.family, entry.name) for entry in collect(runs, expected[::-1])] == expected[::-1]


def test_the_curve_table_holds_the_means_over_seeds(study):
    runs, expected, _ = study
    result = list(csv.DictReader(io.StringIO(curve_table(collect(runs, expected)))))
    assert {row["recipe"] for row in result} == {
        name for family, name in expected if family in ("regularizers", "combinations")
    }
    for name in ("none", "dropout_and_input_noise"):
        family = "regularizers" if name == "none" else "combinations"
        lines = list(csv.DictReader((runs / family / name / "curves.csv").open()))
        for row in (row for row in result if row["recipe"] == name):
            seeds = [line for line in lines if line["epoch"] == row["epoch"]]
            assert len(seeds) == 10
            for part in ("train", "validation"):
                nll = np.mean([float(line[f"{part}_nll"]) for line in seeds])
                error = np.mean([1 - float(line[f"{part}_accuracy"]) for line in seeds])
                # written with six digits
                assert float(row[f"{part}_nll"]) == pytest.approx(nll, rel=1e-5)
                assert float(row[f"{part}_error"]) == pytest.approx(error, rel=1e-5)


def columns(*losses: float) -> dict[str, np.ndarray]:
    values = np.array(losses)
    return {
        "epoch": np.arange(len(values)),
        "validation_nll": values,
        "validation_accuracy": values,
        "train_accuracy": values,
    }


def entry(*seeds: dict, status: str = "finished") -> Entry:
    outcomes = {str(seed): {"status": status} for seed in range(len(seeds))}
    return Entry({"family": "regularizers", "name": "x", "seeds": outcomes}, dict(enumerate(seeds)), None)


def test_a_seed_that_stopped_keeps_its_last_value():
    curves = {0: columns(3, 2, 1), 1: columns(5), 2: columns(4, np.nan, 6)}
    assert held(curves, [0, 1, 2], "validation_nll").tolist() == [[3, 2, 1], [5, 5, 5], [4, 4, 6]]
    assert stopped_at(entry(*curves.values())) == [0]


def test_a_seed_that_diverged_is_in_no_mean():
    whole, infinite = columns(1.0, 0.5), columns(9.0, np.inf)
    mixed = entry(whole, infinite)
    mixed.record["seeds"]["1"]["status"] = "diverged"
    assert Course.of(mixed, "validation_nll") == Course.of(entry(whole), "validation_nll")
    assert curve_table([entry(infinite, status="diverged")]).count("\n") == 1  # the header alone


def test_a_course_is_the_lowest_of_the_mean_and_whether_it_rises_again():
    seeds = columns(2.0, 1.0, 1.5), columns(4.0, 2.0, 0.5, 3.0)  # means 3, 1.5, 1, 2.25: the first is held at 1.5
    assert Course.of(entry(*seeds), "validation_nll") == Course(lowest=1.0, epoch=2, last=2.25)
    assert Course(1.0, 1, 1.2).rises and not Course(1.0, 1, 1.05).rises


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    panel = Panel("nll", "Loss", epochs=5000, top=1.0)
    path = panel.line(np.linspace(1, 0, 5000))
    assert path.count("L") == POINTS - 1
    assert path.startswith(f"M{panel.x(0):.1f},{panel.y(1):.1f}") and path.endswith(
        f"{panel.x(4999):.1f},{panel.y(0):.1f}"
    )


def test_axes_are_marked_at_round_numbers():
    assert ticks(26.0) == [0, 5, 10, 15, 20, 25]
    assert ticks(0.9) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert ticks(0, integer=True) == [0] and ticks(1, integer=True) == [0, 1]


def test_an_empty_cell_is_not_a_number(tmp_path):
    (tmp_path / "curves.csv").write_text("seed,epoch,train_nll,l1_penalty\n0,0,1.5,\n0,1,1.25,0.5\n3,0,2.5,0.75\n")
    curves = read_curves(tmp_path)
    assert list(curves) == [0, 3] and curves[0]["train_nll"].tolist() == [1.5, 1.25]
    assert np.isnan(curves[0]["l1_penalty"][0]) and curves[3]["l1_penalty"][0] == 0.75
    assert read_curves(tmp_path / "none") == {}
