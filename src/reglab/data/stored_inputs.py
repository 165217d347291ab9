"""Inputs that stay in the file of the prepared data: the rows of a batch are read and prepared when it needs them."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from reglab.data.inputs import Inputs, Preprocessor


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

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self[:], dtype)
