"""Inputs that stay in their file give the same numbers as arrays, by any index."""

import pickle

import numpy as np
import pytest
import torch

from reglab.data import prepared, stored_inputs, tensor_files
from reglab.data.loader import Loader, StoredTensor, with_targets
from reglab.data.preprocessing.pixels import Pixels
from reglab.data.settings import Data
from reglab.data.stored_inputs import StoredInputs, examples_at, joined

DATA = Data("images", train_size=60, validation_size=20, test_size=20)
VALUES = np.random.default_rng(0).integers(0, 256, (120, 3, 5, 4), np.uint8)
LABELS = np.arange(120) % 3


@pytest.fixture
def splits(tmp_path, monkeypatch):
    """The same split with its inputs as arrays, and in their file."""
    prepared.write(tmp_path, DATA, Pixels(VALUES, 0, 255), LABELS, seeds=1)
    arrays = prepared.read(tmp_path).split(0)
    monkeypatch.setattr(tensor_files, "MAPPED", 1)
    monkeypatch.setattr(prepared, "STORED", 0)
    return arrays, prepared.read(tmp_path).split(0)


def test_any_index_gives_the_numbers_of_the_array(splits):
    arrays, stored = (split.inputs["labelled"] for split in splits)
    assert isinstance(arrays, np.ndarray) and isinstance(stored, StoredInputs)
    assert stored.shape == arrays.shape and stored.ndim == 4 and len(stored) == 60 and stored.dtype == arrays.dtype
    mask = arrays[:, 0, 0, 0] > 0.5
    for index in (7, -1, slice(3, 40, 5), slice(0, 0), [4, 4, 1], np.array([59, 0]), mask):
        assert np.array_equal(stored[index], arrays[index]) and stored[index].dtype == np.float32
    assert np.array_equal(np.asarray(stored), arrays)
    assert np.array_equal(np.concatenate([stored, stored]), np.concatenate([arrays, arrays]))
    places = np.array([5, 5, 2])
    assert isinstance(stored.take(places, axis=0), StoredInputs)
    assert np.array_equal(stored.take(places, axis=0), arrays[places])


def test_parts_are_joined_and_examples_chosen_in_their_file(splits):
    arrays, stored = splits
    assert stored.shape == arrays.shape == (3, 5, 4)
    parts = [[split.inputs[part] for part in ("validation", "test")] for split in splits]
    both, both_stored = map(joined, parts)
    assert isinstance(both, np.ndarray) and isinstance(both_stored, StoredInputs)
    assert np.array_equal(both_stored, both)
    for places in (np.array([39, 3, 3]), slice(5, 30)):
        chosen, chosen_stored = examples_at(both, places), examples_at(both_stored, places)
        assert isinstance(chosen_stored, StoredInputs) and np.array_equal(chosen_stored, chosen)


def test_pieces_are_all_examples_in_their_order(splits, monkeypatch):
    stored = splits[1].inputs["labelled"]
    monkeypatch.setattr(stored_inputs, "PIECE", 7 * 60 + 59)  # numbers, of which an example has 60
    pieces = list(stored.pieces())
    assert [len(piece) for piece in pieces] == [7] * 8 + [4] and np.array_equal(np.concatenate(pieces), stored)


def test_another_process_gets_numbers_of_rows_and_no_pixels(splits):
    stored = splits[1].inputs["labelled"]
    handed = pickle.dumps(stored)
    assert b"MappedArray" not in handed and len(handed) < 2_000 < VALUES.nbytes
    assert np.array_equal(pickle.loads(handed), stored)


def test_batches_come_in_the_same_keyed_order(splits):
    targets = torch.zeros(60, 3)
    one, other = (Loader(with_targets(split.inputs["labelled"], targets), 16, seed=3) for split in splits)
    assert isinstance(other.examples.inputs, StoredTensor)
    for epoch in (0, 4):
        for loader in (one, other):
            loader.set_epoch(epoch)
        for batch, stored in zip(one, other, strict=True):
            assert torch.equal(batch.inputs, stored.inputs) and torch.equal(batch.indices, stored.indices)
