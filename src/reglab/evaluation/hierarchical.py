"""The hierarchical comparison of two recipes over data sets: does one help in general, that is, on the next data set?

A data set has an effect of its own, which its seeds measure with an error. The effects of data sets are draws from a
distribution of which the next data set is one more draw:

    effect measured on set i     y_i = d_i + sigma_i z_i     z_i standard normal; its seeds measure sigma_i as s_i
    effects of data sets         d_i = m + S t_v             location m, scale S, degrees of freedom v

Corani, Benavoli, Demšar, Mangili & Zaffalon, "Statistical comparison of classifiers through Bayesian hierarchical
modelling", Machine Learning 106, 2017, section 3. They draw from the posterior with Stan; here it is computed on a grid, so
that it is the same each time.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Literal, NamedTuple

import numpy as np
import scipy  # whose part `stats` is imported when it is first used

from reglab.evaluation.effect_grid import EffectGrid
from reglab.evaluation.rounding import ROUNDING

Verdict = Literal[
    "helps in general",
    "helps on average",
    "no relevant difference",
    "hurts on average",
    "hurts in general",
    "cannot tell",
]

FEWEST_SETS = 5  # below it nothing is known about how much data sets differ
FEWEST_CELLS, MOST_CELLS = 1_024, 8_192  # of the grid: powers of two, for the Fourier transform
RANGE = 1.5  # the grid reaches so many times as far from 0 as any set's effect plus four of its standard errors


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
    credible interval from `low` to `high`, is the location m of the effects of data sets: where most of them lie, while
    one far from the others hardly moves it. `scale`: the posterior median of S.
    In the order of the sets, `per_set`: the effect of each, shrunken towards that of the others; `alone`: Student's interval
    of its effect, measured on that set alone, with Bonferroni's correction for the number of sets.
    """

    probability_helps: float
    probability_equivalent: float
    probability_hurts: float
    mean: float
    low: float
    high: float
    scale: float
    per_set: tuple[CredibleInterval, ...]
    alone: tuple[tuple[float, float], ...]
    region: float
    confidence: float

    @property
    def verdict(self) -> Verdict:
        """By these rules in this order:

        1. on the next data set the gain is beyond the region with a probability of at least `confidence`, and no set shows
           otherwise                                                                     -> helps (hurts) in general
        2. on the next data set it is within the region with that probability, or the credible interval of the mean effect
           lies within it, and no set shows otherwise                                    -> no relevant difference
        3. the credible interval of the mean effect lies above (below) zero              -> helps (hurts) on average
        4. anything else                                                                 -> cannot tell

        A set shows otherwise where its interval `alone` lies on the other side of an end of the region; of 20 sets or more,
        at a `confidence` of 95 %, one in twenty may. "On average" says that gains outweigh losses, and leaves open how the
        next data set turns out.
        """
        if self.probability_helps >= self.confidence and self._holds(self.region, inf):
            return "helps in general"
        if self.probability_hurts >= self.confidence and self._holds(-inf, -self.region):
            return "hurts in general"
        within = -self.region <= self.low and self.high <= self.region
        if (within or self.probability_equivalent >= self.confidence) and self._holds(-self.region, self.region):
            return "no relevant difference"
        if self.low > 0:
            return "helps on average"
        return "hurts on average" if self.high < 0 else "cannot tell"

    def _holds(self, low: float, high: float) -> bool:
        """Whether no more sets than `confidence` allows have effects that are shown to lie outside of [low, high]."""
        outside = sum(end < low or start > high for start, end in self.alone)
        return outside <= (1 - self.confidence) * len(self.alone) + ROUNDING


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
    at least 2, infinite where an error is known. `region`: gains up to it, in either direction, do not matter. Sets must not
    share rows.

    The prior, which has no scale of its own:

        sigma_i  uniform: of n_i seeds, (y_i - d_i) / (s_i sqrt((n_i - 1)/(n_i - 2))) is Student's t with n_i - 2
        m        uniform on the grid, which reaches RANGE times as far from 0 as any effect plus four of its errors
        S        uniform, to three times as far as any effect
        v - 1    Gamma(a, b) with a uniform on 0.5 to 5 and b on 0.05 to 0.15: from nearly Cauchy to nearly normal, mean 30

    That is the authors' prior, but that S and sigma_i may be larger still. With a prior of 1/sigma_i, which leaves n_i - 1
    degrees of freedom, the intervals of sets are too narrow (docs/reliability.md). A cell of the grid is a quarter of the
    smallest error or a sixteenth of the region wide, whichever is more, but there are no fewer than 1,024 cells and no more
    than 8,192; errors below half a cell count as half a cell.

    Raises ValueError for fewer than FEWEST_SETS sets, and for effects or errors that are not finite.
    """
    y, s, freedom, region = _checked(effects, errors, degrees_of_freedom, region)
    half = s * scipy.stats.t.isf((1 - confidence) / (2 * len(y)), freedom)
    alone = tuple(zip((y - half).tolist(), (y + half).tolist(), strict=True))
    if not (y.any() or s.any() or region):  # every seed of every set is equal, and any difference matters
        nothing = CredibleInterval(0.0, 0.0, 0.0)
        return GeneralEffect(0.0, 1.0, 0.0, *nothing, 0.0, (nothing,) * len(y), alone, region, confidence)
    grid, cell, likelihoods, marginal, weights = _posterior(y, *_error_distribution(s, freedom), region)
    helps, equivalent, hurts = grid.next_set(weights, region / cell)
    mean = grid.interval(weights.sum((0, 1)), confidence)
    per_set = [
        grid.interval(likelihood * grid.of_others(weights, one), confidence)
        for likelihood, one in zip(likelihoods, marginal, strict=True)
    ]
    mass = weights.sum((0, 2))
    scale = np.exp(np.interp(0.5, mass.cumsum() - mass / 2, np.log(grid.scales)))
    return GeneralEffect(
        helps,
        equivalent,
        hurts,
        *(cell * value for value in mean),
        float(cell * scale),
        tuple(CredibleInterval(*(cell * value for value in one)) for one in per_set),
        alone,
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
    if not (freedom >= 2).all():
        raise ValueError("degrees_of_freedom must be at least 2: an effect needs three seeds or more")
    if not 0 <= region < inf:
        raise ValueError(f"region {region}: must be a finite number that is not negative")
    return y, s, freedom, float(region)


def _error_distribution(s: np.ndarray, freedom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale and degrees of freedom of Student's t around an effect whose standard error s has this freedom, by a uniform
    prior of sigma."""
    return s / np.sqrt(1 - 1 / freedom), freedom - 1


