"""Inputs that stay in the file of the prepared data: the rows of a batch are read and prepared when it needs them."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from reglab.data.inputs import Inputs, Preprocessor

PIECE = 2**22  # numbers that are read at once where all are read


@dataclass(frozen=True)
class StoredInputs:
    """The examples with the numbers `rows` (n,) of `inputs`, as `preprocessor` prepares them, each of the shape `size`.

    An index of examples gives a float32 array; `numpy.asarray` gives all of them. What one process hands to another is the
    numbers, and the place of the file.
    """

    dtype: ClassVar[np.dtype] = np.dtype(np.float32)

    inputs: Inputs
    preprocessor: Preprocessor
    rows: np.ndarray
    size: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self), *self.size

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getitem__(self, index) -> np.ndarray:
        rows = self.rows[index]
        prepared = self.preprocessor.transform(self.inputs.take(np.atleast_1d(rows)))
        return prepared.reshape(*rows.shape, *self.size)

    def take(self, places: np.ndarray, axis: int = 0) -> Self:
        """The examples at these places, in their order, which stay in the file."""
        return replace(self, rows=self.rows[places])

    def pieces(self) -> Iterator[np.ndarray]:
        """All examples in their order, as arrays of at most PIECE numbers each."""
        examples = max(1, PIECE // max(1, math.prod(self.size)))
        for start in range(0, len(self), examples):
            yield self[start : start + examples]

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self[:], dtype)


def examples_at(inputs: np.ndarray | StoredInputs, places: np.ndarray | slice) -> np.ndarray | StoredInputs:
    """The examples at these places; those that are in their file stay there."""
    return inputs.take(places) if isinstance(inputs, StoredInputs) else inputs[places]


def joined(parts: Sequence[np.ndarray | StoredInputs]) -> np.ndarray | StoredInputs:
    """The examples of parts of one split, one part after the other; in their file where all are there."""
    if all(isinstance(part, StoredInputs) for part in parts):
        return replace(parts[0], rows=np.concatenate([part.rows for part in parts]))
    return np.concatenate(parts)


def rows_in_file(parts: Sequence[StoredInputs]) -> np.ndarray:
    """The examples of the parts as rows (n, numbers) of float64, which lie in a file that vanishes with the array."""
    with tempfile.TemporaryFile(dir=scratch_folder()) as target:
        for part in parts:
            for piece in part.pieces():
                piece.reshape(len(piece), -1).astype(np.float64).tofile(target)
        shape = (sum(map(len, parts)), math.prod(parts[0].size))
        return np.memmap(target, np.float64, "r", shape=shape).view(np.ndarray)


def scratch_folder() -> str | None:
    """The place of large files that vanish: beside the prepared data, for a folder of the system may lie in memory."""
    return "data" if Path("data").is_dir() else None
