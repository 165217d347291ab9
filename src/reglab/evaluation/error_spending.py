"""Error spending: how small a p-value must be at each of several planned looks at growing data, so that the looks together
reject a true null hypothesis with a probability of at most the level.

The test statistics of the looks behave as a Brownian motion B at the information times t_1 < ... < t_K, the shares of the
data that each look has. The boundary z_k of look k spends what the spending function adds since the look before:

    P(|B(t_j)| < z_j √t_j for j < k, |B(t_k)| >= z_k √t_k) = spent(t_k) - spent(t_(k-1))

A p-value that is uniform at every look is compared with the nominal level 2 Φ(-z_k).

Lan & DeMets, "Discrete sequential boundaries for clinical trials", Biometrika 1983, section 2; the recursion is that of
Armitage, McPherson & Rowe, "Repeated significance tests on accumulating data", 1969, as in Jennison & Turnbull, "Group
Sequential Methods with Applications to Clinical Trials", 2000, chapter 19.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import scipy

FARTHEST = 9.0  # standard deviations: what lies beyond does not count


def power_spending(time: float, share: float, first: float) -> float:
    """The share of the error that is spent up to `time`, t^ρ, with ρ such that `share` of it is spent at the time `first`.

    Kim & DeMets, "Design and analysis of group sequential tests based on the type I error spending rate function",
    Biometrika 1987, section 3, whose power is at least 1; a smaller one spends early.
    """
    return float(time ** (np.log(share) / np.log(first)))


@cache
def nodes() -> tuple[np.ndarray, np.ndarray]:
    """Points in [-1, 1] and their weights, for the integrals over what has not been rejected yet."""
    return np.polynomial.legendre.leggauss(256)


def nominal_levels(times: Sequence[float], spent: Sequence[float]) -> np.ndarray:
    """(looks,): the two-sided nominal level of each look.

    times: (looks,) rising, at most 1; spent: (looks,) the probability of a rejection up to each look, rising.
    """
    levels, last, before = [], 0.0, 0.0
    density, points, weights = np.ones(1), np.zeros(1), np.ones(1)
    for time, probability in zip(times, spent, strict=True):
        step, added = np.sqrt(time - last), probability - before
        bound = boundary(points, weights * density, step, np.sqrt(time), added)
        levels.append(2 * scipy.stats.norm.sf(bound / np.sqrt(time)))
        reach = min(bound, FARTHEST * np.sqrt(time))
        inside = reach * nodes()[0]
        moved = np.exp(-(((inside[:, None] - points) / step) ** 2) / 2) / (step * np.sqrt(2 * np.pi))
        density, points, weights = moved @ (weights * density), inside, reach * nodes()[1]
        last, before = time, probability
    return np.array(levels)


def boundary(points: np.ndarray, mass: np.ndarray, step: float, spread: float, added: float) -> float:
    """How far from 0 the sum must be so that it gets there with probability `added` in a step of this standard deviation.

    points, mass: where the sum was, unrejected, and how likely; spread: the standard deviation of the sum.
    """
    below = scipy.special.ndtr  # of a standard normal

    def too_much(bound: float) -> float:
        return float(mass @ (below((points - bound) / step) + below((-points - bound) / step))) - added

    farthest = FARTHEST * spread
    if too_much(0.0) <= 0:
        return 0.0
    return farthest if too_much(farthest) >= 0 else scipy.optimize.brentq(too_much, 0.0, farthest, xtol=1e-12)
