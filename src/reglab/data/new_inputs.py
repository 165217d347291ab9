"""Whether new inputs have the form of those of a study, and new inputs from an array in memory."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reglab.core.errors import UserError
from reglab.core.wording import row_at
from reglab.data.inputs import Inputs
from reglab.data.prepared import inputs_of
from reglab.data.preprocessing.ready import ReadyInputs

ARRAY = "inputs"  # the tensor of inputs that are one array


@dataclass(frozen=True)
class InputForm:
    """`encoding` is `Inputs.description`. Where the inputs are one array (n, *shape): `shape` and `dtype`, else None."""

    encoding: dict[str, Any]
    shape: tuple[int, ...] | None
    dtype: str | None

    @classmethod
    def of(cls, inputs: Inputs | np.ndarray) -> "InputForm":
        inputs = ReadyInputs(inputs) if isinstance(inputs, np.ndarray) else inputs
        tensors = inputs.tensors()
        if set(tensors) != {ARRAY}:
            return cls(inputs.description(), None, None)
        return cls(inputs.description(), tensors[ARRAY].shape[1:], str(tensors[ARRAY].dtype))

    def check(self, place: str, inputs: Inputs | np.ndarray) -> None:
        """UserError where each new input has another shape than those of the study; `place` begins the line."""
        shape = InputForm.of(inputs).shape
        if shape != self.shape:
            raise UserError(
                f"{place}: found inputs of the shape {by(shape)}; allowed: {by(self.shape)}, as in the study"
            )

    def inputs(self, place: str, values: np.ndarray) -> Inputs:
        """Inputs of this form that are one array; UserError with the first row where a value is not finite or outside.

        values: (n, *shape) of numbers.
        """
        array = np.asarray(values)
        if array.dtype.kind not in "biuf" or array.ndim == 0:
            raise UserError(f"{place}: found values of the type {array.dtype}; allowed: an array of numbers")
        if array.shape[1:] != self.shape:
            found = f"inputs of the shape {by(array.shape[1:])}"
            raise UserError(f"{place}: found {found}; allowed: {by(self.shape)}, as in the study")
        low, high = self.encoding.get("low", -np.inf), self.encoding.get("high", np.inf)
        rows = array.reshape(len(array), -1).astype(np.float64)
        wrong = ~(np.isfinite(rows) & (rows >= low) & (rows <= high))
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            allowed = f"numbers from {low:g} to {high:g}" if high < np.inf else "finite numbers"
            raise UserError(
                f"{place}, {row_at(row)}, number {column + 1}: found {rows[row, column]:g}; allowed: {allowed}"
            )
        return inputs_of({ARRAY: array.astype(self.dtype)}, self.encoding)


def by(shape: tuple[int, ...]) -> str:
    """A shape in words: 1 x 8 x 8."""
    return " x ".join(map(str, shape))
