"""What the targets of a data set say of its task.

Whole numbers (n,) are classes, floating-point numbers (n,) are amounts, and a matrix (n, labels) of 0 and 1 says which labels
each example has.
"""

import numpy as np

from reglab.core.task_names import TaskName
from reglab.core.wording import row_at

TOGETHER = 10  # rows with a label in common that make a stratum, where some rows with it have a rarer one


def task_of(targets: np.ndarray) -> TaskName:
    """The task of targets: (n,) int64 are class numbers, (n,) float64 are amounts, (n, labels) uint8 are labels."""
    if targets.ndim == 2:
        return "multilabel"
    return "regression" if targets.dtype.kind == "f" else "classification"


def strata(targets: np.ndarray) -> np.ndarray:
    """Numbers (n,) int64 of what every part of a split shall hold in proportion: the classes; one stratum for amounts; of
    labels those of `by_rarest_label`.
    """
    task = task_of(targets)
    if task == "multilabel":
        return by_rarest_label(targets)
    return np.zeros(len(targets), np.int64) if task == "regression" else targets


def by_rarest_label(targets: np.ndarray) -> np.ndarray:
    """A number (n,) for each row of labels (n, labels): rows of the same number have the rarest of their labels in common.

    So a part that holds every stratum in proportion holds every label about in proportion, the rare ones above all: labels
    are taken in the order of how many rows have them, as in iterative stratification, where examples of the rarest label
    are distributed first. Rows that a label has left to it and that are fewer than `TOGETHER` go on to the next label. Rows
    without any label, and those that no label took, are the last stratum.

    Sechidis, Tsoumakas and Vlahavas, On the Stratification of Multi-label Data, 2011, section 3.
    """
    counts, numbers, stratum = targets.sum(0, dtype=np.int64), np.full(len(targets), -1), 0
    for label in np.argsort(counts, kind="stable"):
        rows = np.flatnonzero((numbers < 0) & (targets[:, label] > 0))
        if len(rows) and len(rows) >= min(TOGETHER, counts[label]):
            numbers[rows], stratum = stratum, stratum + 1
    rest = numbers < 0
    numbers[rest] = stratum if rest.sum() >= TOGETHER or not stratum else stratum - 1
    return numbers


def scale_of(targets: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of the amounts (n,) of a training part; 1 in the place of a deviation of 0."""
    return float(targets.mean()), float(targets.std()) or 1.0


def amount_problems(targets: np.ndarray) -> list[str]:
    """What was found and what is allowed, where amounts (n,) are not finite or are all the same."""
    if len(rows := np.flatnonzero(~np.isfinite(targets))):
        return [
            f"NaN or infinity in {len(rows):,} rows, first in {row_at(rows[0])}; allowed: finite amounts, drop such rows"
        ]
    if len(targets) and targets.min() == targets.max():
        return [f"the same amount, {targets[0]:g}, in every row; allowed: amounts that differ"]
    return []
