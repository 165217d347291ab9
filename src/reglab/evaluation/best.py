"""Finds the recipes that cannot be told from the best: a confidence set of the best, by sign flips.

A recipe belongs to the set unless a test rejects that no other recipe is better. These are Hsu's multiple comparisons with
the best, but with the sign flips of all other tests here in the place of his t bound, which needs the same variance for all
recipes. The model confidence set (Hansen, Lunde & Nason, "The Model Confidence Set", Econometrica 2011) rests on a bootstrap,
which is right for many observations; a study has 4 to 11 seeds, and sign flips are exact for few.
"""

from collections.abc import Container, Hashable, Mapping
from functools import lru_cache
from typing import TypeVar

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.judgement import exclusion
from reglab.evaluation.metric_names import sign
from reglab.evaluation.paired_values import values_of
from reglab.evaluation.rounding import mean, subtract
from reglab.evaluation.statistics import FLIPS, TIE

Key = TypeVar("Key", bound=Hashable)


def best_set(rows: Mapping[Key, dict], confidence: float) -> dict | None:
    """`leader`, the recipe with the best mean; `members` of the set, the best mean first; `cheapest`, the member with the
    least cost (of equal costs the better mean, None where no cost is known); `compared`, how many recipes; `confidence`.

    rows: by key with `behind_best`, as in `behind_the_best`, and `cost`; None where nothing was compared. As far as
    `p_no_other_is_better` is right, at least a share `confidence` of all studies has the truly best recipe in its set; of
    several that are equally good, each of them.
    """
    compared = {key: row for key, row in rows.items() if row.get("behind_best")}
    if not compared:
        return None
    inside = [key for key, row in compared.items() if not row["behind_best"]["excluded"]]
    members = sorted(inside, key=lambda key: compared[key]["behind_best"]["difference"])
    priced = [key for key in members if compared[key]["cost"] is not None]
    return {
        "leader": next(iter(compared.values()))["behind_best"]["leader"],
        "members": members,
        "cheapest": min(priced, key=lambda key: compared[key]["cost"], default=None),
        "compared": len(compared),
        "confidence": confidence,
    }


def behind_the_best(values: Mapping[Key, np.ndarray], metric: str, confidence: float) -> dict[Key, dict]:
    """By key: `leader`, the key of the best mean; `difference`, how far the leader is better, with `low` and `high`; `p` of
    `p_no_other_is_better`; and `excluded`, whether that is rejected, so that the recipe is outside the set.

    values: by key (seeds,) of the metric, of the same seeds.
    """
    if not values:
        return {}
    gains = sign(metric) * np.stack(list(values.values()))
    leading = int(np.argmax([mean(gain) for gain in gains]))  # of equals the first
    rows = {}
    for place, key in enumerate(values):
        lead, p = subtract(gains[leading], gains[place]), p_no_other_is_better(gains, place)
        low, high = statistics.difference_interval(lead, confidence)
        rows[key] = {
            "leader": list(values)[leading],
            "difference": mean(lead),
            "low": low,
            "high": high,
            "p": p,
            "excluded": p <= 1 - confidence,
        }
    return rows


def values_of_sound(records: Mapping[Key, dict], failed: Container[Key], metric: str) -> dict[Key, np.ndarray]:
    """The metric (seeds,) of the records that may be the best: no seed diverged, and the key is not among the `failed`, those
    with a technique that fails an exact check."""
    values = {key: values_of(record, metric) for key, record in records.items()}
    return {
        key: measured
        for key, measured in values.items()
        if len(measured) and np.isfinite(measured).all() and not exclusion(records[key], failed=key in failed)
    }


def p_no_other_is_better(gains: np.ndarray, place: int) -> float:
    """The p-value of "no other recipe is better than this one": how often random signs of the seeds give as large a lead.

        d_j = x_j - x        T(e) = max over j of (e_1 d_j1 + ... + e_n d_jn) / ||d_j||       p = share of e with T(e) >= T(1)

    gains: (recipes, seeds), more is better; x is the row at `place`, x_j are the others. T is at least 0. The patterns e are
    all 2^n for n <= 16 seeds, above that 99,998 random ones, always the same, and the observed one.

    The norm is the same for all patterns, so that T is a rising function of the largest Student's t, T ((n-1)/(n-T²))^(1/2):
    a recipe that varies much does not hide the others. A seed gives its sign to all its differences, which keeps their
    correlation: they share x. The test is exact where all are equally good and the differences of a seed are together as
    likely as their negatives, whatever the variances; in simulations, recipes that are worse than x made it cautious. It
    rejects too often where rare values of x alone lie far above the others. With fewer than 5 seeds it rejects nothing at
    5 %, for no p-value is below 2^-n.

    Hsu, "Multiple Comparisons: Theory and Methods", 1996, chapter 4; Romano & Wolf, "Exact and approximate stepdown methods
    for multiple hypothesis testing", 2005, on the largest statistic under changes of sign.
    """
    others = subtract(np.delete(gains, place, axis=0), gains[place])
    norms = np.linalg.norm(others, axis=1, keepdims=True)
    largest = (others / np.where(norms > 0, norms, 1) @ sign_patterns(gains.shape[1])).max(axis=0, initial=0.0)
    return float(np.mean(largest >= largest[0] - TIE))


@lru_cache(maxsize=1)
def sign_patterns(seeds: int) -> np.ndarray:
    """(seeds, patterns) of +1 and -1, the observed pattern first."""
    if 2**seeds <= FLIPS:
        return 1.0 - 2.0 * (np.arange(2**seeds) >> np.arange(seeds)[:, None] & 1)
    random = np.random.default_rng(0).integers(0, 2, (seeds, FLIPS - 1))
    return np.hstack([np.ones((seeds, 1)), 1.0 - 2.0 * random])
