"""Splits in time, by folds and by parts that the file names."""

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold, TimeSeriesSplit

from reglab.data.splits import split

SIZES = {"train_size": 150, "validation_size": 40, "test_size": 60}


def timed(number, count=400, distinct=None):
    random = np.random.default_rng(number)
    times = random.permutation(count).astype(float) if distinct is None else random.integers(0, distinct, count) * 1.0
    return random.integers(0, 3, count), times


@pytest.mark.parametrize("distinct", [None, 60, 12])
@pytest.mark.parametrize("number", range(6))
def test_training_comes_before_validation_and_that_before_test_and_equal_times_are_in_one_part(number, distinct):
    labels, times = timed(number, distinct=distinct)
    for seed in range(4):
        parts = split(labels, **SIZES, seed=seed, split="time", folds=2, times=times)
        past = np.concatenate([parts["labelled"], parts["unlabelled"]])
        assert times[past].max() < times[parts["validation"]].min()
        assert times[parts["validation"]].max() < times[parts["test"]].min()
        rows = np.concatenate(list(parts.values()))
        assert len(rows) == len(set(rows)) and (len(rows) == len(labels) or seed % 2)
        most = np.unique(times, return_counts=True)[1].max()
        for part in ("test", "validation"):
            assert abs(len(parts[part]) - SIZES[f"{part}_size"]) < most
        assert len(parts["labelled"]) == 150 and set(labels[parts["labelled"]]) == {0, 1, 2}


def test_the_windows_are_those_of_scikit_learns_time_series_split():
    labels, times = timed(0)
    order = np.argsort(times)
    theirs = list(TimeSeriesSplit(3, test_size=60).split(order))[::-1]  # ours are counted from the latest one backwards
    for seed in range(6):
        parts = split(labels, **SIZES, seed=seed, split="time", folds=3, times=times)
        past, test = theirs[seed % 3]
        assert sorted(parts["test"]) == sorted(order[test])
        others = np.concatenate([parts[part] for part in ("labelled", "unlabelled", "validation")])
        assert sorted(others) == sorted(order[past])


def test_a_seed_draws_its_own_training_examples_from_the_past_and_more_keep_those_that_fewer_had():
    labels, times = timed(1)
    one, two, small = (
        split(labels, **SIZES | {"train_size": size}, seed=seed, split="time", times=times)
        for seed, size in ((0, 150), (1, 150), (0, 70))
    )
    assert np.array_equal(one["test"], two["test"])
    assert 40 < len(set(one["labelled"]) & set(two["labelled"])) < 110  # hypergeometric of 150, 150 of 300: 75 +- 4.3
    assert np.array_equal(small["labelled"], one["labelled"][:70]) and np.array_equal(small["test"], one["test"])


def test_of_identical_examples_in_several_parts_the_latest_stay():
    labels, times = timed(2)
    order, same = np.argsort(times), np.arange(400)
    same[order[:5]] = same[order[395:]]  # past and test
    same[order[5:8]] = same[order[300:303]]  # past and validation
    same[order[310]] = same[order[390]]  # validation and test
    parts = split(labels, **SIZES, seed=0, split="time", times=times, duplicates=same)
    left_out = set(range(400)) - set(np.concatenate(list(parts.values())))
    assert left_out == {*order[:8], order[310]} and set(parts["test"]) == set(order[340:])


