"""Leaves out each seed in turn and judges everything again: which verdicts rest on a single seed.

A seed is left out of all comparisons of a family at once, as if it had never been trained: p-values, Holm's correction,
intervals and verdicts are those of the study without it.

One seed fewer has fewer sign patterns: where the corrected p-value of the clearest effect possible, m 2^(1-n) of m
comparisons, is at most the level with n seeds but above it with n - 1, every verdict would turn for want of seeds. So the
level without a seed is the larger of `level` and m 2^(2-n) then. Where m are too many for n seeds, but a single comparison is
not, "no relevant difference" can still be said, and must not turn for want of seeds either: there m = 1 sets the level.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.rounding import subtract

Key = TypeVar("Key", bound=Hashable)
Null = Callable[[Key, np.ndarray], float]  # key, its differences -> the difference that is tested
Rule = Callable[[Key, np.ndarray, float, float], str]  # key, its differences, p-value after Holm, level -> verdict


def turns(
    differences: Mapping[Key, np.ndarray],
    verdicts: Mapping[Key, str],
    rule: Rule,
    seeds: Sequence[str],
    *,
    level: float,
    null: Null,
    other_p: Sequence[float] = (),
) -> dict[Key, dict[str, str]]:
    """By key, the verdict without each seed whose absence turns it; empty where no single seed does.

    differences: one family of paired differences (seeds,), in the order of `seeds`; an empty one (a seed diverged) has no
    test. `other_p`: p-values of the family that do not change.
    """
    turned: dict[Key, dict[str, str]] = {key: {} for key in differences}
    if len(seeds) < 2:
        return turned
    tested = [key for key, values in differences.items() if len(values) == len(seeds)]
    comparisons = len(tested) + int(np.isfinite(np.asarray(other_p, dtype=np.float64)).sum())
    level = level_without_a_seed(comparisons, len(seeds), level)
    rest = {(seed, key): np.delete(differences[key], place) for place, seed in enumerate(seeds) for key in tested}
    p = statistics.sign_flips([subtract(values, null(key, values)) for (_, key), values in rest.items()])
    for seed, p_of_family in zip(seeds, np.reshape(p, (len(seeds), len(tested))), strict=True):
        adjusted = statistics.holm(np.array([*p_of_family, *other_p]))
        for key, p_holm in zip(tested, adjusted, strict=False):
            verdict = rule(key, rest[seed, key], float(p_holm), level)
            if verdict != verdicts[key]:
                turned[key][seed] = verdict
    return turned


def level_without_a_seed(comparisons: int, seeds: int, level: float) -> float:
    """The level for p-values after Holm's correction when one of the seeds is left out."""
    for count in (comparisons, 1):
        if count * statistics.smallest_p(seeds) <= level:
            return max(level, count * statistics.smallest_p(seeds - 1))
    return level
