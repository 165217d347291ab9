"""The hierarchical comparison of two recipes over data sets: does one help in general, that is, on the next data set?

A data set has an effect of its own, which its seeds measure with an error. The effects of data sets are draws from a
distribution of which the next data set is one more draw:

    effect measured on set i     y_i = d_i + s_i t_[n_i - 1]     s_i its standard error, n_i its seeds
    effects of data sets         d_i = m + S t_v                 location m, scale S, degrees of freedom v

Corani, Benavoli, Demšar, Mangili & Zaffalon, "Statistical comparison of classifiers through Bayesian hierarchical
modelling", Machine Learning 106, 2017, section 3. They draw from the posterior with Stan; here it is computed on a grid, so
that it is the same each time.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Literal, NamedTuple

import numpy as np
import scipy  # whose parts are imported when they are first used

Verdict = Literal[
    "helps in general",
    "helps on average",
    "no relevant difference",
    "hurts on average",
    "hurts in general",
    "cannot tell",
]

FEWEST_SETS = 5  # below it nothing is known about how much data sets differ
CELLS = 2048  # of the grid of effects
RANGE = 1.5  # the grid reaches so many times as far from 0 as any set's effect plus four of its standard errors
SCALES = 0.25 * 1.3 ** np.arange(38)  # of the effects of data sets, in cells: to 5,000, beyond twice the grid
FREEDOMS = 1 + 0.06 * 2.2 ** np.arange(11)  # degrees of freedom: from 1.06 to 160


class CredibleInterval(NamedTuple):
    """A posterior mean and the ends of the credible interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class GeneralEffect:
    """What data sets say together about a gain.

    On the next data set it is above the region of practical equivalence (`probability_helps`), within it
    (`probability_equivalent`) or below it (`probability_hurts`): the posterior predictive probabilities. `mean`, with the
    credible interval from `low` to `high`, is the location m of the effects of data sets. `per_set`, in the order of the
    sets: the effect of each, shrunken towards that of the others. `scale`: the posterior median of S.
    """

    probability_helps: float
    probability_equivalent: float
    probability_hurts: float
    mean: float
    low: float
    high: float
    scale: float
    per_set: tuple[CredibleInterval, ...]
    region: float
    confidence: float

    @property
    def verdict(self) -> Verdict:
        """By these rules in this order:

        1. the probability that the next data set gains more than the region is at least `confidence`  -> helps in general
           (loses more than the region -> hurts in general; lies within the region -> no relevant difference)
        2. the credible interval of the mean effect lies within the region                    -> no relevant difference
        3. the credible interval of the mean effect lies above (below) zero                   -> helps (hurts) on average
        4. anything else                                                                      -> cannot tell

        "On average" says that gains outweigh losses, and leaves open how the next data set turns out.
        """
        if self.probability_helps >= self.confidence:
            return "helps in general"
        if self.probability_hurts >= self.confidence:
            return "hurts in general"
        if self.probability_equivalent >= self.confidence or -self.region <= self.low <= self.high <= self.region:
            return "no relevant difference"
        if self.low > 0:
            return "helps on average"
        return "hurts on average" if self.high < 0 else "cannot tell"


def hierarchical(
    effects: np.ndarray,
    errors: np.ndarray,
    region: float,
    *,
    degrees_of_freedom: np.ndarray | float = inf,
    confidence: float = 0.95,
) -> GeneralEffect:
    """The posterior of a gain over data sets, each of which counts once, whatever its size.

    effects: (sets,), the mean gain of each set, more is better; errors: (sets,), its standard errors, with the correction for
    seeds that share examples (`statistics.standard_error`); degrees_of_freedom: (sets,) or one for all, the seeds less one,
    infinite where an error is known. `region`: gains up to it, in either direction, do not matter. Sets must not share rows.

    The prior, which has no scale of its own:

        m        uniform on the grid, which reaches RANGE times as far from 0 as any effect plus four of its errors
        S        uniform
        v - 1    Gamma(a, b) with a uniform on 0.5 to 5 and b on 0.05 to 0.15: from nearly Cauchy to nearly normal, mean 30

    That is the authors' prior. Errors below half a cell of the grid, a 2,700th of the farthest effect, count as half a cell.
    Raises ValueError for fewer than FEWEST_SETS sets, and for effects or errors that are not finite.
    """
    y, s, freedom, region = _checked(effects, errors, degrees_of_freedom, region)
    reach = max(RANGE * float(np.max(np.abs(y) + 4 * s)), 2 * region)
    if reach == 0:  # every seed of every set is equal, and any difference matters
        nothing = CredibleInterval(0.0, 0.0, 0.0)
        return GeneralEffect(0.0, 1.0, 0.0, *nothing, 0.0, (nothing,) * len(y), region, confidence)
    cell = 2 * reach / CELLS
    likelihoods = _likelihoods(y / cell, np.maximum(s / cell, 0.5), freedom)
    weights, marginal = _posterior(likelihoods, _prior(SCALES))
    helps, equivalent, hurts = _next_set(weights, region / cell)
    mean = _interval(weights.sum((0, 1)), confidence)
    per_set = [
        _interval(likelihood * _others(weights, one), confidence)
        for likelihood, one in zip(likelihoods, marginal, strict=True)
    ]
    mass = weights.sum((0, 2))
    scale = cell * float(np.exp(np.interp(0.5, mass.cumsum() - mass / 2, np.log(SCALES))))
    return GeneralEffect(
        helps,
        equivalent,
        hurts,
        *(cell * value for value in mean),
        scale,
        tuple(CredibleInterval(*(cell * value for value in one)) for one in per_set),
        region,
        confidence,
    )