@pytest.mark.parametrize("lasting", [True, False], ids=["groups last", "groups are short"])
@pytest.mark.parametrize("test_set", ["resampled", "fixed"])
def test_groups_in_time_do_not_straddle_and_parts_have_their_sizes(lasting, test_set):
    labels, times = timed(3, count=1200)
    groups = np.random.default_rng(1).integers(0, 120, 1200) if lasting else (times // 10).astype(int)
    sizes = {"train_size": 150, "validation_size": 60, "test_size": 60}
    tests = set()
    for seed in range(5):
        parts = split(labels, **sizes, seed=seed, split="time", times=times, groups=groups, test_set=test_set)
        past = np.concatenate([parts["labelled"], parts["unlabelled"]])
        sides = [set(groups[rows]) for rows in (past, parts["validation"], parts["test"])]
        assert not sides[0] & sides[1] and not sides[1] & sides[2] and not sides[0] & sides[2]
        assert times[past].max() < times[parts["validation"]].min()
        assert times[parts["validation"]].max() < times[parts["test"]].min()
        assert [len(parts[part]) for part in ("labelled", "validation", "test")] == [150, 60, 60]
        tests.add(frozenset(parts["test"].tolist()))
    assert len(tests) == (1 if test_set == "fixed" or not lasting else 5)


# folds


@pytest.mark.parametrize("same", [False, True], ids=["all differ", "some are identical"])
def test_the_seeds_of_a_repetition_test_every_example_once_and_repetitions_differ(same):
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [7, 60, 36]))
    alike = np.arange(103) // 2 if same else None
    sizes = {"train_size": 60, "validation_size": 20, "test_size": 21}
    repetitions = []
    for repetition in range(3):
        drawn = [
            split(labels, **sizes, seed=5 * repetition + fold, split="k_fold", folds=5, duplicates=alike)
            for fold in range(5)
        ]
        assert sorted(np.concatenate([parts["test"] for parts in drawn])) == list(range(103))
        for parts in drawn:
            assert sorted(np.concatenate(list(parts.values()))) == list(range(103))
            assert all(set(labels[parts[part]]) == {0, 1, 2} for part in ("labelled", "validation", "test"))
            if same:
                sides = [parts["test"], parts["validation"], np.concatenate([parts["labelled"], parts["unlabelled"]])]
                assert sum(len(set(rows // 2)) for rows in sides) == 52
        repetitions.append([frozenset(parts["test"].tolist()) for parts in drawn])
    assert len({fold for folds in repetitions for fold in folds}) == 15


def test_folds_have_the_sizes_and_class_counts_of_scikit_learns():
    """StratifiedKFold's folds differ by at most one example of each class; so do these, and in all."""
    labels = np.repeat([0, 1, 2], [7, 60, 36])
    theirs = [
        np.bincount(labels[test]) for _, test in StratifiedKFold(5, shuffle=True, random_state=0).split(labels, labels)
    ]
    sizes = {"train_size": 60, "validation_size": 20, "test_size": 21}
    ours = [
        np.bincount(labels[split(labels, **sizes, seed=fold, split="k_fold", folds=5)["test"]]) for fold in range(5)
    ]
    assert np.ptp(ours, axis=0).max() <= 1 and np.ptp(np.sum(ours, axis=1)) <= 1
    assert np.array_equal(np.sort(ours, axis=0), np.sort(theirs, axis=0))


def test_groups_stay_together_in_folds():
    labels, groups = np.tile([0, 1], 100), np.repeat(np.arange(50), 4)
    sizes = {"train_size": 100, "validation_size": 40, "test_size": 40}
    for seed in range(10):
        parts = split(labels, **sizes, seed=seed, split="k_fold", folds=5, groups=groups)
        assert not set(groups[parts["test"]]) & set(groups[np.concatenate([parts["labelled"], parts["validation"]])])
        assert [len(parts[part]) for part in ("test", "validation", "labelled")] == [40, 40, 100]


# parts that the file names

NAMED = np.repeat(["train", "validation", "test", "unlabelled"], [60, 20, 20, 10])


def test_the_parts_of_the_file_are_the_parts_of_every_seed():
    labels, order = np.tile([0, 1], 55), np.random.default_rng(0).permutation(110)
    named = NAMED[order]
    sizes = {"train_size": 60, "validation_size": 20, "test_size": 20}
    one, two = (split(labels, **sizes, seed=seed, split="column", parts=named) for seed in (0, 1))
    for part, name in (("labelled", "train"), ("validation",) * 2, ("test",) * 2, ("unlabelled",) * 2):
        assert sorted(one[part]) == np.flatnonzero(named == name).tolist() and np.array_equal(one[part], two[part])


def test_fewer_examples_than_the_file_names_are_drawn_and_the_others_of_train_have_no_labels():
    labels = np.tile([0, 1], 55)
    sizes = {"train_size": 30, "validation_size": 10, "test_size": 10}
    parts = split(labels, **sizes, seed=0, split="column", parts=NAMED)
    assert {part: len(rows) for part, rows in parts.items()} == {
        "test": 10,
        "validation": 10,
        "labelled": 30,
        "unlabelled": 40,
    }
    assert set(parts["test"]) < set(range(80, 100)) and set(parts["unlabelled"]) < {*range(60), *range(100, 110)}


def test_where_the_file_names_no_validation_it_is_drawn_from_train_and_identical_examples_stay_apart():
    labels = np.tile([0, 1], 55)
    named, same = np.where(NAMED == "validation", "train", NAMED), np.arange(110)
    same[:3] = same[80:83]  # train and test
    same[10:20] = same[20:30]
    sizes = {"train_size": 50, "validation_size": 20, "test_size": 20}
    one, two = (split(labels, **sizes, seed=seed, split="column", parts=named, duplicates=same) for seed in (0, 1))
    assert all(np.array_equal(one[part], two[part]) for part in one)
    assert len(one["validation"]) == 20 and len(one["labelled"]) == 50
    everywhere = set(np.concatenate(list(one.values())))
    assert everywhere == set(range(110)) - {0, 1, 2}
    assert not set(same[one["validation"]]) & set(same[np.concatenate([one["labelled"], one["unlabelled"]])])
