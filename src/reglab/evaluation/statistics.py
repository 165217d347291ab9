"""Tests and intervals of the difference between two recipes: pure functions of values paired over seeds.

A seed draws the split, the initialization and the batch order, and both recipes share it. Two questions, answered separately:

    on this data set        over new seeds, these examples given: the sign flip and the bootstrap
    on this distribution    over new examples too: the training sets of the seeds overlap, so their differences are
                            alike and their spread says too little; the corrected t test makes up for that
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from math import ceil
from typing import Literal

import numpy as np
import scipy  # whose part `stats` is imported when it is first used: `reglab check` does without

from reglab.evaluation import rounding
from reglab.evaluation.rounding import DECIMALS, ROUNDING

Verdict = Literal["helps", "hurts", "no relevant difference", "cannot tell"]

RESAMPLES = 9_999  # bootstrap samples
FLIPS = 99_999  # sign patterns at most; where there are more, so many random ones
BATCH = 2**17  # differences that are flipped at a time, 1 MB: more of them leave the cache and are slower
POWER = 0.8
TIE = 1e-9  # of the sum of all absolute differences: sums that are no farther apart are equal


def difference_interval(differences: np.ndarray, confidence: float) -> tuple[float, float]:
    """Bias-corrected and accelerated bootstrap interval of the mean difference, its random numbers always the same.

    As SciPy's `bootstrap` has it, but that means of samples which are equal count as equal in spite of rounding, as those
    of differences of counts often are. Equal differences give an interval of no width, a single one NaN. With ten seeds it
    covers somewhat less often than it says (about 90 % for 95 %), which is why a verdict also needs the exact test.
    Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, eq. 14.9 and 14.10.
    """
    if len(differences) < 2 or not np.isfinite(differences).all():
        return np.nan, np.nan
    if np.allclose(differences, differences[0], rtol=1e-12, atol=ROUNDING):  # no spread: the method is not defined
        return rounding.mean(differences), rounding.mean(differences)
    d = np.asarray(differences, dtype=np.float64)
    means, mean = np.round(resampling(len(d)) @ d, DECIMALS), rounding.mean(d)
    normal = scipy.stats.norm
    bias = normal.ppf((np.mean(means < mean) + np.mean(means <= mean)) / 2)  # equal means count half
    left_out = d - d.mean()  # the mean of all less that without each seed, times n - 1
    acceleration = (left_out**3).sum() / (6 * np.square(left_out).sum() ** 1.5)
    z = bias + normal.ppf([(1 - confidence) / 2, (1 + confidence) / 2])
    low, high = np.quantile(means, normal.cdf(bias + z / (1 - acceleration * z)))
    return round(float(low), DECIMALS), round(float(high), DECIMALS)


@lru_cache(maxsize=4)
def resampling(seeds: int) -> np.ndarray:
    """(RESAMPLES, seeds): the weight of each seed in the mean of each bootstrap sample, always the same."""
    drawn = np.random.default_rng(0).integers(0, seeds, (RESAMPLES, seeds))
    weights = np.zeros((RESAMPLES, seeds))
    np.add.at(weights, (np.arange(RESAMPLES)[:, None], drawn), 1 / seeds)
    return weights


def sign_flip(differences: np.ndarray) -> float:
    """`sign_flips` of a single comparison; ten comparisons in one call take hardly longer."""
    return sign_flips([differences])[0]


def sign_flips(comparisons: Sequence[np.ndarray]) -> list[float]:
    """Two-sided p-values of the paired permutation test: how often random signs give a mean at least as far from 0.

    comparisons: the paired differences (seeds,) of each, not all of as many seeds. Exact (all 2^n sign patterns) for
    n <= 16; above that 99,999 random patterns, always the same. NaN for no or non-finite differences. The only assumption
    is that of equal recipes a difference is as likely as its negative.
    Fisher, "The Design of Experiments", 1935, section 21.
    """
    p = [np.nan] * len(comparisons)
    places: dict[int, list[int]] = {}  # by number of seeds
    for place, differences in enumerate(comparisons):
        if len(differences) and np.isfinite(differences).all():
            places.setdefault(len(differences), []).append(place)
    for seeds, same in places.items():
        d = np.array([comparisons[place] for place in same], dtype=np.float64)
        # Of random patterns every comparison has the same ones, whatever it is called with.
        values = flipped(d) if 2**seeds <= FLIPS else [flipped(row[None])[0] for row in d]
        for place, value in zip(same, values, strict=True):
            p[place] = value
    return p


def flipped(d: np.ndarray) -> list[float]:
    """p-values of `sign_flips`, of the sign patterns of d (comparisons, seeds): SciPy's `permutation_test`.

    Its statistic is 1 where the sum is as far from 0 as the observed one and else 0, so that sums within `least_sum` count
    as equal: SciPy's own tolerance for ties is relative to the sum, and too narrow for sums that cancel.
    """
    if d.shape[1] == 1:  # SciPy needs two seeds; the sum of one seed is as far from 0 with either sign
        return [1.0] * len(d)
    least = least_sum(d)

    def reached(flipped: np.ndarray, axis: int) -> np.ndarray:
        return (np.abs(flipped.sum(axis)) >= least).astype(np.int8)  # SciPy keeps it for each pattern

    return scipy.stats.permutation_test(
        (d,),
        reached,
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=FLIPS,
        batch=max(1, BATCH // d.size),
        axis=1,
        rng=0,
    ).pvalue.tolist()


def least_sum(d: np.ndarray) -> np.ndarray:
    """How far from 0 a sum must be to count as no nearer than that of d (..., seeds).

    Sums within TIE, or within what ROUNDING comes to, are equal: differences of quotients of counts are rounded, and their
    sums are apart by at least the share of one example or not at all.
    """
    return np.abs(d.sum(-1)) - np.maximum(TIE * np.abs(d).sum(-1), ROUNDING * d.shape[-1])


def shown_sign(differences: np.ndarray, confidence: float) -> int:
    """1 or -1 where a single mean difference, corrected for no other, is shown to be above or below zero; else 0.

    As in `verdict`, the exact test must agree with the interval: of two seeds with the same sign, as every second study of
    nothing has them, the bootstrap interval leaves out zero.
    """
    low, high = difference_interval(differences, confidence)
    side = int(low > 0) - int(high < 0)
    return side if side and sign_flip(differences) <= 1 - confidence else 0


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values adjusted for being one of a family; NaN stays NaN and does not count as a member.

    Sorted p_(1) <= ... <= p_(m): adjusted_(i) = max over j <= i of min(1, (m - j + 1) p_(j)).
    Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # NaN sorts last
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.maximum.accumulate(np.minimum(1.0, factors * p[order]))
    return adjusted


def standard_error(differences: np.ndarray, test_to_train: float = 0.0) -> float:
    """s sqrt(1/n + test_to_train) of the mean of n differences with standard deviation s; NaN for fewer than two.

    `test_to_train`, test examples over training examples, stands for the correlation between resampled splits of one
    data set; 0 is the error over new seeds. Nadeau & Bengio, "Inference for the generalization error", 2003, section 4.
    """
    if len(differences) < 2 or not np.isfinite(differences).all():
        return np.nan
    spread = float(np.std(differences, ddof=1))
    return (spread if spread > ROUNDING else 0.0) * float(np.sqrt(1 / len(differences) + test_to_train))


def student_interval(mean: float, error: float, confidence: float, seeds: int) -> tuple[float, float]:
    """mean ± t_[n - 1] error; NaN where the error is.

    SciPy's interval of error 1, scaled: with `loc` and `scale` its ends are rounded apart, and an error of 0 has none.
    """
    half = float(scipy.stats.t.interval(confidence, max(seeds - 1, 1))[1]) * error
    return mean - half, mean + half


def student_test(mean: float, error: float, seeds: int) -> float:
    """Two-sided p-value of mean / error under Student's t with n - 1 degrees of freedom; without error, that of certainty."""
    if not error > 0:
        return np.nan if np.isnan(error) else float(mean == 0)
    return float(2 * scipy.stats.t.sf(abs(mean) / error, seeds - 1))


