import hashlib

import numpy as np
import pytest

from reglab.data import load_source, prepared
from reglab.data.settings import Data
from reglab.data.splits import add_label_noise, cover_classes, split

SIZES = {"train_size": 900, "validation_size": 300, "test_size": 400}


@pytest.fixture(scope="module")
def labels():
    return load_source("digits")[1]


def test_digits_are_1797_images_of_8_by_8_between_0_and_1():
    inputs, labels = load_source("digits")
    assert inputs.shape == (1797, 1, 8, 8) and inputs.dtype == np.float32
    assert inputs.min() == 0 and inputs.max() == 1 and set(labels) == set(range(10))


def test_the_parts_are_disjoint_and_cover_the_data(labels):
    parts = split(labels, **SIZES, seed=0)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(labels)))
    assert [len(parts[name]) for name in ("labelled", "validation", "test", "unlabelled")] == [900, 300, 400, 197]


@pytest.mark.parametrize("seed", range(3))
def test_every_part_has_the_classes_in_the_proportions_of_the_whole(labels, seed):
    for rows in split(labels, **SIZES, seed=seed).values():
        expected = np.bincount(labels) / len(labels) * len(rows)
        assert np.abs(np.bincount(labels[rows], minlength=10) - expected).max() < 2.01


def test_a_larger_training_set_keeps_the_test_set_and_the_examples_it_had(labels):
    small, large = (split(labels, **SIZES | {"train_size": size}, seed=4) for size in (100, 900))
    assert np.array_equal(small["test"], large["test"]) and np.array_equal(small["validation"], large["validation"])
    assert np.array_equal(small["labelled"], large["labelled"][:100])


def test_seeds_draw_splits_of_their_own(labels):
    one, two = (set(split(labels, **SIZES, seed=seed)["test"]) for seed in (0, 1))
    shared = len(one & two)  # hypergeometric, mean 89 and standard deviation 7.3
    assert 40 < shared < 140


def test_the_splits_are_what_they_were():
    """Bit for bit as in the published records; test_set is resampled by default."""
    parts = split(load_source("digits")[1], **SIZES, seed=3)
    digests = {name: hashlib.sha256(rows.astype(np.int64).tobytes()).hexdigest()[:12] for name, rows in parts.items()}
    assert digests == {
        "test": "6ef46357bdd2",
        "validation": "0af71cb241d1",
        "labelled": "df6512f28bef",
        "unlabelled": "b75372d871ff",
    }


UNEVEN = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [3, 60, 37]))


@pytest.mark.parametrize("test_set", ["resampled", "fixed"])
@pytest.mark.parametrize(
    "sizes", [(60, 20, 20), (20, 20, 60), (3, 3, 3), (3, 47, 50), (20, 60, 20), (50, 3, 3)], ids=str
)
def test_every_part_holds_an_example_of_every_class_also_of_one_with_three_examples(sizes, test_set):
    asked = dict(zip(("train_size", "validation_size", "test_size"), sizes, strict=True)) | {"test_set": test_set}
    tests = set()
    for seed in range(40):
        parts = split(UNEVEN, **asked, seed=seed)
        assert sorted(np.concatenate(list(parts.values()))) == list(range(100))
        assert [len(parts[part]) for part in ("labelled", "validation", "test")] == list(sizes)
        assert all(set(UNEVEN[parts[part]]) == {0, 1, 2} for part in ("labelled", "validation", "test"))
        tests.add(tuple(sorted(parts["test"])))
    assert len(tests) == (1 if test_set == "fixed" else 40)


def test_each_missing_class_takes_one_exchange():
    labels = np.array([0, 0, 0, 1, 0, 1, 2])
    order = cover_classes(np.arange(7), labels, [3, 3])
    assert order.tolist() == [0, 6, 3, 2, 4, 5, 1], (
        "3 for 2, then 6 for 1: each for the last of a class that is there twice"
    )
    assert set(labels[order[3:6]]) == {0, 1}, "the only example of class 2 stays where it is needed first"


def test_with_more_labels_a_cell_of_a_map_keeps_those_it_had_also_where_a_class_had_to_be_fetched(tmp_path):
    data = Data("blobs", train_size=40, validation_size=20, test_size=20)
    inputs = np.arange(100, dtype=np.float32)[:, None, None, None]
    prepared.write(tmp_path, data, inputs, UNEVEN, seeds=6)
    study, fetched = prepared.read(tmp_path), 0
    for seed in range(6):
        seed_split = study.split(seed)
        pool = np.concatenate([seed_split.rows["labelled"], seed_split.rows["unlabelled"]])
        before = set()
        for size in (3, 5, 8, 20, 40):
            rows = study.resized(seed, size, 0.0).rows["labelled"]
            assert len(rows) == size and set(UNEVEN[rows]) == {0, 1, 2} and before <= set(rows)
            fetched += set(rows) != set(pool[:size])
            before = set(rows)
        assert np.array_equal(study.resized(seed, 40, 0.0).rows["labelled"], seed_split.rows["labelled"])
    assert fetched > 6


