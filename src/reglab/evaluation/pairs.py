"""The pairs declared under `comparisons`, each by a metric of its own; Holm's method corrects all together."""

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.comparison import COMPARED, Records, diverged, failed_checks, paired, without_nan
from reglab.evaluation.new_data import gained, on_distribution, probability
from reglab.evaluation.rounding import mean
from reglab.measures import TRAINED
from reglab.sections import Pair


def by_name(records: Records) -> dict[str, dict]:
    """The records of the sections that train over seeds."""
    return {name: record for family in TRAINED for name, record in records.get(family, {}).items()}


def compare_pairs(
    pairs: dict[str, Pair],
    records: Records,
    *,
    confidence: float,
    relevant_difference: float,
    test_to_train: float | None = None,
) -> dict[str, dict]:
    """By name of the pair: `recipe`, `versus`, `metric`; `difference` (recipe - versus), `low`, `high`, `p`, `p_holm`,
    `verdict` on the recipe ("diverged" and "check failed" where either did), `probability`, `distribution` and
    `seeds_needed`, as in `comparison.compare`.

    The question of new data is asked where the splits are those of `data`, as they are of every recipe against none.
    """
    named, homes = by_name(records), {name: family for family in TRAINED for name in records.get(family, {})}
    failed = {name for _, name in failed_checks(records)}
    differences = {
        key: np.empty(0)
        if {pair.recipe, pair.versus} & failed
        else paired(named[pair.recipe], named[pair.versus], pair.metric)
        for key, pair in pairs.items()
    }
    p = {key: statistics.sign_flip(values) for key, values in differences.items()}
    adjusted = statistics.holm(np.array(list(p.values())))
    p_holm, count = dict(zip(p, adjusted.tolist(), strict=True)), int(np.isfinite(adjusted).sum())
    given = {"confidence": confidence, "relevant_difference": relevant_difference}
    rule = {"relevant_difference": relevant_difference, "level": 1 - confidence}
    split_alike = {
        key: values
        for key, values in differences.items()
        if {homes[pairs[key].recipe], homes[pairs[key].versus]} <= set(COMPARED)
    }
    new_data = on_distribution(
        split_alike, {key: pairs[key].metric for key in split_alike}, test_to_train=test_to_train, **given
    )
    report = {}
    for key, pair in pairs.items():
        values = differences[key]
        low, high = statistics.difference_interval(values, confidence)
        if diverged(named[pair.recipe]) or diverged(named[pair.versus]):
            verdict = "diverged"
        elif {pair.recipe, pair.versus} & failed:
            verdict = "check failed"
        else:
            verdict = statistics.verdict(*gained((low, high), pair.metric), p_holm[key], seeds=len(values), **rule)
        needed = None
        if verdict == "cannot tell":
            needed = statistics.seeds_needed(values, comparisons=count, **rule)
        row = {
            "recipe": pair.recipe,
            "versus": pair.versus,
            "metric": pair.metric,
            "difference": mean(values),
            "low": low,
            "high": high,
            "p": p[key],
            "p_holm": p_holm[key],
            "verdict": verdict,
            "probability": probability(values, pair.metric, relevant_difference),
            "distribution": new_data.get(key),
            "seeds_needed": needed,
        }
        report[key] = without_nan(row)
    return report
