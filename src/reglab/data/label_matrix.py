"""Labels of a user's data as a matrix of 0 and 1, and what no network can learn from."""

from collections.abc import Iterator, Sequence

import numpy as np

from reglab.core.wording import shown
from reglab.data.classes import LEAST, at_most

MATRIX = "0 or 1 for each label, whether the example has it"
ONE_HOT = "exactly one label in every row, so that they are classes"


def as_labels(targets: np.ndarray) -> np.ndarray:
    """A matrix of whole numbers or truth values that are all 0 or 1 as uint8, as labels are; others as they are."""
    whole = targets.ndim == 2 and targets.dtype.kind in "biu"
    return targets.astype(np.uint8) if whole and np.isin(targets, (0, 1)).all() else targets


def label_problems(place: str, targets: np.ndarray, names: Sequence[str]) -> list[str]:
    """A line for each label that too few examples have or lack; targets (n, labels) of 0 and 1. `place` begins the lines.

    One line where every example has exactly one label.
    """
    if is_one_hot(targets):
        return [
            f"{place}: found {ONE_HOT}; allowed: the numbers of the classes (n,), or labels of which some have not one"
        ]
    return at_most(list(_rare(place, targets, names)), place)


def is_one_hot(targets: np.ndarray) -> bool:
    """Whether every row has exactly one label, so that the labels are classes."""
    return bool(len(targets) and (targets.sum(1) == 1).all())


def _rare(place: str, targets: np.ndarray, names: Sequence[str]) -> Iterator[str]:
    allowed = (
        f"at least {LEAST} with it and {LEAST} without it, one each for training, validation and test; add examples or "
        "leave the label out"
    )
    for name, count in zip(names, targets.sum(0, dtype=np.int64).tolist(), strict=True):
        if found := rarity(count, len(targets)):
            yield f"{place}: label {shown(name)}: found {found}; allowed: {allowed}"


def rarity(count: int, rows: int, levels: Sequence[str] = ("0", "1")) -> str:
    """What was found where `count` of so many rows have a label, and these or the others are too few; else nothing.

    `levels` are the values without and with the label.
    """
    if count in (0, rows):
        return f"the same value, {levels[count > 0]}, in every row"
    if count < LEAST or rows - count < LEAST:
        few, what = (count, "with") if count < LEAST else (rows - count, "without")
        return f"{few} example{'s' * (few != 1)} {what} it"
    return ""
