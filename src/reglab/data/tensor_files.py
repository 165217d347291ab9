"""Reads safetensors files; large arrays stay in the file and are mapped: their pages take memory as long as there is some."""

import json
import mmap
from pathlib import Path

import numpy as np
from safetensors import safe_open

MAPPED = 2**26  # bytes of an array that is mapped and not read


class MappedArray(np.memmap):
    """An array in a file, read-only. Another process gets the place in the file and not the content.

    What is taken from it by an index is a plain array.
    """

    source: tuple | None = None  # the arguments of `mapped`, for a whole array

    def __reduce__(self):
        return super().__reduce__() if self.source is None else (mapped, self.source)

    def __getitem__(self, index):
        return np.asarray(self)[index]


def mapped(path: str, dtype: str, shape: tuple[int, ...], offset: int) -> MappedArray:
    """The array of this type and shape that begins at a byte of a file."""
    array = MappedArray(path, dtype, "r", offset, shape)
    array.source = (path, dtype, shape, offset)
    if hasattr(mmap, "MADV_RANDOM"):  # rows of a batch lie apart: what the system reads ahead would push out others
        array._mmap.madvise(mmap.MADV_RANDOM)
    return array


def load(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file by name; those of `MAPPED` bytes or more are mapped."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    places = {name: entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"}
    tensors = {}
    with safe_open(path, "numpy") as file:
        for name, (start, end) in places.items():
            if end - start < MAPPED:
                tensors[name] = file.get_tensor(name)
            else:
                part = file.get_slice(name)
                dtype, shape = part[:1].dtype.str, tuple(part.get_shape())
                tensors[name] = mapped(str(path.absolute()), dtype, shape, 8 + length + start)
    return tensors
