"""Compares entries of the other families with a reference of each, metric by metric, paired over seeds.

An entry of `transfer` and `semi_supervised` is compared with training from scratch with the same augmentation, on the same
labels; a pretext with the untrained network; several tasks on one trunk with one task alone. Holm's correction is over the
entries that are compared by one metric: each number of labels is a family of its own.

Only the question "on this data set" is answered. The correction for new data stands for training sets that overlap because
each is most of the examples; a few labels a class hardly overlap, and a metric may be the mean over several numbers of them.
"""

from collections.abc import Iterable
from typing import NamedTuple

from reglab.evaluation import statistics
from reglab.evaluation.judgement import OF_TEST, PairedComparison, exclusion, judge
from reglab.evaluation.looks import Looks
from reglab.evaluation.metric_names import DECIDES
from reglab.evaluation.paired_values import (
    Key,
    Records,
    differences_so_far,
    diverged_seeds,
    failed_checks,
    mean_with_interval,
    metrics_of,
    paired_differences,
    seeds_of,
    without_nan,
)
from reglab.evaluation.rounding import mean


class ComparisonPlan(NamedTuple):
    """The reference of each entry by metric, and, by entry, a method of another kind that it should beat."""

    references: dict[Key, dict[str, Key]]
    rivals: dict[Key, Key]


def compare_metrics(
    records: Records,
    plan: ComparisonPlan,
    *,
    confidence: float,
    relevant_difference: float | None,
    metric: str = DECIDES,
    looks: Looks | None = None,
) -> dict[str, dict[str, dict]]:
    """family -> name -> {"comparisons": {metric: row}, "metrics": {metric: {...}}, "diverged_seeds": [...]}; what cannot be
    known is None. `metrics` are all of the record, each with its mean and interval.

    A row: `mean`, `low`, `high` of the metric; `reference`, and `difference` to it with `difference_low` and
    `difference_high`; the test and the verdict as in `judgement.judge` ("reference" where the entry is its own); and
    `over_rival`: `name`, and the paired `difference` to the rival with `low` and `high`, and its `sign` as far as it is
    shown (`statistics.shown_sign`), corrected for no other comparison. With `looks`, entries and references may have the
    seeds of different looks, and a row has `look`, as in `judgement.judge`.
    """
    rule = {"confidence": confidence, "relevant_difference": relevant_difference, "metric": metric}
    failed = failed_checks(records)
    report: dict[str, dict[str, dict]] = {}
    for family, name in plan.references:
        record = records[family][name]
        metrics = {metric: without_nan(mean_with_interval(record, metric, confidence)) for metric in metrics_of(record)}
        entry = {"comparisons": {}, "metrics": metrics, "diverged_seeds": diverged_seeds(record)}
        report.setdefault(family, {})[name] = entry
    for measured in planned_metrics(plan):
        references = {key: by_metric[measured] for key, by_metric in plan.references.items() if measured in by_metric}
        comparisons = {}
        for key, reference in references.items():
            record = record_of(records, key)
            excluded = "reference" if key == reference else exclusion(record, failed=key in failed)
            *earlier, differences = differences_so_far(record, record_of(records, reference), measured, looks)
            comparisons[key] = PairedComparison(differences, measured, excluded, earlier)
        seeds = seeds_of(record_of(records, next(iter(references))))
        judged = judge(comparisons, seeds, looks=looks, **rule)
        for key, reference in references.items():
            record, test = record_of(records, key), judged[key]
            row = mean_with_interval(record, measured, confidence) | {
                "difference": test["difference"],
                "difference_low": test["low"],
                "difference_high": test["high"],
                "reference": reference[1],
                **{name: test[name] for name in (*OF_TEST, "look") if name in test},
            }
            if rival := plan.rivals.get(key):
                lead = paired_differences(record, record_of(records, rival), measured)
                low, high = statistics.difference_interval(lead, confidence)
                row["over_rival"] = {"name": rival[1], "difference": mean(lead), "low": low, "high": high}
                row["over_rival"]["sign"] = statistics.shown_sign(lead, confidence)
            report[key[0]][key[1]]["comparisons"][measured] = without_nan(row)
    return report


def planned_metrics(plan: ComparisonPlan) -> Iterable[str]:
    """The metrics that entries are compared by, in the order of the entries."""
    return dict.fromkeys(metric for by_metric in plan.references.values() for metric in by_metric)


def record_of(records: Records, key: Key) -> dict:
    """The record of an entry."""
    return records[key[0]][key[1]]
