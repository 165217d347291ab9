"""The unit of noise and attacks: 1 for inputs that are scaled or lie in a box, else the spread of the training part."""

import numpy as np

from reglab.data.stored_inputs import StoredInputs

BLOCK = 4_096  # examples that are read at once


def spread_of(inputs: np.ndarray | StoredInputs, unscaled: int) -> np.ndarray | None:
    """What noise in standard units is multiplied by to be in those of the inputs, float32; None where that is 1 everywhere.

    `inputs` (n, *shape) is the prepared training part, and the first `unscaled` numbers of an example have the unit of the
    data. Of rows (n, d) the result (d,) has the standard deviations of these columns, so that noise is what it would be after
    the scaling "standard", and 1 for the others; a constant column has the smallest deviation of all. In other shapes the
    numbers of an example have one unit, as pixels do: the result () is their common standard deviation. Where nothing varies,
    it is 1.
    """
    if not unscaled:
        return None
    columns = (0,) if inputs.ndim == 2 else None
    spread = deviation(inputs, columns)
    if columns is None:
        return np.float32(spread or 1.0)
    spread[unscaled:] = 1.0
    measured = spread[:unscaled]
    measured[measured == 0] = measured[measured > 0].min() if measured.any() else 1.0
    return spread.astype(np.float32)


def deviation(inputs: np.ndarray | StoredInputs, axis: tuple[int, ...] | None) -> np.ndarray:
    """The standard deviation over the axes, float64, of inputs that are read in blocks."""
    blocks = [slice(first, first + BLOCK) for first in range(0, len(inputs), BLOCK)]
    count = np.size(inputs[:1]) * len(inputs) if axis is None else len(inputs)
    mean = sum(inputs[block].sum(axis, np.float64) for block in blocks) / count
    squares = sum(np.square(inputs[block] - mean, dtype=np.float64).sum(axis) for block in blocks)
    return np.sqrt(squares / count)
