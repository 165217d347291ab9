"""Finds the recipes that cannot be distinguished from the best: each is compared with the leader, paired over seeds."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.metric_names import sign
from reglab.evaluation.rounding import mean, subtract

Key = TypeVar("Key", bound=Hashable)


def p_behind_leader(values: np.ndarray) -> np.ndarray:
    """p-values (recipes,) of being no worse than the leader, the recipe with the highest mean, which has 1.

    values: (recipes, seeds), more is better. Each is the one-sided sign-flip p-value of leader - recipe, times the m - 1
    recipes that might have led. So the truly best recipe gets a p-value of at most a in at most a share a of all studies:
    one of the m - 1 others, none of which is better, would have to beat it at a/(m - 1). Holm's smaller factors do not
    give that, for the leader is chosen by looking at the same numbers.
    Hsu, "Multiple Comparisons: Theory and Methods", 1996, chapter 4, with Bonferroni's inequality instead of normality.
    """
    leads = subtract(values[leading(values)], values)
    one_sided = [statistics.sign_flip(lead) / 2 if mean(lead) > 0 else 1.0 for lead in leads]  # its sums are symmetric
    return np.minimum(1.0, np.array(one_sided) * max(len(values) - 1, 1))


def leading(values: np.ndarray) -> int:
    """The row with the highest mean; of equals the first."""
    return int(np.argmax([mean(row) for row in values]))


def behind_the_best(values: Mapping[Key, np.ndarray], metric: str, confidence: float) -> dict[Key, dict]:
    """By key: `leader`, the key of the best mean; `difference`, how far the leader is better, with `low` and `high`; `p`, as
    in `p_behind_leader`; and `excluded`, whether it is shown to be worse than the leader, so not the best.

    values: by key (seeds,) of the metric, of the same seeds.
    """
    if not values:
        return {}
    gains = sign(metric) * np.stack(list(values.values()))
    p, first = p_behind_leader(gains), leading(gains)
    rows = {}
    for key, gain, p_value in zip(values, gains, p.tolist(), strict=True):
        lead = subtract(gains[first], gain)
        low, high = statistics.difference_interval(lead, confidence)
        rows[key] = {
            "leader": list(values)[first],
            "difference": mean(lead),
            "low": low,
            "high": high,
            "p": p_value,
            "excluded": p_value <= 1 - confidence,
        }
    return rows
