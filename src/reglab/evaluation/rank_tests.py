"""Tests over data sets that use ranks alone, beside the hierarchical comparison: they need no scale that sets share."""

from dataclasses import dataclass

import numpy as np
import scipy  # whose part `stats` is imported when it is first used

from reglab.evaluation import statistics
from reglab.evaluation.hierarchical import FEWEST_SETS
from reglab.evaluation.rounding import DECIMALS

PERMUTATIONS = 9_999


@dataclass(frozen=True)
class Friedman:
    """Recipes ranked on every data set, 1 is the best and equal ones share their mean rank.

    `mean_ranks`, in the order of the recipes; `p` of "all recipes are equal"; `critical_difference`: mean ranks that are
    farther apart than this differ (Nemenyi), at the level of the test.
    """

    mean_ranks: tuple[float, ...]
    chi_square: float
    p: float
    critical_difference: float


def signed_rank(effects: np.ndarray) -> float:
    """Two-sided p-value of Wilcoxon's signed-rank test that effects (sets,) lie around zero.

    Exact: the share of sign patterns whose ranks have a sum at least as far from 0 (`statistics.sign_flip`), with ties too.
    Effects of zero have ranks and no sign (Pratt). Five sets cannot reach 5 %, for their smallest p-value is 1/16.
    Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006, section 3.1.3. Raises ValueError
    for fewer than five sets or effects that are not finite.
    """
    values = _finite(np.asarray(effects, dtype=np.float64), 1)
    return statistics.sign_flip(np.sign(values) * scipy.stats.rankdata(np.abs(values)))


def friedman(scores: np.ndarray, level: float = 0.05) -> Friedman:
    """Friedman's test of scores (sets, recipes), more is better, with Nemenyi's critical difference.

        chi² = sum over recipes of (R_j - N (k + 1)/2)² / (sum over sets of the variance of the k ranks)
        critical difference = q_[level; k, inf] / sqrt(2) sqrt(k (k + 1) / (6 N))      q: studentized range

    R_j is the sum of ranks of a recipe on N sets, k the number of recipes; without ties the variance is k (k + 1)/12. p is
    the share of 9,999 permutations of the ranks within each set, always the same, and the observed order, with a chi² at
    least as large: few sets are too few for the limit. Demšar 2006, section 3.2.2. Raises ValueError for fewer than five
    sets or three recipes, or scores that are not finite.
    """
    values = _finite(np.asarray(scores, dtype=np.float64), 2)
    sets, recipes = values.shape
    if recipes < 3:
        raise ValueError(f"{recipes} recipes: Friedman's test needs at least 3; for two there is `signed_rank`")
    ranks = scipy.stats.rankdata(-values, axis=1)
    spread = ranks.var(axis=1, ddof=1).sum()  # 0 where all tie on every set

    def chi_square(sums: np.ndarray) -> np.ndarray:
        distance = np.square(sums - sets * (recipes + 1) / 2).sum(-1)
        return distance / spread if spread else distance

    observed = float(chi_square(ranks.sum(0)))
    reached = 1 + sum(
        (chi_square(sums) >= observed - 10.0**-DECIMALS).sum() for sums in _permuted_sums(ranks, PERMUTATIONS)
    )
    quantile = scipy.stats.studentized_range.isf(level, recipes, np.inf)
    return Friedman(
        mean_ranks=tuple(ranks.mean(0).tolist()),
        chi_square=observed,
        p=float(reached / (1 + PERMUTATIONS)),
        critical_difference=float(quantile / np.sqrt(2) * np.sqrt(recipes * (recipes + 1) / (6 * sets))),
    )


def _permuted_sums(ranks: np.ndarray, times: int):
    """Sums of ranks (recipes,) of `times` permutations within each set, a thousand at a time."""
    random = np.random.default_rng(0)
    while times > 0:
        copies = np.broadcast_to(ranks, (min(times, 1_000), *ranks.shape))
        yield random.permuted(copies, axis=2).sum(1)
        times -= 1_000


def _finite(values: np.ndarray, axes: int) -> np.ndarray:
    """To DECIMALS, so that what is equal but for rounding ties."""
    if values.ndim != axes or not np.isfinite(values).all():
        raise ValueError(
            f"found {values.ndim} axes and {np.count_nonzero(~np.isfinite(values))} numbers that are not finite"
        )
    if len(values) < FEWEST_SETS:
        raise ValueError(f"{len(values)} data sets: a rank test needs at least {FEWEST_SETS}")
    return np.round(values, DECIMALS)