FIXED = SIZES | {"test_set": "fixed"}


def test_a_fixed_test_set_is_shared_stratified_and_apart_from_what_the_seeds_split(labels):
    one, two = (split(labels, **FIXED, seed=seed) for seed in (0, 1))
    assert np.array_equal(one["test"], two["test"])
    shared = len(set(one["validation"]) & set(two["validation"]))  # hypergeometric, mean 64 and standard deviation 6.4
    assert 30 < shared < 100
    for parts in (one, two):
        assert sorted(np.concatenate(list(parts.values()))) == list(range(len(labels)))
        for rows in parts.values():  # of the rest, whose proportions are off by up to a part in a class themselves
            expected = np.bincount(labels) / len(labels) * len(rows)
            assert np.abs(np.bincount(labels[rows], minlength=10) - expected).max() < 4.01


def test_with_a_fixed_test_set_too_a_larger_training_set_keeps_what_it_had(labels):
    small, large = (split(labels, **FIXED | {"train_size": size}, seed=4) for size in (100, 900))
    assert np.array_equal(small["test"], large["test"]) and np.array_equal(small["validation"], large["validation"])
    assert np.array_equal(small["labelled"], large["labelled"][:100])


def test_the_fixed_test_set_is_drawn_by_a_stream_of_its_own(labels):
    fixed = split(labels, **FIXED, seed=0)["test"]
    shares = [len(set(fixed) & set(split(labels, **SIZES, seed=seed)["test"])) for seed in range(11)]
    assert max(shares) < 140  # as two seeds share: no seed's own test set is the fixed one


@pytest.mark.parametrize("fraction", [0.0, 0.2, 1.0])
def test_just_that_fraction_of_labels_becomes_another_class(labels, fraction):
    noisy = add_label_noise(labels, classes=10, fraction=fraction, seed=1)
    assert (noisy != labels).sum() == round(fraction * len(labels))
    assert noisy.min() >= 0 and noisy.max() <= 9


def test_more_noise_keeps_the_wrong_labels_there_were(labels):
    some, more = (add_label_noise(labels, classes=10, fraction=fraction, seed=1) for fraction in (0.1, 0.3))
    wrong = some != labels
    assert np.array_equal(some[wrong], more[wrong])


AMOUNTS = np.random.default_rng(1).normal(50.0, 10.0, 200)


@pytest.mark.parametrize("test_set", ["resampled", "fixed"])
def test_amounts_are_split_into_parts_of_the_sizes_whatever_their_values(test_set):
    sizes = {"train_size": 90, "validation_size": 30, "test_size": 40, "test_set": test_set}
    parts = split(AMOUNTS, **sizes, seed=3)
    assert [len(parts[name]) for name in ("labelled", "validation", "test", "unlabelled")] == [90, 30, 40, 40]
    assert sorted(np.concatenate(list(parts.values()))) == list(range(200))
    for amounts in (AMOUNTS, AMOUNTS[::-1]):  # again, and with others in each row: nothing is stratified
        other = split(amounts, **sizes, seed=3)
        assert all(np.array_equal(rows, other[part]) for part, rows in parts.items())
    assert set(split(AMOUNTS, **sizes, seed=4)["validation"]) != set(parts["validation"])


@pytest.mark.parametrize("fraction", [0.0, 0.2, 1.0])
def test_just_that_fraction_of_amounts_becomes_that_of_another_example(fraction):
    noisy = add_label_noise(AMOUNTS, classes=None, fraction=fraction, seed=1)
    assert (noisy != AMOUNTS).sum() == round(fraction * 200) and set(noisy) <= set(AMOUNTS)


def test_more_noise_keeps_the_wrong_amounts_there_were():
    some, more = (add_label_noise(AMOUNTS, classes=None, fraction=fraction, seed=1) for fraction in (0.1, 0.3))
    wrong = some != AMOUNTS
    assert np.array_equal(some[wrong], more[wrong])


def test_wrong_labels_are_uniform_over_the_other_classes(labels):
    zeros = np.zeros(9000, dtype=np.int64)
    counts = np.bincount(add_label_noise(zeros, classes=10, fraction=1.0, seed=0), minlength=10)
    assert counts[0] == 0 and abs(counts[1:] - 1000).max() < 180  # six standard deviations of 30


def test_the_fixed_splits_are_what_they_were(labels):
    """Bit for bit, for whoever has published with a fixed test set."""
    parts = split(labels, **FIXED, seed=3)
    digests = {name: hashlib.sha256(rows.astype(np.int64).tobytes()).hexdigest()[:12] for name, rows in parts.items()}
    assert digests == {
        "test": "de2d936b14e5",
        "validation": "52c977c6f97b",
        "labelled": "ffe248468826",
        "unlabelled": "750f9c9a2f48",
    }
