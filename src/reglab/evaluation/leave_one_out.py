"""How near verdicts are to turning: each seed is left out in turn, and everything is judged again without it.

A seed is left out of all comparisons of a family at once, as if it had never been trained: p-values, Holm's correction,
intervals and verdicts are those of the study without it. A verdict that one seed can turn rests on that seed.

One seed fewer has fewer sign patterns: where the corrected p-value of the clearest effect possible, m 2^(1-n) of m
comparisons, is at most the level with n seeds but above it with n - 1, every verdict would turn for want of seeds. So the
level without a seed is the larger of `level` and m 2^(2-n) then. Where m are too many for n seeds, but a single comparison is
not, "no relevant difference" can still be said, and must not turn for want of seeds either: there m = 1 sets the level.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.rounding import mean, subtract

Key = TypeVar("Key", bound=Hashable)
Judge = Callable[[Key, np.ndarray, float, float], str]  # key, its values, its p-value after Holm, the level -> verdict


def turns(
    values: Mapping[Key, np.ndarray],
    verdicts: Mapping[Key, str],
    judge: Judge,
    seeds: Sequence[str],
    *,
    level: float,
    null: Callable[[Key, np.ndarray], float] = lambda key, values: 0.0,
    other_p: Sequence[float] = (),
) -> dict[Key, dict[str, str]]:
    """By key, the verdict without each seed whose absence turns it; empty where no single seed does.

    values: one family of paired differences (seeds,), in the order of `seeds`; what has none (a seed diverged) has no
    test. `null`: by key and values, the difference that is tested. `other_p`: p-values of the family that do not change.
    """
    found: dict[Key, dict[str, str]] = {key: {} for key in values}
    if len(seeds) < 2:
        return found
    tested = [key for key, own in values.items() if len(own) == len(seeds)]
    comparisons = len(tested) + int(np.isfinite(np.asarray(other_p, dtype=np.float64)).sum())
    without = level_without_a_seed(comparisons, len(seeds), level)
    for place, seed in enumerate(seeds):
        rest = {key: np.delete(values[key], place) for key in tested}
        p = [statistics.sign_flip(subtract(own, null(key, own))) for key, own in rest.items()]
        adjusted = statistics.holm(np.array([*p, *other_p]))
        for (key, own), p_holm in zip(rest.items(), adjusted, strict=False):
            verdict = judge(key, own, float(p_holm), without)
            if verdict != verdicts[key]:
                found[key][seed] = verdict
    return found


def level_without_a_seed(comparisons: int, seeds: int, level: float) -> float:
    """What a p-value after Holm's correction is held against when one of the seeds is left out."""
    for many in (comparisons, 1):
        if many * statistics.smallest_p(seeds) <= level:
            return max(level, many * statistics.smallest_p(seeds - 1))
    return level


def judged(
    differences: np.ndarray, p_holm: float, *, higher: bool, confidence: float, relevant_difference: float, level: float
) -> str:
    """`statistics.verdict` of differences (seeds,), of which more is better or not `higher`.

    The bootstrap is spared where it cannot matter: an interval contains its mean.
    """
    if p_holm > level and abs(mean(differences)) > relevant_difference:
        return "cannot tell"
    low, high = statistics.difference_interval(differences, confidence)
    low, high = (low, high) if higher else (-high, -low)
    rule = {"seeds": len(differences), "relevant_difference": relevant_difference, "level": level}
    return statistics.verdict(low, high, p_holm, **rule)
