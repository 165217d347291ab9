"""Class labels of a user's data as numbers, and what no network can learn from."""

from collections.abc import Sequence

import numpy as np

LEAST = 3  # examples of a class: one for the training part, one for validation, one for the test
SHOWN = 20  # problems of one source that are listed; a count stands for the others


def numbered(names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class numbers (n,) int64 of class names, one an example, and the names in alphabetical order."""
    classes, numbers = np.unique(np.asarray(names, dtype=object), return_inverse=True)
    return numbers.astype(np.int64), tuple(map(str, classes))


def class_problems(place: str, targets: np.ndarray, classes: Sequence[str]) -> list[str]:
    """A line where there is one class, and one for the classes with too few examples; `place` begins it."""
    counts = np.bincount(targets, minlength=len(classes))
    if len(counts) < 2:
        return [f"{place}: found one class, {classes[0]}; allowed: two classes or more"]
    few = [f"{name} ({count})" for name, count in zip(classes, counts, strict=True) if count < LEAST]
    if not few:
        return []
    listed = ", ".join(few[:SHOWN]) + (f" and {len(few) - SHOWN} more" if len(few) > SHOWN else "")
    return [
        f"{place}: found classes with too few examples: {listed}; allowed: at least {LEAST} of each class, one for training, "
        "one for validation and one for the test; add examples or leave the class out"
    ]


def at_most(lines: Sequence[str], place: str) -> list[str]:
    """The first `SHOWN` lines, and how many more there are."""
    more = [f"{place}: and {len(lines) - SHOWN:,} more problems"] if len(lines) > SHOWN else []
    return [*lines[:SHOWN], *more]
