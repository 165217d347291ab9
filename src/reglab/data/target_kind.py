"""What the targets of a data set say of its task: classes are whole numbers, those of a regression are floating-point."""

from typing import Literal

import numpy as np

TaskName = Literal["classification", "regression"]


def task_of(targets: np.ndarray) -> TaskName:
    """The task of targets (n,): int64 are class numbers, float64 are amounts."""
    return "regression" if targets.dtype.kind == "f" else "classification"


def strata(targets: np.ndarray) -> np.ndarray:
    """Numbers (n,) int64 of what every part of a split shall hold in proportion: the classes; one stratum for amounts."""
    return np.zeros(len(targets), np.int64) if task_of(targets) == "regression" else targets


def scale_of(targets: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of the amounts (n,) of a training part; 1 in the place of a deviation of 0."""
    return float(targets.mean()), float(targets.std()) or 1.0


def amount_problems(targets: np.ndarray) -> list[str]:
    """What was found and what is allowed, where amounts (n,) are not finite or are all the same."""
    if len(rows := np.flatnonzero(~np.isfinite(targets))):
        return [
            f"NaN or infinity in {len(rows):,} rows, first in row {rows[0]}; allowed: finite amounts, drop such rows"
        ]
    if len(targets) and targets.min() == targets.max():
        return [f"the same amount, {targets[0]:g}, in every row; allowed: amounts that differ"]
    return []