class GridPosterior(NamedTuple):
    """`weights`: the posterior mass (freedoms, scales, cells) of v, S and m on the `grid`, whose cells are `cell` wide.
    By set: `likelihoods` (cells,) of its effect, and `marginal` (freedoms, scales, cells), of v, S and m."""

    grid: EffectGrid
    cell: float
    likelihoods: np.ndarray
    marginal: list[np.ndarray]
    weights: np.ndarray


def _posterior(y: np.ndarray, s: np.ndarray, freedom: np.ndarray, region: float) -> GridPosterior:
    reach = max(RANGE * float(np.max(np.abs(y) + 4 * s)), 2 * region)
    finest = max(float(s.min()) / 4, region / 16, 2 * reach / MOST_CELLS)
    grid = _grid(int(max(2 ** np.ceil(np.log2(2 * reach / finest)), FEWEST_CELLS)))
    cell = 2 * reach / grid.cells
    likelihoods = grid.likelihoods(y / cell, np.maximum(s / cell, 0.5), freedom)
    marginal = [grid.convolved(likelihood) for likelihood in likelihoods]
    logarithm = sum(map(np.log, marginal)) + np.log(_prior(grid))[..., None]
    weights = np.exp(logarithm - logarithm.max())
    return GridPosterior(grid, cell, likelihoods, marginal, weights / weights.sum())


def _prior(grid: EffectGrid, a: tuple[float, float] = (0.5, 5), b: tuple[float, float] = (0.05, 0.15)) -> np.ndarray:
    """(freedoms, scales): the prior mass of each pair; both are equally far apart in the logarithm."""
    shapes, rates = np.linspace(*a, 46), np.linspace(*b, 21)[:, None]
    freedom = [x * scipy.stats.gamma.pdf(x, shapes, scale=1 / rates).mean() for x in grid.freedoms - 1]
    return np.outer(freedom, grid.scales)


@lru_cache(maxsize=3)
def _grid(cells: int) -> EffectGrid:
    return EffectGrid(cells)
