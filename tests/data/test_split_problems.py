"""Contradictions between the settings of a split and the data: one line each, with what was found and what is allowed."""

import json
from dataclasses import replace

import numpy as np
import pytest

from reglab.core.errors import UserError
from reglab.data import prepared, splits
from reglab.data.settings import Data
from reglab.data.sources.arrays import Arrays
from reglab.data.split_problems import part_problems, problems
from reglab.data.splits import all_splits, description

DATA = Data("table", train_size=60, validation_size=20, test_size=20)
LABELS = np.tile([0, 1], 50)
GROUPS = np.repeat(np.arange(25), 4)
TIMES = np.arange(100.0)
PARTS = np.repeat(["train", "validation", "test"], [60, 20, 20])


@pytest.mark.parametrize(
    ("settings", "structure", "line"),
    [
        ({"split": "group"}, {}, "data.split: found group, but the examples have no groups; allowed: group: the name"),
        ({"split": "time"}, {}, "data.split: found time, but the examples have no times; allowed: time: the name"),
        ({"split": "column"}, {}, "data.split: found column, but the examples have no parts"),
        (
            {"split": "group"},
            {"groups": LABELS},
            "data.split: found group, but 2 groups; allowed: three groups or more",
        ),
        (
            {"split": "group"},
            {"groups": np.maximum(np.arange(100) - 64, 0)},
            "data.split: found group, where 65 examples must stay together (groups stay whole; examples 1, 2, 3, ...); "
            "allowed: at most 60, what validation_size and test_size leave",
        ),
        (
            {},
            {"duplicates": np.maximum(np.arange(100) - 64, 0)},
            "data.split: found random, where 65 examples must stay together (identical examples stay together;",
        ),
        (
            {"split": "column"},
            {"parts": np.where(np.arange(100) == 41, "dev", PARTS)},
            'data.split: found column, and parts named "dev", the first in example 42; allowed: train, validation, test,',
        ),
        (
            {"split": "column", "test_size": 21},
            {"parts": PARTS},
            "data.test_size: found 21; allowed: at most 20, as the file names test",
        ),
        (
            {"split": "column"},
            {"parts": np.where(PARTS == "validation", "test", PARTS)},
            "data.train_size: found 60; allowed: at most 40, as the file names train, beside validation_size",
        ),
        (
            {"split": "k_fold", "folds": 50, "test_size": 2},
            {"duplicates": np.arange(100) // 4},
            "data.folds: found 50; allowed: at most 25, for class 0 has so many sets of examples that stay together",
        ),
        (
            {"split": "k_fold"},
            {"duplicates": np.arange(100) // 34},
            "data.folds: found 5; allowed: at most 3, for class 0 has so many sets of examples that stay together",
        ),
        (
            {"split": "k_fold", "test_set": "fixed"},
            {},
            "data.test_set: found fixed with split: k_fold, which tests on every fold; allowed: resampled",
        ),
        ({"split": "k_fold", "folds": 1}, {}, "data.folds: found 1; allowed: at least 2"),
        (
            {"split": "k_fold", "folds": 3, "train_size": 46},
            {},
            "data.test_size: found 20; allowed: 33, one of 3 folds of 100 examples",
        ),
        (
            {"split": "k_fold", "train_size": 61},
            {},
            "data.train_size: found 61; allowed: at most 60, what a fold of 20 and validation_size leave of 100 examples",
        ),
        ({"folds": 3}, {}, "data.folds: found 3 with split: random; allowed: null; folds belong to k_fold and time"),
        (
            {"split": "time", "folds": 2, "test_set": "fixed", "test_size": 10},
            {"times": TIMES},
            "data.test_set: found fixed with 2 test windows; allowed: resampled, or folds: 1",
        ),
        (
            {"split": "time", "folds": 2},
            {"times": TIMES},
            "data: train_size + validation_size + 2 folds x test_size = 120, but table has 100 examples",
        ),
        ({"train_size": 61}, {}, "data: train_size + validation_size + test_size = 101, but table has 100 examples"),
        ({"test_size": 1}, {}, "data.test_size: found 1; allowed: at least 2, one example a class"),
    ],
)
def test_a_contradiction_is_one_line(settings, structure, line):
    result = problems(replace(DATA, **settings), LABELS, **structure)
    assert any(each.startswith(f"params.yaml: {line}") for each in result), result
    assert len(result) == 1


@pytest.mark.parametrize(
    ("settings", "structure"),
    [
        ({}, {"groups": LABELS, "times": np.zeros(100)}),
        ({"split": "group"}, {"groups": GROUPS}),
        ({"split": "time"}, {"times": TIMES}),
        ({"split": "time", "folds": 2, "train_size": 40}, {"times": TIMES}),
        ({"split": "column"}, {"parts": PARTS}),
        ({"split": "k_fold"}, {"groups": np.arange(100) // 2}),
        ({"split": "k_fold", "folds": 5}, {"duplicates": np.arange(100) // 2}),
    ],
)
def test_what_fits_has_no_problem(settings, structure):
    data = replace(DATA, **settings)
    assert problems(data, LABELS, **structure) == []
    assert part_problems(data, LABELS, all_splits(data, LABELS, 6, **structure)) == []


@pytest.mark.parametrize(
    ("split", "named", "line"),
    [
        (
            "random",
            {"group": "clinic"},
            "found random beside data.group: clinic, which it ignores; allowed: split: group; or",
        ),
        (
            "random",
            {"time": "year"},
            "found random beside data.time: year, which it ignores; allowed: split: time; or data",
        ),
        (
            "random",
            {"group": "clinic", "parts": "part"},
            "beside data.group: clinic, data.parts: part, which it ignores; allowed: split: group or column; or data without "
            "group and parts",
        ),
        ("k_fold", {"parts": "part"}, "found k_fold beside data.parts: part, which it ignores"),
        ("column", {"group": "clinic", "parts": "part"}, "found column beside data.group: clinic, which it ignores"),
    ],
)
def test_a_column_that_is_named_and_that_the_split_ignores_is_refused(split, named, line):
    source = Arrays("a.npz", **named)
    size = 20 if split == "k_fold" else DATA.test_size
    lines = problems(
        replace(DATA, split=split, source=source, test_size=size), LABELS, groups=GROUPS, times=TIMES, parts=PARTS
    )
    assert len(lines) == 1 and line in lines[0], lines


@pytest.mark.parametrize(
    ("split", "named"),
    [
        ("group", {"group": "clinic", "time": "year"}),
        ("time", {"group": "clinic", "time": "year"}),
        ("k_fold", {"group": "clinic"}),
        ("column", {"parts": "part"}),
        ("random", {"weight": "often"}),
    ],
)
def test_a_column_that_the_split_uses_or_that_orders_rows_alone_is_none(split, named):
    lines = problems(
        replace(DATA, split=split, source=Arrays("a.npz", **named)), LABELS, groups=GROUPS, times=TIMES, parts=PARTS
    )
    assert not any("which it ignores" in line for line in lines)


def test_a_part_that_whole_groups_make_too_large_is_told_with_the_seed():
    data = replace(DATA, split="group", train_size=50, validation_size=20, test_size=8)
    groups = np.arange(100) // 20
    assert problems(data, LABELS, groups=groups) == []
    [line] = part_problems(data, LABELS, all_splits(data, LABELS, 3, groups=groups))
    assert line.startswith(
        "params.yaml: data.test_size: found 8, but a test part of 20 examples for seed 0, as groups stay"
    )


def test_where_groups_last_longer_than_a_window_the_line_names_groups_as_the_reason():
    data = replace(DATA, split="time")
    groups = np.arange(100) % 5
    drawn = all_splits(data, LABELS, 3, times=TIMES, groups=groups)
    lines = part_problems(data, LABELS, drawn, grouped=True)
    assert (
        "as a group is in one window of time alone, and its examples in the others are left out; allowed:" in lines[0]
    )


def test_a_class_that_comes_after_the_past_is_told():
    data, labels = replace(DATA, split="time"), np.where(TIMES < 70, LABELS, 2)
    [line] = part_problems(data, labels, all_splits(data, labels, 3, times=TIMES))
    assert line.startswith(
        "params.yaml: data.split: found time, where seed 0 has no training example of class 2; allowed:"
    )


def test_a_class_that_the_file_never_trains_on_is_told():
    data, labels = replace(DATA, split="column"), np.where(PARTS == "test", 2, LABELS)
    [line] = part_problems(data, labels, all_splits(data, labels, 3, parts=PARTS))
    assert "where seed 0 has no training example of class 2" in line


def test_the_correction_is_from_the_sizes_that_came_out_and_there_is_none_without_new_test_examples():
    groups = np.random.default_rng(0).integers(0, 12, 100)
    data = replace(DATA, split="group", train_size=55)
    drawn = all_splits(data, LABELS, 7, groups=groups)
    assert len({len(parts["test"]) for parts in drawn}) == 1
    trained = sum(len(parts["labelled"]) for parts in drawn)
    assert splits.test_to_train(data, drawn) == pytest.approx(7 * len(drawn[0]["test"]) / trained)
    assert splits.test_to_train(DATA, all_splits(DATA, LABELS, 3)) == 20 / 60
    for settings, structure in (
        ({"test_set": "fixed"}, {}),
        ({"split": "time"}, {"times": TIMES}),
        ({"split": "column"}, {"parts": PARTS}),
    ):
        other = replace(DATA, **settings)
        assert splits.test_to_train(other, all_splits(other, LABELS, 3, **structure)) is None


def test_the_correction_of_folds_that_train_on_all_others_is_one_over_their_number_less_one():
    for folds in (2, 5, 10):
        data = replace(DATA, split="k_fold", folds=folds)
        n = 200_000
        labels = np.tile([0, 1], n // 2)
        sizes = {"test_size": n // folds, "validation_size": 2, "train_size": n - n // folds - 2}
        drawn = all_splits(replace(data, **sizes), labels, 2)
        assert splits.test_to_train(data, drawn) == pytest.approx(1 / (folds - 1), rel=1e-4)


def test_test_parts_of_whole_groups_are_cut_to_the_shortest_and_what_is_left_out_is_counted():
    groups = np.random.default_rng(1).integers(0, 12, 100)
    data = replace(DATA, split="group", train_size=50)
    told = description(data, LABELS, drawn := all_splits(data, LABELS, 9, groups=groups))
    assert told["sizes"]["test"] == [len(drawn[0]["test"])] * 2
    left_out = [100 - sum(map(len, parts.values())) for parts in drawn]
    assert told["sizes"]["left_out"] == [min(left_out), max(left_out)] and max(left_out) > 0
    validated = [len(parts["validation"]) for parts in drawn]
    assert told["sizes"]["validation"] == [min(validated), max(validated)] and told["kind"] == "group"


def test_prepared_data_keep_groups_and_identical_examples_apart_and_say_how_many_there_are(tmp_path):
    inputs = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    inputs[40:44] = inputs[60:64]  # two groups are one then
    data = replace(DATA, split="group", train_size=50)
    prepared.write(tmp_path, data, inputs, LABELS, seeds=5, groups=GROUPS)
    study = prepared.read(tmp_path)
    joined = np.where(GROUPS == 15, 10, GROUPS)
    for seed in range(5):
        rows = study.split(seed).rows
        sides = [rows["test"], rows["validation"], np.concatenate([rows["labelled"], rows["unlabelled"]])]
        assert sum(len(set(joined[side])) for side in sides) == len({*joined[np.concatenate(sides)]})
        assert len(study.resized(seed, 1000, 0.0).rows["labelled"]) == len(sides[2])
    assert json.loads((tmp_path / "dataset.json").read_text())["split"]["duplicates"] == 4
    with pytest.raises(UserError, match="the examples have no groups"):
        prepared.write(tmp_path, data, inputs, LABELS, seeds=5)
