"""Weights of examples: non-negative numbers that say how much an example counts in the loss of a training.

A survey gives a row the number of people that it stands for; other data give it the number of times it was seen, or how
far its label is trusted. Only ratios of weights matter. They count in training alone: every metric counts each example once.
"""

from collections.abc import Sequence

import numpy as np

from reglab.core.wording import row_at

ALLOWED = "finite numbers of 0 or more, one for each example"


def wrong_weights(weights: np.ndarray) -> np.ndarray:
    """Which weights (n,) are negative, NaN or infinite: (n,) bool."""
    return ~(np.isfinite(weights) & (weights >= 0))


def weight_problems(weights: np.ndarray) -> list[str]:
    """What was found and what is allowed, where weights (n,) are no weights, or are 0 in every row."""
    wrong = np.flatnonzero(wrong_weights(weights))
    if len(wrong):
        counted = f"{len(wrong):,} such weights" if len(wrong) > 1 else "one such weight"
        return [f"{weights[wrong[0]]:g} in {row_at(wrong[0])}, {counted}; allowed: {ALLOWED}"]
    if len(weights) and not weights.any():
        return ["the weight 0 in every row; allowed: some weights above 0"]
    return []


def part_weight_problems(weights: np.ndarray | None, drawn: Sequence[dict[str, np.ndarray]]) -> list[str]:
    """A line where all examples of a training part have the weight 0, about the first seed where it is so."""
    for seed, parts in enumerate(drawn) if weights is not None else ():
        if not weights[parts["labelled"]].any():
            found = f"weights that are 0 for all {len(parts['labelled'])} training examples of seed {seed}"
            return [f"params.yaml: data.weight: found {found}; allowed: weights above 0 in every training part"]
    return []


def training_weights(weights: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    """The weights (len(rows),) float32 of a training part; None where there are none or all are equal.

    They are divided by their mean, which changes no weighted mean and keeps large survey weights within single precision.
    """
    if weights is None or (chosen := weights[rows]).min() == chosen.max():
        return None
    return (chosen / chosen.mean()).astype(np.float32)


def effective_size(weights: np.ndarray) -> float:
    """(sum w)² / sum w²: as many examples of equal weight estimate a mean about as well.

    Kish, Survey Sampling, 1965, section 11.7.
    """
    return float(weights.sum() ** 2 / np.square(weights).sum())
