"""One family of comparisons, judged together: every kind of comparison over seeds is tested, corrected and judged here."""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.leave_one_out import judged, turns
from reglab.evaluation.new_data import gained, probability
from reglab.evaluation.rounding import mean
from reglab.measures import better, relevance

Key = TypeVar("Key", bound=Hashable)
OF_TEST = (
    "p",
    "p_holm",
    "verdict",
    "probability",
    "seeds_needed",
    "p_to_level",
    "turns_without",
)  # of a row, but its effect


def judge_family(
    differences: Mapping[Key, np.ndarray],
    metrics: Mapping[Key, str],
    seeds: Sequence[str],
    *,
    confidence: float,
    relevant_difference: float,
) -> dict[Key, dict]:
    """By key: `difference`, `low`, `high`; `p` of the exact sign flip and `p_holm`, corrected over those that have values;
    `verdict`, `probability` and `seeds_needed` (where the verdict is "cannot tell"), as in `statistics`; and how near the
    verdict is to turning: `p_to_level`, p_holm less the level, and `turns_without`, by seed the verdict without it, of those
    seeds that turn it (`leave_one_out.turns`).

    differences: by key, (seeds,), of its metric, in the order of `seeds`; empty where there is nothing to compare.
    `relevant_difference` is that of metrics in units of accuracy (`measures.relevance`).
    """
    level = 1 - confidence
    relevant = {key: relevance(metrics[key], relevant_difference) for key in differences}
    p = {key: statistics.sign_flip(values) for key, values in differences.items()}
    adjusted = statistics.holm(np.array(list(p.values())))
    p_holm, comparisons = dict(zip(p, adjusted.tolist(), strict=True)), int(np.isfinite(adjusted).sum())
    found = {}
    for key, values in differences.items():
        low, high = statistics.difference_interval(values, confidence)
        rule = {"relevant_difference": relevant[key], "level": level}
        verdict = statistics.verdict(*gained((low, high), metrics[key]), p_holm[key], seeds=len(values), **rule)
        needed = None
        if verdict == "cannot tell":
            needed = statistics.seeds_needed(values, comparisons=comparisons, **rule)
        found[key] = {
            "difference": mean(values),
            "low": low,
            "high": high,
            "p": p[key],
            "p_holm": p_holm[key],
            "verdict": verdict,
            "probability": probability(values, metrics[key], relevant[key]),
            "seeds_needed": needed,
            "p_to_level": p_holm[key] - level,
        }

    def without(key: Key, values: np.ndarray, p_holm: float, level: float) -> str:
        rule = {"confidence": confidence, "relevant_difference": relevant[key], "level": level}
        return judged(values, p_holm, higher=better(metrics[key]) != "lower", **rule)

    verdicts = {key: row["verdict"] for key, row in found.items()}
    for key, turned in turns(differences, verdicts, without, seeds, level=level).items():
        found[key]["turns_without"] = turned
    return found