def practical(mean: float, error: float, seeds: int, relevant_difference: float) -> dict[str, float] | None:
    """The probabilities that the true mean of a gain `helps` by more than relevant_difference, `hurts` by more than it, or
    is practically the `same`; None for fewer than two seeds.

    The posterior of the mean under the usual prior, flat in the mean and in the logarithm of the spread, is
    mean + error t_[n - 1]. Without error it is certain.
    Corani & Benavoli, "A Bayesian approach for comparing cross-validated algorithms on multiple data sets", 2015, eq. 7;
    Benavoli, Corani, Demšar & Zaffalon, "Time for a change", JMLR 2017, section 4.
    """
    if np.isnan(error):
        return None
    if error == 0:
        helps, hurts = float(mean > relevant_difference), float(mean < -relevant_difference)
    else:
        helps = float(scipy.stats.t.sf((relevant_difference - mean) / error, seeds - 1))
        hurts = float(scipy.stats.t.cdf((-relevant_difference - mean) / error, seeds - 1))
    return {"helps": helps, "same": max(1 - helps - hurts, 0.0), "hurts": hurts}


def smallest_p(seeds: int) -> float:
    """The least p-value that `sign_flip` can give: 2^(1-n) of n seeds, not below that of its random patterns."""
    return max(2.0 ** (1 - seeds), 1 / (1 + FLIPS))


