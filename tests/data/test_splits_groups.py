"""Splits of whole groups and of identical examples, over many random data sets, and beside scikit-learn's."""

import numpy as np
import pytest
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold

from reglab.data.preprocessing.term_counts import TermCounts
from reglab.data.splits import split
from reglab.data.splitting import duplicates
from reglab.data.splitting.whole_groups import whole_units

SIDES = (("test",), ("validation",), ("labelled", "unlabelled"))


def drawn_data(number: int):
    """Labels of two to four classes, and groups of uneven sizes that each lean to a class of their own."""
    random = np.random.default_rng(number)
    classes, count = int(random.integers(2, 5)), int(random.integers(30, 80))
    groups = np.repeat(np.arange(count), random.geometric(0.15, count))
    leaning = random.dirichlet(np.full(classes, 0.7), count)
    labels = np.array([random.choice(classes, p=leaning[group]) for group in groups])
    labels[:classes] = np.arange(classes)
    order = random.permutation(len(groups))
    return labels[order], groups[order] * 7 + 3


def sizes_of(labels, test=0.2, validation=0.2, train=0.5):
    n = len(labels)
    return {"train_size": int(train * n), "validation_size": int(validation * n), "test_size": int(test * n)}


def sides(parts):
    return [np.concatenate([parts[part] for part in side]) for side in SIDES]


@pytest.mark.parametrize("test_set", ["resampled", "fixed"])
@pytest.mark.parametrize("number", range(25))
def test_no_group_straddles_and_sizes_and_proportions_come_near(number, test_set):
    labels, groups = drawn_data(number)
    asked = sizes_of(labels) | {"split": "group", "groups": groups, "test_set": test_set}
    tests = set()
    for seed in range(4):
        parts = split(labels, **asked, seed=seed)
        assert sorted(np.concatenate(list(parts.values()))) == list(range(len(labels)))
        of_side = [set(groups[rows]) for rows in sides(parts)]
        assert not of_side[0] & of_side[1] and not of_side[1] & of_side[2] and not of_side[0] & of_side[2]
        for part in ("test", "validation"):
            assert abs(len(parts[part]) - asked[f"{part}_size"]) <= 0.1 * asked[f"{part}_size"]
            share = np.bincount(labels[parts[part]], minlength=labels.max() + 1) / len(parts[part])
            assert np.abs(share - np.bincount(labels) / len(labels)).max() < 0.12
        assert len(parts["labelled"]) == asked["train_size"]
        assert set(labels[parts["labelled"]]) == set(labels)
        tests.add(frozenset(parts["test"].tolist()))
    assert len(tests) == (1 if test_set == "fixed" else 4)


@pytest.mark.parametrize("number", range(8))
def test_a_larger_training_size_keeps_test_validation_and_the_examples_it_had(number):
    labels, groups = drawn_data(number)
    small, large = (
        split(labels, **sizes_of(labels, train=train), seed=2, split="group", groups=groups) for train in (0.2, 0.5)
    )
    assert np.array_equal(small["test"], large["test"]) and np.array_equal(small["validation"], large["validation"])
    assert np.array_equal(small["labelled"], large["labelled"][: len(small["labelled"])])


def test_splits_depend_on_the_seed_alone():
    labels, groups = drawn_data(1)
    one, two, other = (split(labels, **sizes_of(labels), seed=seed, split="group", groups=groups) for seed in (5, 5, 6))
    assert all(np.array_equal(one[part], two[part]) for part in one)
    assert set(one["test"]) != set(other["test"])


def deviation(labels, rows, size):
    """Chi square of the classes of a part of this size, and of its size."""
    target = size * np.bincount(labels) / len(labels)
    result = np.bincount(labels[rows], minlength=len(target))
    return (np.square(result - target) / target).sum() + (len(rows) - size) ** 2 / size


def test_test_parts_are_nearer_to_size_and_proportions_than_those_of_scikit_learn():
    """As a fifth, by chi square: less than half of GroupShuffleSplit's on average, and below StratifiedGroupKFold's."""
    ours, shuffled, folded = [], [], []
    for number in range(20):
        labels, groups = drawn_data(number)
        size = len(labels) // 5
        for seed in range(3):
            parts = split(labels, **sizes_of(labels), seed=seed, split="group", groups=groups)
            ours.append(deviation(labels, parts["test"], size))
            theirs = GroupShuffleSplit(1, test_size=0.2, random_state=seed).split(labels, labels, groups)
            shuffled.append(deviation(labels, next(theirs)[1], size))
            folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(labels, labels, groups)
            folded.append(deviation(labels, next(folds)[1], size))
    assert np.mean(ours) < 0.5 * np.mean(shuffled) and np.mean(ours) < np.mean(folded)


