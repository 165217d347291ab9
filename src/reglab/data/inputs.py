"""The contract of inputs that are prepared for each seed: stored once, fitted on the training part, turned into numbers."""

from typing import Any, Protocol, Self

import numpy as np

UNIT_RANGE = (0.0, 1.0)  # the box of inputs that lie in it, as pixels do
UNBOUNDED = (-1e6, 1e6)  # the box of other inputs, so wide that nothing meets its sides


SAMPLE = 1_000  # examples that are prepared to learn the shape, which is the same for all


class Preprocessor(Protocol):
    """What was fitted on the training examples of a seed, and all that it takes to prepare other examples.

    The shape of what it gives is the same for every seed.
    """

    def transform(self, inputs: "Inputs") -> np.ndarray:
        """The inputs of a network, (n, *shape) float32."""
        ...

    def tensors(self) -> dict[str, np.ndarray]:
        """The fitted parameters."""
        ...


class Inputs(Protocol):
    """The inputs of n examples as the source has them: encoded, but with nothing that is learned from the data.

    Inputs that lie in a box once they are prepared have `bounds`, lowest and highest: attacks keep them there. Where nothing
    is fitted, `fitted` is False, and any example can be prepared by itself. Where the first numbers of a prepared example are
    in the unit of the data, because nothing scales them, `unscaled` says how many: noise and attacks are measured by their
    spread (`data.spread`).
    """

    def __len__(self) -> int: ...

    def take(self, rows: np.ndarray) -> Self:
        """Those of the examples with these numbers, in their order."""
        ...

    def fit(self) -> Preprocessor:
        """A preprocessor fitted on these examples, which are the training part of a seed."""
        ...

    def tensors(self) -> dict[str, np.ndarray]:
        """Arrays that hold the inputs, by names that do not begin with "seed-".

        Examples that agree in all arrays of length n count as identical (`splitting.duplicates`). Where the arrays do not
        have a row an example, a method `rows` gives an array (n, ...) instead, whose rows are equal for identical examples.
        """
        ...

    def description(self) -> dict[str, Any]:
        """What the arrays mean and how the inputs are scaled, as plain values; "kind" is the module of preprocessing/."""
        ...

    @classmethod
    def restore(cls, tensors: dict[str, np.ndarray], description: dict[str, Any]) -> Self:
        """The inputs that `tensors` and `description` came from."""
        ...

    def preprocessor(self, tensors: dict[str, np.ndarray]) -> Preprocessor:
        """The preprocessor that these fitted parameters came from."""
        ...


def shape_of(inputs: Inputs | np.ndarray) -> tuple[int, ...]:
    """The shape of an example as a network gets it."""
    if isinstance(inputs, np.ndarray):
        return inputs.shape[1:]
    few = inputs.take(np.arange(min(len(inputs), SAMPLE)))
    return few.fit().transform(few.take(np.arange(1))).shape[1:]
