"""The regime map: the difference of each recipe to `none` in every cell of training size x label noise x width.

A cell is a setting of its own, with a `none` of its own on the same splits and seeds. Holm's correction is over the whole
map, all recipes and cells together, because a reader looks for the place where something helps in all of them.
"""

from reglab.evaluation.judgement import OF_TEST, PairedComparison, exclusion, judge
from reglab.evaluation.metric_names import DECIDES
from reglab.evaluation.paired_values import (
    Records,
    failed_checks,
    mean_with_interval,
    paired_differences,
    seeds_of,
    without_nan,
)

FAMILY = "regimes"


def tables(records: Records, **rule) -> dict[str, dict]:
    """The family's part of reports/metrics.json; the rule is that of `rows`."""
    return {FAMILY: rows(records, **rule)}


def comparison_counts(settings) -> dict[str, int]:
    """How many comparisons are corrected together, by their kind; `settings` are the `Params`."""
    regimes = settings.regimes
    cells = len(regimes.train_size) * len(regimes.label_noise) * len(regimes.width)
    return {"cells of regimes": cells * max(len(regimes.recipes) - 1, 0)}


def rows(
    records: Records, *, confidence: float, relevant_difference: float | None, metric: str = DECIDES
) -> dict[str, dict[str, dict]]:
    """recipe -> {"cells": {key: row}}, without `none`; what cannot be known is None; nothing where there is no map.

    A row: `train_size`, `label_noise`, `width`; `mean`, `low`, `high` of the metric; `difference` to `none` in the
    same cell, paired over seeds, with `difference_low` and `difference_high`; the test and the verdict as in
    `judgement.judge`. The verdict is "diverged" in every cell when a seed diverged in one.
    """
    recipes, failed = records.get(FAMILY, {}), failed_checks(records)
    if not recipes:
        return {}
    none = recipes["none"]
    comparisons = {}
    for name in recipes:
        excluded = exclusion(recipes[name], failed=(FAMILY, name) in failed)
        for cell in none["cells"] if name != "none" else ():
            differences = paired_differences(recipes[name], none, f"{metric}@{cell}")
            comparisons[name, cell] = PairedComparison(differences, f"{metric}@{cell}", excluded)
    rule = {"confidence": confidence, "relevant_difference": relevant_difference, "metric": metric}
    judged = judge(comparisons, seeds_of(none), **rule)
    report: dict[str, dict[str, dict]] = {name: {"cells": {}} for name in recipes if name != "none"}
    for (name, cell), test in judged.items():
        row = none["cells"][cell] | mean_with_interval(recipes[name], f"{metric}@{cell}", confidence)
        row |= {"difference": test["difference"], "difference_low": test["low"], "difference_high": test["high"]}
        report[name]["cells"][cell] = without_nan(row | {column: test[column] for column in OF_TEST})
    return report