def smallest_seeds(comparisons: int, level: float) -> int:
    """The least n at which the exact test can reach `level` after Holm: its smallest p-value is 2^(1-n)."""
    return next(n for n in count(1) if max(comparisons, 1) * 2.0 ** (1 - n) <= level)


def verdict(low: float, high: float, p_holm: float, *, seeds: int, relevant_difference: float, level: float) -> Verdict:
    """The verdict on a gain whose interval is [low, high], by these rules in this order:

    1. fewer seeds than the exact test needs for a single comparison (6 at 5 %)     -> cannot tell
    2. the interval lies within ± relevant_difference                               -> no relevant difference
    3. p_holm <= level and the interval lies on one side of zero                    -> helps, hurts
    4. anything else                                                                -> cannot tell

    "Helps" says that the gain is real, not that it exceeds relevant_difference: the interval shows by how much.
    """
    if seeds < smallest_seeds(1, level):
        return "cannot tell"
    if -relevant_difference <= low and high <= relevant_difference:
        return "no relevant difference"
    if p_holm <= level and low > 0:
        return "helps"
    if p_holm <= level and high < 0:
        return "hurts"
    return "cannot tell"


def seeds_needed(differences: np.ndarray, *, comparisons: int, relevant_difference: float, level: float) -> int | None:
    """About how many seeds would tell, if mean d and spread s stayed as they are; None when fewer than two are known.

    The cheaper of two ways to a verdict, each reached 4 times out of 5 in the normal approximation:

        a difference from zero:        n = ((z_[1 - level/(2 comparisons)] + z_[0.8]) s / |d|)²
        within relevant_difference r:  n = ((z_[1 - level/2] + z_[0.8]) s / (r - |d|))²       (only where |d| < r)

    but never fewer than the exact test needs, nor fewer than one more than there are.
    """
    n = len(differences)
    if n < 2 or not np.isfinite(differences).all():
        return None
    distance, spread = abs(rounding.mean(differences)), float(np.std(differences, ddof=1))

    def seeds(comparisons: int, margin: float) -> float:
        if margin <= 0:
            return np.inf
        z = scipy.stats.norm.isf(level / (2 * comparisons)) + scipy.stats.norm.ppf(POWER)
        return max((z * spread / margin) ** 2, smallest_seeds(comparisons, level))

    needed = min(seeds(comparisons, distance), seeds(1, relevant_difference - distance))
    return max(ceil(needed), n + 1) if np.isfinite(needed) else None
