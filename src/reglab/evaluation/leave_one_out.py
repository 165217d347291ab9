"""Leaves out each seed in turn and judges everything again: which verdicts rest on a single seed.

A seed is left out of all comparisons of a family at once, as if it had never been trained: p-values, Holm's correction,
intervals and verdicts are those of the study without it.

One seed fewer has fewer sign patterns: where the corrected p-value of the clearest effect possible, m 2^(1-n) of m
comparisons, is at most the level with n seeds but above it with n - 1, every verdict would turn for want of seeds. So the
level without a seed is the larger of `level` and m 2^(2-n) then. Where m are too many for n seeds, but a single comparison is
not, "no relevant difference" can still be said, and must not turn for want of seeds either: there m = 1 sets the level.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.looks import Looks
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


def level_without_a_seed(
    comparisons: int, seeds: int, level: float, p_of: Callable[[float], float] = lambda least: least
) -> float:
    """The level for p-values after Holm's correction when one of the seeds is left out; `p_of` is the p-value that the
    least one of the test makes."""
    for count in (comparisons, 1):
        if count * p_of(statistics.smallest_p(seeds)) <= level:
            return max(level, count * p_of(statistics.smallest_p(seeds - 1)))
    return level


def turns_at_looks(
    differences: Mapping[Key, Sequence[np.ndarray]],
    p: Mapping[Key, Sequence[float]],
    verdicts: Mapping[Key, str],
    rule: Rule,
    looks: Looks,
    *,
    level: float,
) -> dict[Key, dict[str, str]]:
    """As `turns`, where the keys have differences at one look or more, each of the first seeds; `p` are those of the looks.

    A seed is left out of all looks that have it. The level of a key at the first look is that for one seed fewer, by the
    rule above; at the others more seeds than the test needs are left.
    """
    turned: dict[Key, dict[str, str]] = {key: {} for key in differences}
    tested = {
        key: by_look for key, by_look in differences.items() if np.isfinite(p[key]).all() and len(by_look[-1]) > 1
    }
    overall = {key: float(looks.p_values(values)) for key, values in p.items()}
    rest = {key: [p_without_each(values) for values in by_look] for key, by_look in tested.items()}
    few = level_without_a_seed(len(tested), looks.first, level, lambda least: float(looks.p_values([least])))
    for place in range(max((len(by_look[-1]) for by_look in tested.values()), default=0)):
        seed, having = str(place), [key for key, by_look in tested.items() if place < len(by_look[-1])]
        changed = dict(overall)
        for key in having:
            by_look = [each.get(seed, known) for each, known in zip(rest[key], p[key], strict=True)]
            changed[key] = float(looks.p_values(by_look))
        adjusted = dict(zip(changed, statistics.holm(np.array(list(changed.values()))), strict=True))
        for key in having:
            values = np.delete(tested[key][-1], names(len(tested[key][-1])).index(seed))
            verdict = rule(key, values, float(adjusted[key]), few if len(tested[key]) == 1 else level)
            if verdict != verdicts[key]:
                turned[key][seed] = verdict
    return turned


def names(seeds: int) -> list[str]:
    """The first so many seeds in the order of the differences, that of their names: 10 before 2."""
    return sorted(map(str, range(seeds)))


def p_without_each(differences: np.ndarray) -> dict[str, float]:
    """By seed the p-value of the sign flips of all other differences; of more than 17 seeds by the same random patterns."""
    seeds = len(differences)
    if 2 ** (seeds - 1) <= statistics.FLIPS:
        rest = [np.delete(differences, place) for place in range(seeds)]
        return dict(zip(names(seeds), statistics.sign_flips(rest), strict=True))
    flipped = random_signs(seeds) * differences
    total, p = flipped.sum(axis=1), {}
    for place, seed in enumerate(names(seeds)):
        reached = np.abs(total - flipped[:, place]) >= statistics.least_sum(np.delete(differences, place))
        p[seed] = (int(reached.sum()) + 1) / (len(flipped) + 1)
    return p


@lru_cache(maxsize=2)
def random_signs(seeds: int) -> np.ndarray:
    """(FLIPS, seeds) of +1 and -1, always the same."""
    return 1 - 2 * np.random.default_rng(0).integers(0, 2, (statistics.FLIPS, seeds), dtype=np.int8)
