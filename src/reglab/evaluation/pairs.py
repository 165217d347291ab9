"""The pairs declared under `comparisons`, each by a metric of its own; Holm's method corrects all together."""

import numpy as np

from reglab.evaluation.comparison import COMPARED, Records, diverged, failed_checks, paired, seeds_of, without_nan
from reglab.evaluation.family import judge_family
from reglab.evaluation.new_data import on_distribution
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
    """By name of the pair: `recipe`, `versus`, `metric`, and its row as in `judge_family`: the `difference` is recipe -
    versus, the `verdict` on the recipe ("diverged" and "check failed" where either did); and `distribution`, as in
    `comparison.compare`.

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
    given = {"confidence": confidence, "relevant_difference": relevant_difference}
    metrics = {key: pair.metric for key, pair in pairs.items()}
    seeds = seeds_of(next(iter(named.values()))) if named else []
    judged = judge_family(differences, metrics, seeds, **given)
    split_alike = {
        key: values
        for key, values in differences.items()
        if {homes[pairs[key].recipe], homes[pairs[key].versus]} <= set(COMPARED)
    }
    new_data = on_distribution(split_alike, metrics, test_to_train=test_to_train, **given)
    report = {}
    for key, pair in pairs.items():
        row = {"recipe": pair.recipe, "versus": pair.versus, "metric": pair.metric} | judged[key]
        if diverged(named[pair.recipe]) or diverged(named[pair.versus]):
            row |= {"verdict": "diverged", "seeds_needed": None}
        elif {pair.recipe, pair.versus} & failed:
            row |= {"verdict": "check failed", "seeds_needed": None}
        report[key] = without_nan(row | {"distribution": new_data.get(key)})
    return report