def _checked(effects, errors, degrees_of_freedom, region) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    y, s = np.asarray(effects, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    freedom = np.broadcast_to(np.asarray(degrees_of_freedom, dtype=np.float64), y.shape)
    if y.ndim != 1 or y.shape != s.shape:
        raise ValueError(f"effects and errors of {y.shape} and {s.shape}: one of each per data set is needed")
    if len(y) < FEWEST_SETS:
        raise ValueError(f"{len(y)} data sets: at least {FEWEST_SETS} are needed to say anything of the next one")
    if not (np.isfinite(y).all() and np.isfinite(s).all() and (s >= 0).all()):
        raise ValueError("effects must be finite, and errors finite and not negative: leave out sets that have none")
    if not (freedom >= 1).all():
        raise ValueError("degrees_of_freedom must be at least 1: an effect needs two seeds or more")
    if not 0 <= region < inf:
        raise ValueError(f"region {region}: must be a finite number that is not negative")
    return y, s, freedom, float(region)


# Everything below is in cells: cell j has its centre at j - (CELLS - 1) / 2, so that zero is a boundary.

CENTRES = np.arange(CELLS) - (CELLS - 1) / 2


def _likelihoods(y: np.ndarray, s: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """(sets, CELLS): the likelihood of an effect in each cell, the mean over the cell."""
    ends = (np.append(CENTRES - 0.5, CENTRES[-1] + 0.5) - y[:, None]) / s[:, None]
    return np.maximum(np.diff(_student_cdf(freedom[:, None], ends)), 1e-300)


def _student_cdf(freedom: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.where(np.isinf(freedom), scipy.special.ndtr(x), scipy.special.stdtr(np.minimum(freedom, 1e9), x))


def _prior(scales: np.ndarray) -> np.ndarray:
    """(FREEDOMS, scales): the prior mass of each node; both kinds of nodes are equally far apart in the logarithm."""
    a, b = np.linspace(0.5, 5, 46), np.linspace(0.05, 0.15, 21)[:, None]
    beyond_one = FREEDOMS - 1
    freedom = [scipy.stats.gamma.pdf(x, a, scale=1 / b).mean() * x for x in beyond_one]
    mass = np.outer(freedom, scales)
    return mass / mass.sum()


@lru_cache(maxsize=1)
def _tails() -> np.ndarray:
    """(FREEDOMS, SCALES, 2 CELLS + 1): the mass of S t_v above each boundary from -CELLS + 1/2 to CELLS + 1/2 cells."""
    beyond = (np.arange(CELLS + 1) + 0.5) / SCALES[:, None]
    upper = np.stack([scipy.special.stdtr(freedom, -beyond) for freedom in FREEDOMS])
    return np.concatenate([1 - upper[..., -2::-1], upper], axis=-1)


@lru_cache(maxsize=1)
def _spread() -> np.ndarray:
    """(FREEDOMS, SCALES, CELLS + 1): the Fourier transform of S t_v in cells; real, for it is symmetric."""
    mass = -np.diff(_tails())  # of the cells from -CELLS + 1 to CELLS
    return np.fft.rfft(np.roll(mass, 1 - CELLS, axis=-1)).real


def _convolved(values: np.ndarray) -> np.ndarray:
    """`values` (..., CELLS) with the distribution of S t_v: (FREEDOMS, SCALES, CELLS)."""
    return np.fft.irfft(np.fft.rfft(values, 2 * CELLS) * _spread(), 2 * CELLS)[..., :CELLS]


def _posterior(likelihoods: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The posterior mass (FREEDOMS, SCALES, CELLS) of v, S and m, and for each set its likelihood given them."""
    marginal = [np.maximum(_convolved(likelihood), 1e-300) for likelihood in likelihoods]
    logarithm = sum(map(np.log, marginal)) + np.log(prior)[..., None]
    weights = np.exp(logarithm - logarithm.max())
    return weights / weights.sum(), marginal


def _others(weights: np.ndarray, marginal: np.ndarray) -> np.ndarray:
    """(CELLS,): what the other sets say of the effect of one, the density of m + S t_v without it."""
    return _spread_back(weights / marginal)


def _spread_back(without: np.ndarray) -> np.ndarray:
    transformed = (np.fft.rfft(without, 2 * CELLS) * _spread()).sum((0, 1))
    return np.maximum(np.fft.irfft(transformed, 2 * CELLS)[:CELLS], 0)


def _next_set(weights: np.ndarray, region: float) -> tuple[float, float, float]:
    """The probabilities that the next effect is above, within and below the region."""

    def above(boundary: int) -> float:  # it lies `boundary` cells above zero
        first = CELLS // 2 + boundary  # cells below the boundary
        tails = _tails()[..., first : first + CELLS][..., ::-1]
        return float((weights * tails).sum())

    whole, part = int(region), region - int(region)
    helps = (1 - part) * above(whole) + part * above(whole + 1)
    hurts = 1 - ((1 - part) * above(-whole) + part * above(-whole - 1))
    return helps, max(1 - helps - hurts, 0.0), hurts


def _interval(mass: np.ndarray, confidence: float) -> CredibleInterval:
    """The mean and the central interval of a density over the cells."""
    below = np.concatenate([[0.0], np.cumsum(mass)]) / mass.sum()
    ends = np.append(CENTRES - 0.5, CENTRES[-1] + 0.5)
    low, high = np.interp([(1 - confidence) / 2, (1 + confidence) / 2], below, ends)
    return CredibleInterval(float(mass @ CENTRES / mass.sum()), float(low), float(high))
