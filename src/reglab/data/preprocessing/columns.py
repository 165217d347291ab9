"""Numeric columns of an array: scaled by what the training part says."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from reglab.data.scaling import Scaling, fit, scale


@dataclass(frozen=True)
class ScaledColumns:
    """`centre` and `factor` (d,) of `scaling`, as in `data.scaling`."""

    centre: np.ndarray
    factor: np.ndarray
    scaling: Scaling

    def transform(self, inputs: "Columns") -> np.ndarray:
        """(n, d) float32."""
        return scale(inputs.values, self.centre, self.factor, self.scaling)

    def tensors(self) -> dict[str, np.ndarray]:
        return {"centre": self.centre, "factor": self.factor}


@dataclass(frozen=True)
class Columns:
    """`values` (n, d) float32 or float64, none of them missing, and how they are to be scaled."""

    values: np.ndarray
    scaling: Scaling

    def __len__(self) -> int:
        return len(self.values)

    @property
    def unscaled(self) -> int:
        """How many columns keep the unit of the data."""
        return self.values.shape[1] if self.scaling == "none" else 0

    def take(self, rows: np.ndarray) -> Self:
        return type(self)(self.values[rows], self.scaling)

    def fit(self) -> ScaledColumns:
        return ScaledColumns(*fit(self.values, self.scaling), self.scaling)

    def tensors(self) -> dict[str, np.ndarray]:
        return {"inputs": self.values}

    def description(self) -> dict[str, Any]:
        return {"kind": "columns", "scaling": self.scaling}

    @classmethod
    def restore(cls, tensors: dict[str, np.ndarray], description: dict[str, Any]) -> Self:
        return cls(tensors["inputs"], description["scaling"])

    def preprocessor(self, tensors: dict[str, np.ndarray]) -> ScaledColumns:
        return ScaledColumns(tensors["centre"], tensors["factor"], self.scaling)
