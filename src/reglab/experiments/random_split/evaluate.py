"""The price of the leak: how much better a recipe looks on random splits than on splits by group or in time."""

from reglab.evaluation.paired_values import (
    Records,
    estimates,
    mean_with_interval,
    metrics_of,
    paired_differences,
    without_nan,
)
from reglab.evaluation.statistics import sign_flip

FAMILY = "random_split"


def tables(records: Records, *, confidence: float, **others) -> dict[str, dict]:
    """The family's part of reports/metrics.json; a leak is estimated by every metric and has no relevant difference."""
    return {FAMILY: rows(records, confidence=confidence)} if records.get(FAMILY) else {}


def comparison_counts(settings) -> dict[str, int]:
    """None: each recipe is compared with itself, to estimate a difference and not to choose."""
    return {}


def rows(records: Records, *, confidence: float) -> dict[str, dict[str, dict[str, dict]]]:
    """recipe -> test metric -> `random` and `structured`, each a `mean` with `low` and `high`; the `difference` random less
    structured, paired over seeds, with `difference_low`, `difference_high` and `p`, as in `statistics.sign_flip`.

    A recipe has no metrics where a seed diverged. The two splits of a seed are drawn independently; only the initial weights
    are shared.
    """
    return {name: of_recipe(record, own_record(records, name), confidence) for name, record in records[FAMILY].items()}


def own_record(records: Records, name: str) -> dict:
    """The record of this recipe on the splits of the study."""
    return next(records[family][name] for family in ("regularizers", "combinations") if name in records.get(family, {}))


def of_recipe(random: dict, structured: dict, confidence: float) -> dict[str, dict]:
    shared = [name for name in metrics_of(random) if name.startswith("test_") and name in metrics_of(structured)]
    by_metric = {}
    for metric in shared:
        row = estimates(random, structured, metric, confidence)
        by_metric[metric] = without_nan(
            {
                "random": {end: row.pop(end) for end in ("mean", "low", "high")},
                "structured": mean_with_interval(structured, metric, confidence),
                **row,
                "p": sign_flip(paired_differences(random, structured, metric)),
            }
        )
    return by_metric
