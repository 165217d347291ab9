"""Ranks what a search has tried by its scores on validation data."""

from collections.abc import Hashable, Mapping, Sequence
from math import inf, isfinite
from typing import TypeVar

import numpy as np

from reglab.core.task_names import LOSSES
from reglab.evaluation.metric_table import DECIDING
from reglab.evaluation.rounding import mean

Scores = dict[str, list[float | None]]  # metric -> a value for each seed of the search, None where it diverged
Key = TypeVar("Key", bound=Hashable)


def mean_or(values: Sequence[float | None], diverged: float) -> float:
    """The mean, without the rounding that would rank equal ones; `diverged` where a seed diverged."""
    return diverged if None in values else mean(values)


def value(scored: Scores, metric: str) -> float:
    """The mean of the metric on validation data. Where a seed diverged, or the metric is not defined: the worst that it can
    be."""
    about = DECIDING[metric]
    return mean_or(scored[f"validation_{metric}"], about.low if about.direction == "higher" else about.high)


def best(tried: Mapping[Key, Scores], metric: str = "accuracy") -> Key:
    """The best mean of the metric on validation data; of equals the lowest validation loss, then the first."""
    loss = f"validation_{LOSSES[DECIDING[metric].task]}"

    def rank(key: Key) -> tuple[float, float]:
        return DECIDING[metric].sign * value(tried[key], metric), -mean_or(tried[key][loss], inf)

    return max(tried, key=rank)


def expected_best(values: Sequence[float], sign: int = 1) -> list[float | None]:
    """The expected highest of k of the values drawn at random with replacement, for k = 1 to their number n; with `sign` -1
    the expected lowest. None where it is infinite, because a draw may have diverged.

        E[max] = sum over distinct v of v (P(V <= v)^k - P(V < v)^k),  P(V <= v) = share of the values that are <= v

    Dodge, Gururangan, Card, Schwartz & Smith, "Show Your Work: Improved Reporting of Experimental Results", 2019, eq. 7.
    """
    distinct, counts = np.unique(sign * np.asarray(values, dtype=np.float64), return_counts=True)
    below = np.concatenate([[0.0], np.cumsum(counts) / len(values)])
    expected = [sign * float(distinct @ np.diff(below**k)) for k in range(1, len(values) + 1)]
    return [value if isfinite(value) else None for value in expected]
