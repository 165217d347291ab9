"""Large arrays of a safetensors file stay in it, and are the same as if they were read."""

import pickle

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from reglab.data import tensor_files

RANDOM = np.random.default_rng(0)
TENSORS = {
    "inputs": RANDOM.integers(0, 256, (50, 3, 7, 5), np.uint8),
    "deep": RANDOM.integers(0, 65_536, (50, 7), np.uint16),
    "columns": RANDOM.normal(size=(50, 3)),
    "codes": RANDOM.integers(0, 9, (50, 2)).astype(np.int32),
    "seed-0/labelled": np.arange(9),
    "ready": RANDOM.normal(size=(50, 4)).astype(np.float32),
    "truth": RANDOM.random(50) < 0.5,
    "empty": np.zeros((0, 2), np.int64),
}


@pytest.fixture
def path(tmp_path):
    save_file(TENSORS, tmp_path / "data.safetensors")
    return tmp_path / "data.safetensors"


def test_arrays_are_those_of_safetensors_mapped_or_not(path, monkeypatch):
    wanted = load_file(path)
    for least in (0, 400, 2**30):
        monkeypatch.setattr(tensor_files, "MAPPED", max(least, 1))
        arrays = tensor_files.load(path)
        assert set(arrays) == set(wanted)
        for name, array in wanted.items():
            assert np.array_equal(arrays[name], array) and arrays[name].dtype == array.dtype
            assert isinstance(arrays[name], tensor_files.MappedArray) == (array.nbytes >= max(least, 1))


def test_another_process_gets_the_place_of_a_mapped_array_and_the_content_of_a_part(path, monkeypatch):
    monkeypatch.setattr(tensor_files, "MAPPED", 1)
    array = tensor_files.load(path)["inputs"]
    handed = pickle.dumps(array)
    assert len(handed) < 500 < array.nbytes and np.array_equal(pickle.loads(handed), array)
    part = pickle.loads(pickle.dumps(array[3:5]))
    assert np.array_equal(part, array[3:5]) and type(array[3:5]) is np.ndarray
    assert np.array_equal(pickle.loads(pickle.dumps(array.view())), array)
    with pytest.raises(ValueError, match="read-only"):
        array[:1] += 1
