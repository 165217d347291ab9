"""Images of whole numbers, as files have them: mapped to [0, 1] by the range of their numbers, not by their values."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from reglab.data.inputs import UNIT_RANGE


@dataclass(frozen=True)
class UnitRange:
    """Maps [low, high] to [0, 1]; nothing is fitted."""

    low: float
    high: float

    def transform(self, inputs: "Pixels") -> np.ndarray:
        """(n, channels, height, width) float32 in [0, 1]."""
        scaled = inputs.values.astype(np.float32)
        scaled -= np.float32(self.low)
        scaled /= np.float32(self.high - self.low)
        return scaled

    def tensors(self) -> dict[str, np.ndarray]:
        return {}


@dataclass(frozen=True)
class Pixels:
    """`values` (n, channels, height, width) of any integer type, all of them from `low` to `high`."""

    bounds: ClassVar[tuple[float, float]] = UNIT_RANGE
    fitted: ClassVar[bool] = False

    values: np.ndarray
    low: float
    high: float

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: np.ndarray) -> Self:
        return type(self)(self.values[rows], self.low, self.high)

    def fit(self) -> UnitRange:
        return UnitRange(self.low, self.high)

    def tensors(self) -> dict[str, np.ndarray]:
        return {"inputs": self.values}

    def description(self) -> dict[str, Any]:
        return {"kind": "pixels", "low": self.low, "high": self.high}

    @classmethod
    def restore(cls, tensors: dict[str, np.ndarray], description: dict[str, Any]) -> Self:
        return cls(tensors["inputs"], description["low"], description["high"])

    def preprocessor(self, tensors: dict[str, np.ndarray]) -> UnitRange:
        return self.fit()