def test_the_choice_of_whole_units_is_nearly_the_best_of_all_choices():
    """Of ten units: the chi square exceeds the least one of all sets by 0.1 in the median, and by 0.6 at most."""
    excess = []
    for number in range(40):
        random = np.random.default_rng(number)
        table = random.integers(0, 6, (10, 2)).astype(float) + np.eye(2)[np.arange(10) % 2]
        target = 0.3 * table.sum(0)

        def gap(taken, table=table, target=target):
            result = taken @ table
            goal = np.append(target, target.sum())
            return (np.square(np.append(result, result.sum()) - goal) / np.maximum(goal, 1)).sum()

        taken = whole_units(table, target, np.array([10, 10]), random, forced=True)
        every = (np.arange(1, 1024)[:, None] >> np.arange(10)) & 1
        excess.append(gap(taken) - min(map(gap, every)))
    assert np.median(excess) < 0.1 and max(excess) < 0.6


@pytest.mark.parametrize("seed", range(5))
def test_every_class_is_in_every_part_where_three_groups_have_it_and_trains_where_one_has_it(seed):
    groups = np.repeat(np.arange(30), 4)
    labels = np.zeros(120, int)
    labels[groups >= 27] = 1
    labels[groups == 5] = 2
    sizes = {"train_size": 80, "validation_size": 12, "test_size": 12}
    parts = split(labels, **sizes, seed=seed, split="group", groups=groups)
    assert all(1 in labels[parts[part]] for part in ("test", "validation", "labelled"))
    assert set(labels[parts["test"]]) == set(labels[parts["validation"]]) == {0, 1}
    assert set(labels[parts["labelled"]]) == {0, 1, 2}


def test_a_part_is_never_empty_however_large_the_groups():
    labels, groups = np.tile([0, 1], 60), np.repeat(np.arange(6), 20)
    parts = split(labels, train_size=60, validation_size=4, test_size=4, seed=0, split="group", groups=groups)
    assert [len(parts[part]) for part in ("test", "validation", "labelled", "unlabelled")] == [20, 20, 60, 20]


# identical examples


@pytest.mark.parametrize("number", range(10))
def test_identical_examples_are_on_one_side_of_a_random_split_and_its_sizes_and_classes_are_met(number):
    random = np.random.default_rng(number)
    labels, same = random.integers(0, 3, 400), np.arange(400)
    same[300:400] = random.integers(0, 60, 100)
    parts = split(labels, train_size=200, validation_size=80, test_size=100, seed=number, duplicates=same)
    of_side = [set(same[rows]) for rows in sides(parts)]
    assert not of_side[0] & of_side[1] and not of_side[1] & of_side[2] and not of_side[0] & of_side[2]
    assert [len(parts[part]) for part in ("test", "validation", "labelled")] == [100, 80, 200]
    for part in ("test", "validation"):
        expected = np.bincount(labels) / 400 * len(parts[part])
        assert np.abs(np.bincount(labels[parts[part]], minlength=3) - expected).max() < 3


def test_groups_that_share_an_example_are_one_unit():
    groups, same = np.array([0, 0, 1, 1, 2, 2, 3]), np.array([0, 1, 1, 2, 3, 4, 5])
    assert duplicates.units(groups, same).tolist() == [0, 0, 0, 0, 1, 1, 2]
    assert duplicates.units(None, None) is None


def test_identical_rows_are_found_over_all_arrays_whatever_the_bits_of_zero_and_nan():
    odd_nan = np.array([0x7FC00001], np.uint32).view(np.float32)[0]
    numbers = np.array([[1, 0.0], [1, -0.0], [np.nan, 2], [odd_nan, 2], [3, 4], [3, 4]], np.float32)
    codes = np.array([5, 5, 6, 6, 7, 8], np.int16)
    assert duplicates.duplicates([numbers, codes]).tolist() == [0, 0, 2, 2, 4, 5]
    assert duplicates.repeated(duplicates.duplicates([numbers, codes])) == 2
    assert duplicates.duplicates([np.arange(6)]) is None and duplicates.repeated(None) == 0


@pytest.mark.parametrize("kind", [np.float32, np.uint8, np.int64, bool])
def test_duplicates_are_those_of_numpys_unique(kind):
    rows = np.random.default_rng(0).integers(0, 2, (500, 9)).astype(kind)
    result = duplicates.duplicates([rows])
    _, expected = np.unique(rows, axis=0, return_inverse=True)
    assert len(np.unique(result)) == expected.max() + 1
    assert np.array_equal(result[:, None] == result, expected[:, None] == expected)


def test_texts_are_identical_where_terms_and_counts_are():
    texts = TermCounts.of(["one two two", "two one two", "one two", "", "one two!"], max_features=5)
    assert duplicates.of_inputs(texts).tolist() == [0, 0, 2, 3, 2]


def test_duplicates_are_told_from_examples_whose_hashes_agree_by_chance(monkeypatch):
    class Constant:  # in the place of the random factors of the hash: the sums of rows of two words agree in reverse order
        def integers(self, *_):
            return np.ones(2, np.uint64)

    monkeypatch.setattr(np.random, "default_rng", lambda _: Constant())
    monkeypatch.setattr(duplicates, "CHUNK", 6)  # three rows
    rows = np.array([[1, 2], [2, 1], [1, 2], [2, 1], [3, 0], [5, 5], [3, 0], [0, 3], [2, 1], [0, 3]])
    assert duplicates.duplicates([rows]).tolist() == [0, 1, 0, 1, 4, 5, 4, 7, 1, 7]
    assert duplicates.duplicates([rows[[0, 1, 4, 5, 7]]]) is None
