"""Splits of labels: every label is in every part, about in proportion, whatever the split keeps together."""

from types import SimpleNamespace

import numpy as np
import pytest

from reglab.data import split_problems
from reglab.data.splits import add_label_noise, all_splits, split
from reglab.data.target_kind import by_rarest_label, strata, task_of

ROWS = 400
SHARES = (0.02, 0.05, 0.2, 0.5, 0.7)
PARTS = ("labelled", "validation", "test")


def labels_of(seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random((ROWS, len(SHARES))) < SHARES).astype(np.uint8)


def section(**changes) -> SimpleNamespace:
    given = {
        "name": "some",
        "train_size": 240,
        "validation_size": 80,
        "test_size": 80,
        "split": "random",
        "folds": None,
        "source": None,
    }
    return SimpleNamespace(**given | {"test_set": "resampled"} | changes)


def test_the_task_of_a_matrix_of_zeros_and_ones_is_multilabel():
    assert task_of(labels_of()) == "multilabel"
    assert task_of(labels_of()[:, 0].astype(np.int64)) == "classification"


def test_rows_of_a_stratum_have_its_label_and_no_rarer_one():
    labels = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 1, 0], [0, 0, 0]] * 20, np.uint8)
    assert by_rarest_label(labels).reshape(20, 6)[0].tolist() == [1, 1, 0, 2, 2, 3]  # counts 40, 80 and 20


def test_few_rows_that_a_rarer_label_left_go_to_the_next_one():
    labels = np.zeros((60, 2), np.uint8)
    labels[:8, 0], labels[5:40, 1] = 1, 1
    rarest = by_rarest_label(labels)
    assert rarest[:8].tolist() == [0] * 8 and rarest[8:40].tolist() == [1] * 32 and set(rarest[40:]) == {2}
    few = by_rarest_label(labels[:43])  # three rows without a label are no stratum
    assert few.tolist() == rarest[:40].tolist() + [1] * 3


def test_a_label_that_few_rows_have_is_a_stratum_of_its_own():
    labels = np.zeros((40, 2), np.uint8)
    labels[:3, 0], labels[3:, 1] = 1, 1
    assert strata(labels).tolist() == [0] * 3 + [1] * 37


@pytest.mark.parametrize("kept", ["nothing", "groups", "times", "folds"])
def test_every_part_has_every_label_about_as_often_as_the_whole(kept):
    labels, extra, kind = labels_of(), {}, "random"
    if kept == "groups":
        extra, kind = {"groups": np.arange(ROWS) // 2}, "group"
    elif kept == "times":
        extra, kind = {"times": np.arange(ROWS, dtype=float)}, "time"
    elif kept == "folds":
        kind = "k_fold"
    for seed in range(4):
        parts = split(
            labels,
            train_size=240,
            validation_size=80,
            test_size=80,
            seed=seed,
            split=kind,
            folds=5 if kept == "folds" else 1,
            **extra,
        )
        rows = np.concatenate([*parts.values()])
        assert len(np.unique(rows)) == len(rows) <= ROWS
        for part in PARTS if kept != "times" else ():  # a window in time has the labels of its time
            share = labels[parts[part]].mean(0)
            assert (share > 0).all() and np.abs(share - labels.mean(0)).max() < 0.1
            assert abs(share[0] - labels[:, 0].mean()) < 0.02  # of the rarest label


def test_a_training_part_without_a_label_is_named():
    labels = labels_of()
    data = section(split="column")
    assert split_problems.part_problems(section(), labels, all_splits(section(), labels, 2)) == []
    rows = np.argsort(-labels[:, 1].astype(int), kind="stable")  # those with the label first
    drawn = {"test": rows[:80], "validation": rows[80:160], "labelled": rows[160:], "unlabelled": rows[:0]}
    [line] = split_problems.part_problems(data, labels, [drawn])
    assert "column, where seed 0 has no training example with the label 1; allowed: examples with and without" in line
    [line] = split_problems.part_problems(data, 1 - labels, [drawn], ["a", "b", "c", "d", "e"])
    assert "no training example without the label b; allowed" in line


def test_too_many_folds_for_a_rare_label_are_refused():
    labels = np.zeros((60, 2), np.uint8)
    labels[:4, 0], labels[::2, 1] = 1, 1
    data = section(split="k_fold", folds=6, train_size=30, validation_size=10, test_size=10)
    lines = split_problems.problems(data, labels)
    assert any("at most 4, for the smallest set of examples with a label in common" in line for line in lines)


def test_noise_gives_a_row_the_labels_of_another_and_more_noise_keeps_them():
    labels = labels_of()
    some, more = (add_label_noise(labels, classes=None, fraction=share, seed=1) for share in (0.1, 0.3))
    changed = (some != labels).any(1)
    assert 0 < changed.sum() <= 40 and np.array_equal(more[changed], some[changed])
    known = {row.tobytes() for row in labels}
    assert all(row.tobytes() in known for row in more)
