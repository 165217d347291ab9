"""Planned looks at a study that grows: seeds are added to what is undecided, and the looks share the error of one test."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

# Of the overall levels for which nominal ones are tabulated, evenly spread by their logarithms.
LOWEST, POINTS = 1e-9, 400


@dataclass(frozen=True)
class Looks:
    """Every recipe has `first` seeds; one that is undecided gets more at the `looks` - 1 further looks, up to `most`.

    The numbers of seeds of the looks grow by about the same factor. `first_share` of the error is spent at the first look,
    the rest at the others by `power_spending`. It is large because the exact test of few seeds has no small p-values: of n
    seeds none is below 2^(1-n).
    """

    first: Annotated[int, Ge(2), Le(1_000)]
    most: Annotated[int, Ge(2), Le(1_000)]
    looks: Annotated[int, Ge(2), Le(10)] = 3
    first_share: Annotated[float, Gt(0), Lt(1)] = 0.75

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The number of seeds at each look."""
        steps = np.arange(self.looks) / (self.looks - 1)
        rounded = np.round(self.first * (self.most / self.first) ** steps).astype(int)
        least = self.first + np.arange(self.looks)  # a look has at least one seed more than the one before
        greatest = self.most - np.arange(self.looks)[::-1]
        return tuple(np.clip(np.maximum(rounded, least), None, greatest).tolist())

    def number(self, seeds: int) -> int:
        """The number of the look, from 0 on, at which a recipe has so many seeds."""
        return self.sizes.index(seeds)

    def nominal(self, level: float) -> np.ndarray:
        """(looks,): how small the p-value of each look must be so that all together reject with probability `level`."""
        from reglab.evaluation.error_spending import nominal_levels, power_spending  # SciPy: not to read params.yaml

        times = [seeds / self.most for seeds in self.sizes]
        return nominal_levels(times, [level * power_spending(time, self.first_share, times[0]) for time in times])

    def confidence(self, seeds: int, confidence: float) -> float:
        """The confidence of an interval over so many seeds, such that the intervals of all looks are right together with
        probability `confidence`: repeated confidence intervals.

        Jennison & Turnbull, "Interim analyses: the repeated confidence interval approach", JRSS B 1989, section 2.
        """
        return 1 - float(nominal_of(self, 1 - confidence)[self.number(seeds)])

    def p_values(self, by_look: Sequence[np.ndarray | float]) -> np.ndarray:
        """The least overall level at which one of the looks so far rejects, at most 1; NaN where a p-value is.

        by_look: the p-values of the first look, the second, ..., each a number or an array of several tests. It is a p-value
        whatever made the study stop after the last of these looks, so that Holm's method may correct it for other tests.
        Liu & Anderson, "On adaptive extensions of group sequential trials for clinical investigations", JASA 2008, section 3.
        """
        overall, nominal = table(self)
        levels = []
        for p, of_look in zip(by_look, nominal.T, strict=False):
            p = np.asarray(p, dtype=np.float64)
            with np.errstate(divide="ignore"):
                inside = np.exp(np.interp(np.log(p), np.log(of_look), np.log(overall)))
            below = overall[0] * p / of_look[0]  # where the level is that of a single look
            levels.append(np.where(p < of_look[0], below, np.where(p > of_look[-1], 1.0, inside)))
        return np.min(levels, axis=0)


@lru_cache(maxsize=32)
def nominal_of(looks: Looks, level: float) -> np.ndarray:
    return looks.nominal(level)


@lru_cache(maxsize=8)
def table(looks: Looks) -> tuple[np.ndarray, np.ndarray]:
    """Overall levels (POINTS,) that rise, and the nominal ones (POINTS, looks) of each look."""
    overall = np.geomspace(LOWEST, 1 - LOWEST, POINTS)
    return overall, np.array([looks.nominal(level) for level in overall])
