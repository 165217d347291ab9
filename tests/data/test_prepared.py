import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from centred_columns import Columns

from reglab.core.errors import UserError
from reglab.data import prepared
from reglab.data.inputs import UNBOUNDED, UNIT_RANGE
from reglab.data.settings import Data

DATA = Data("digits", train_size=20, validation_size=10, test_size=10, label_noise=0.5)


@pytest.fixture
def source():
    labels = np.tile(np.arange(3), 20)
    return np.arange(60, dtype=np.float32).reshape(60, 1, 1, 1), labels


def test_what_is_written_is_read_and_the_noise_is_on_the_training_labels_alone(tmp_path, source):
    prepared.write(tmp_path, DATA, *source, seeds=2)
    split = prepared.read(tmp_path).split(1)
    for part in prepared.PARTS:
        assert np.array_equal(split.inputs[part].ravel(), split.rows[part])
        wrong = (split.labels[part] != split.rows[part] % 3).sum()
        assert wrong == (10 if part == "labelled" else 0)
    resized = prepared.read(tmp_path).resized(1, train_size=10, label_noise=0.4)
    for seen in (split, split.without_test(), prepared.read(tmp_path).split(1, clean=True), resized):
        assert np.array_equal(seen.true_labels, seen.rows["labelled"] % 3)
    assert "test" not in split.without_test().labels and (resized.labels["labelled"] != resized.true_labels).sum() == 4


def test_arrays_that_are_views_of_others_are_written_as_they_look(tmp_path, source):
    table = np.column_stack([source[0].ravel(), source[0].ravel() + 0.5, source[1]]).astype(np.float32)
    prepared.write(tmp_path, DATA, table[:, :-1], table[:, -1].astype(np.int64)[::-1], seeds=2)
    split = prepared.read(tmp_path).split(0, clean=True)
    for part in prepared.PARTS:
        assert np.array_equal(split.inputs[part], table[split.rows[part], :-1])
        assert np.array_equal(split.labels[part], table[59 - split.rows[part], -1])


def test_the_fingerprint_is_that_of_the_data_and_of_nothing_else(tmp_path, source):
    def fingerprint(folder, labels=source[1], data=DATA):
        prepared.write(tmp_path / folder, data, source[0], labels, seeds=2)
        return prepared.read(tmp_path / folder).fingerprint

    first = fingerprint("a")
    assert first == fingerprint("b")
    assert first != fingerprint("c", labels=source[1][::-1].copy())
    assert first != fingerprint("d", data=replace(DATA, label_noise=0.4))


def test_reading_what_was_not_prepared_says_what_to_run(tmp_path):
    with pytest.raises(UserError, match="dvc repro prepare"):
        prepared.read(tmp_path)


def test_a_fixed_test_set_is_the_same_for_every_seed_and_no_seed_trains_on_it(tmp_path, source):
    prepared.write(tmp_path, replace(DATA, test_set="fixed"), *source, seeds=3)
    splits = [prepared.read(tmp_path).split(seed) for seed in range(3)]
    for split in splits:
        assert np.array_equal(split.rows["test"], splits[0].rows["test"])
        assert np.array_equal(split.labels["test"], split.rows["test"] % 3)
        assert sorted(np.concatenate(list(split.rows.values()))) == list(range(60))
    assert len({tuple(split.rows["labelled"]) for split in splits}) == 3


def test_the_description_says_what_was_written(tmp_path, source):
    prepared.write(tmp_path / "a" / "b", DATA, *source, seeds=2, masks=np.zeros((60, 2), np.uint8))
    digest = hashlib.sha256((tmp_path / "a" / "b" / "data.safetensors").read_bytes()).hexdigest()
    assert json.loads((tmp_path / "a" / "b" / "dataset.json").read_text()) == {
        **{
            "name": "digits",
            "fingerprint": f"sha256:{digest}",
            "examples": 60,
            "task": "classification",
            "classes": 3,
            "shape": [1, 1, 1],
        },
        **{"sizes": {"labelled": 20, "unlabelled": 20, "validation": 10, "test": 10}, "seeds": 2},
        **{"class_names": [], "encoding": {"kind": "ready"}},
        "split": {
            **{"kind": "random", "test_to_train": 0.5, "duplicates": 0},
            "sizes": {
                "labelled": [20, 20],
                "unlabelled": [20, 20],
                "validation": [10, 10],
                "test": [10, 10],
                "left_out": [0, 0],
            },
        },
    }
    data = prepared.read(tmp_path / "a" / "b")
    assert (data.name, data.fingerprint, data.classes) == ("digits", f"sha256:{digest}", 3)
    assert data.tensors["masks"].shape == (60, 2)
    prepared.write(tmp_path / "a" / "b", DATA, *source, seeds=1)  # over what is there


def test_too_few_examples_are_refused_before_anything_is_written(tmp_path, source):
    with pytest.raises(UserError, match=r"data\.test_size: found 2"):
        prepared.write(tmp_path / "a", replace(DATA, test_size=2), *source, seeds=1)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(("inputs", "bounds"), [([0, 1], UNIT_RANGE), ([-0.1, 1], UNBOUNDED), ([0, 1.1], UNBOUNDED)])
def test_inputs_have_the_box_of_pixels_where_all_lie_in_it(tmp_path, source, inputs, bounds):
    array = np.linspace(*inputs, 60, dtype=np.float32)[:, None, None, None]
    prepared.write(tmp_path, DATA, array, source[1], seeds=2)
    split = prepared.read(tmp_path).split(1)
    assert split.bounds == split.without_test().bounds == bounds


def test_inputs_are_stored_once_and_prepared_by_the_training_part_of_each_seed_alone(tmp_path, source):
    numbers = np.random.default_rng(0).normal(size=(60, 2))
    prepared.write(tmp_path, DATA, Columns(numbers), source[1], seeds=3)
    data = prepared.read(tmp_path)
    assert [name for name in data.tensors if not name.startswith("seed-")] == ["labels", "numbers"]
    views = [data.split(seed) for seed in range(3)] + [data.resized(0, train_size=10, label_noise=0.0)]
    for split in views:
        mean = numbers[split.rows["labelled"]].mean(0)
        for part in prepared.PARTS:
            assert np.allclose(split.inputs[part], numbers[split.rows[part]] - mean, atol=1e-6)
        assert split.bounds == UNBOUNDED and split.shape == (2,)
    assert json.loads((tmp_path / "dataset.json").read_text())["shape"] == [2]
