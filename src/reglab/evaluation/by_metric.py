"""Entries of the other families against what each is compared with, metric by metric, paired over seeds.

An entry of `transfer` and `semi_supervised` against training from scratch with the same augmentation, on the same labels; a
pretext against the untrained network; several tasks on one trunk against one task alone. Holm's correction is over the
entries that one metric is compared of: each number of labels is a question of its own.

All is asked on this data set. The correction for new data stands for training sets that overlap because each is most of
the examples; a few labels a class hardly overlap, and a metric may be the mean over several numbers of them.
"""

from collections.abc import Iterable
from typing import NamedTuple

from reglab.evaluation import statistics
from reglab.evaluation.comparison import (
    Key,
    Records,
    diverged,
    estimates,
    paired,
    seeds_of,
    with_intervals,
    without_nan,
)
from reglab.evaluation.family import OF_TEST, judge_family
from reglab.evaluation.rounding import mean


class Question(NamedTuple):
    """By entry and metric, what it is compared with; and by entry, a method of another kind that it should beat."""

    references: dict[Key, dict[str, Key]]
    rivals: dict[Key, Key]


def compare_metrics(
    records: Records, question: Question, *, confidence: float, relevant_difference: float
) -> dict[str, dict[str, dict]]:
    """family -> name -> {"comparisons": {metric: row}, "metrics": {metric: {...}}, "diverged_seeds": [...]}; what cannot be
    known is None. `metrics` are all of the record, as in `comparison.with_intervals`.

    A row: `mean`, `low`, `high` of the metric; `reference`, and `difference` to it with `difference_low` and
    `difference_high`; `p`, `p_holm`, `verdict` ("baseline" where the entry is its own reference), `probability`,
    `seeds_needed`, `p_to_level` and `turns_without`, as in `judge_family`; and `over_rival`: `name`, and the paired
    `difference` to the rival with `low` and `high`, and its `sign` as far as it is shown (`statistics.shown_sign`),
    corrected for no other comparison.
    """
    references = question.references
    report: dict[str, dict[str, dict]] = {}
    for family, name in references:
        record = records[family][name]
        own = {"comparisons": {}, "metrics": with_intervals(record, confidence), "diverged_seeds": diverged(record)}
        report.setdefault(family, {})[name] = own
    for metric in metrics_of(references):
        asked = {key: own[metric] for key, own in references.items() if metric in own}
        differences = {
            key: paired(record_of(records, key), record_of(records, reference), metric)
            for key, reference in asked.items()
            if key != reference
        }
        seeds = seeds_of(record_of(records, next(iter(asked))))
        given = {"confidence": confidence, "relevant_difference": relevant_difference}
        judged = judge_family(differences, dict.fromkeys(differences, metric), seeds, **given)
        for key, reference in asked.items():
            record = record_of(records, key)
            row = estimates(record, record_of(records, reference), metric, confidence) | {"reference": reference[1]}
            row |= {name: judged[key][name] if key in judged else None for name in OF_TEST}
            if key == reference or diverged(record):
                row |= {"verdict": "baseline" if key == reference else "diverged", "seeds_needed": None}
            if rival := question.rivals.get(key):
                lead = paired(record, record_of(records, rival), metric)
                low, high = statistics.difference_interval(lead, confidence)
                row["over_rival"] = {"name": rival[1], "difference": mean(lead), "low": low, "high": high}
                row["over_rival"]["sign"] = statistics.shown_sign(lead, confidence)
            report[key[0]][key[1]]["comparisons"][metric] = without_nan(row)
    return report


def metrics_of(references: dict[Key, dict[str, Key]]) -> Iterable[str]:
    """In the order of the entries."""
    return dict.fromkeys(metric for own in references.values() for metric in own)


def record_of(records: Records, key: Key) -> dict:
    return records[key[0]][key[1]]
