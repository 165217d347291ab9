"""The pairs declared under `comparisons`, each by a metric of its own; Holm's method corrects all together."""

from reglab.evaluation.comparison import COMPARED
from reglab.evaluation.judgement import PairedComparison, exclusion, judge, on_distribution
from reglab.evaluation.metric_names import DECIDES, TRAINED
from reglab.evaluation.paired_values import Records, failed_checks, paired_differences, seeds_of, without_nan
from reglab.evaluation.settings import Pair


def by_name(records: Records) -> dict[str, dict]:
    """The records of the sections that train over seeds."""
    return {name: record for family in TRAINED for name, record in records.get(family, {}).items()}


def compare_pairs(
    pairs: dict[str, Pair],
    records: Records,
    *,
    confidence: float,
    relevant_difference: float | None,
    metric: str = DECIDES,
    test_to_train: float | None = None,
) -> dict[str, dict]:
    """By name of the pair: `recipe`, `versus`, `metric`, and its row as in `judgement.judge`: the `difference` is recipe -
    versus, the `verdict` on the recipe; and `distribution`, as in `judgement.on_distribution`.

    The question of new data is answered where the splits are those of `data`, as those of every recipe of COMPARED are.
    """
    named = by_name(records)
    failed = {name for _, name in failed_checks(records)}
    comparisons, metrics = {}, {key: pair.metric or metric for key, pair in pairs.items()}
    for key, pair in pairs.items():
        one, other = named[pair.recipe], named[pair.versus]
        excluded = exclusion(one, other, failed=bool({pair.recipe, pair.versus} & failed))
        comparisons[key] = PairedComparison(paired_differences(one, other, metrics[key]), metrics[key], excluded)
    rule = {"confidence": confidence, "relevant_difference": relevant_difference, "metric": metric}
    judged = judge(comparisons, seeds_of(next(iter(named.values()))) if named else [], **rule)
    split_alike = {name for family in COMPARED for name in records.get(family, {})}
    same_splits = {
        key: each for key, each in comparisons.items() if {pairs[key].recipe, pairs[key].versus} <= split_alike
    }
    new_data = on_distribution(same_splits, test_to_train=test_to_train, **rule)
    return {
        key: without_nan(
            {"recipe": pair.recipe, "versus": pair.versus, "metric": metrics[key]}
            | judged[key]
            | {"distribution": new_data.get(key)}
        )
        for key, pair in pairs.items()
    }
