"""Inputs that are ready for a network: an array that nothing is fitted to."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from reglab.data.inputs import UNBOUNDED, UNIT_RANGE


class AsTheyAre:
    """Leaves ready inputs as they are."""

    def transform(self, inputs: "ReadyInputs") -> np.ndarray:
        return inputs.array

    def tensors(self) -> dict[str, np.ndarray]:
        return {}


@dataclass(frozen=True)
class ReadyInputs:
    """`array` (n, *shape) float32."""

    fitted: ClassVar[bool] = False

    array: np.ndarray

    @property
    def bounds(self) -> tuple[float, float]:
        """The box of pixels where all inputs lie in it."""
        return UNIT_RANGE if self.array.min() >= 0 and self.array.max() <= 1 else UNBOUNDED

    @property
    def unscaled(self) -> int:
        """All numbers of an example, where they have no box: nothing scales them."""
        return 0 if self.bounds == UNIT_RANGE else math.prod(self.array.shape[1:])

    def __len__(self) -> int:
        return len(self.array)

    def take(self, rows: np.ndarray) -> Self:
        return type(self)(self.array[rows])

    def fit(self) -> AsTheyAre:
        return AsTheyAre()

    def tensors(self) -> dict[str, np.ndarray]:
        return {"inputs": self.array}

    def description(self) -> dict[str, Any]:
        return {"kind": "ready"}

    @classmethod
    def restore(cls, tensors: dict[str, np.ndarray], description: dict[str, Any]) -> Self:
        return cls(tensors["inputs"])

    def preprocessor(self, tensors: dict[str, np.ndarray]) -> AsTheyAre:
        return AsTheyAre()
