"""Finds the recipes that cannot be distinguished from the best: each is compared with the leader, paired over seeds."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.metric_names import sign
from reglab.evaluation.rounding import mean, subtract

Key = TypeVar("Key", bound=Hashable)


def leads_over(values: np.ndarray) -> np.ndarray:
    """(recipes, seeds): by how much the leader, the recipe with the highest mean, is better than each recipe.

    values: (recipes, seeds), more is better.
    """
    return subtract(values[leading(values)], values)


def p_no_worse(leads: np.ndarray, recipes: int) -> np.ndarray:
    """p-values (len(leads),) of being no worse than the leader of so many recipes; the leader itself has 1.

    leads: rows of `leads_over`. Each p-value is the one-sided sign-flip p-value of the lead, times the m - 1 recipes that
    might have led. So the truly best recipe gets a p-value of at most a in at most a share a of all studies: one of the
    m - 1 others, none of which is better, would have to beat it at a/(m - 1). Holm's smaller factors do not give that, for
    the leader is chosen by looking at the same numbers.
    Hsu, "Multiple Comparisons: Theory and Methods", 1996, chapter 4, with Bonferroni's inequality instead of normality.
    """
    two_sided = np.array(statistics.sign_flips(leads))
    one_sided = np.where([mean(lead) > 0 for lead in leads], two_sided / 2, 1.0)  # the flipped sums are symmetric
    return np.minimum(1.0, one_sided * max(recipes - 1, 1))


def leading(values: np.ndarray) -> int:
    """The row with the highest mean; of equals the first."""
    return int(np.argmax([mean(row) for row in values]))


def behind_the_best(values: Mapping[Key, np.ndarray], metric: str, confidence: float) -> dict[Key, dict]:
    """By key: `leader`, the key of the best mean; `difference`, how far the leader is better, with `low` and `high`; `p`, as
    in `p_no_worse`; and `excluded`, whether it is shown to be worse than the leader, so not the best.

    values: by key (seeds,) of the metric, of the same seeds.
    """
    if not values:
        return {}
    gains = sign(metric) * np.stack(list(values.values()))
    leads, leader = leads_over(gains), list(values)[leading(gains)]
    rows = {}
    for key, lead, p in zip(values, leads, p_no_worse(leads, len(leads)).tolist(), strict=True):
        low, high = statistics.difference_interval(lead, confidence)
        rows[key] = {
            "leader": leader,
            "difference": mean(lead),
            "low": low,
            "high": high,
            "p": p,
            "excluded": p <= 1 - confidence,
        }
    return rows
