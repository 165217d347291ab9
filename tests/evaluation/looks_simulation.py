"""Studies that look at growing data, simulated: which verdicts they reach and how many seeds they spend."""

from functools import cache
from typing import NamedTuple

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.judgement import verdict_of
from reglab.evaluation.looks import Looks

LEVEL, RELEVANT = 0.05, 0.005
METRIC = "test_accuracy"


class Outcome(NamedTuple):
    """The verdicts of a study's recipes and the seeds that each has in the end."""

    verdicts: list[str]
    seeds: list[int]


@cache
def signs(seeds: int) -> np.ndarray:
    """(seeds, patterns): all patterns, or random ones where they are too many."""
    if 2**seeds <= statistics.FLIPS:
        return (1 - 2 * (np.arange(2 ** (seeds - 1)) >> np.arange(seeds)[:, None] & 1)).astype(np.float32)
    return 1 - 2 * np.random.default_rng(0).integers(0, 2, (seeds, statistics.FLIPS)).astype(np.float32)


def sign_flips(d: np.ndarray) -> np.ndarray:
    """p-values (recipes,) of `statistics.sign_flips` of d (recipes, seeds), by one matrix product."""
    patterns = signs(d.shape[1])
    reached = np.abs(d.astype(np.float32) @ patterns) >= np.abs(d.sum(axis=1, keepdims=True)) * (1 - 1e-5)
    if 2 ** d.shape[1] <= statistics.FLIPS:
        return reached.mean(axis=1)
    return (reached.sum(axis=1) + 1) / (patterns.shape[1] + 1)


def study(differences: np.ndarray, looks: Looks) -> Outcome:
    """What becomes of recipes with these differences to `none` (recipes, most seeds), of which each look sees the first."""
    recipes = len(differences)
    at, last = np.zeros(recipes, dtype=int), float(looks.nominal(LEVEL)[-1])
    overall = looks.p_values([sign_flips(differences[:, : looks.first])])
    intervals: dict[tuple[int, int], tuple[float, float]] = {}

    def verdict(recipe: int, p_holm: float) -> str:
        """As `judgement.verdict_of`; an interval is computed once, and only where it can matter: one of more than 96 % that
        ends nearer to its mean than the standard error has not been seen."""
        seeds = looks.sizes[at[recipe]]
        seen, confidence = differences[recipe, :seeds], looks.confidence(seeds, 1 - LEVEL)
        if p_holm > LEVEL and abs(seen.mean()) + seen.std(ddof=1) / np.sqrt(seeds) > RELEVANT:
            return "cannot tell"
        if (recipe, seeds) not in intervals:
            intervals[recipe, seeds] = statistics.difference_interval(seen, confidence)
        rule = {"confidence": confidence, "relevant_difference": RELEVANT, "level": LEVEL}
        return verdict_of(seen, p_holm, METRIC, interval=intervals[recipe, seeds], **rule)

    def needed(seen: np.ndarray) -> int:
        """As `statistics.seeds_needed` has it; that is asked where it can be at most `most`, and not for each z anew."""
        rule = {"comparisons": recipes, "relevant_difference": RELEVANT, "level": last}
        distance, spread = abs(seen.mean()), seen.std(ddof=1)
        if (3 * spread) ** 2 > looks.most * max(distance, RELEVANT - distance) ** 2:  # z is above 3 in both of its ways
            return looks.most + 1
        return statistics.seeds_needed(seen, **rule)

    while True:
        verdicts = [verdict(recipe, p) for recipe, p in enumerate(statistics.holm(overall))]
        growing = []
        for recipe in np.flatnonzero(np.array(verdicts) == "cannot tell"):
            seen = differences[recipe, : looks.sizes[at[recipe]]]
            if len(seen) < looks.most and needed(seen) <= looks.most:
                growing.append(recipe)
        if not growing:
            return Outcome(verdicts, [looks.sizes[place] for place in at])
        at[growing] += 1
        for place in set(at[growing]):
            which = [recipe for recipe in growing if at[recipe] == place]
            p = sign_flips(differences[which, : looks.sizes[place]])
            overall[which] = np.minimum(overall[which], looks.p_values([np.ones_like(p)] * place + [p]))


def differences_to_none(random, recipes: int, seeds: int, spread: float, kind: str, effect=0.0) -> np.ndarray:
    """(recipes, seeds) recipe - none, where every recipe and `none` vary alike about the effect of the split, which cancels.

    kind: of the distribution, `normal`, `skewed` or `heavy` tails. All recipes share `none`.
    """
    draw = {
        "normal": lambda size: random.normal(size=size),
        "skewed": lambda size: random.exponential(size=size),
        "heavy": lambda size: random.standard_t(3, size=size) / np.sqrt(3),
    }[kind]
    return spread / np.sqrt(2) * (draw((recipes, seeds)) - draw((1, seeds))) + np.reshape(effect, (-1, 1))
