"""Reads the values of a metric from records, seed by seed, and pairs those of two records."""

from math import isfinite

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.choice import of_seeds
from reglab.evaluation.interval import mean_interval
from reglab.evaluation.looks import Looks
from reglab.evaluation.metric_names import is_gap
from reglab.evaluation.rounding import mean, subtract

Records = dict[str, dict[str, dict]]  # family -> name -> record
Key = tuple[str, str]  # family, name


def seeds_of(record: dict) -> list[str]:
    """The seeds of the record, in the order of `values_of`."""
    return sorted(record["seeds"])


def diverged_seeds(record: dict) -> list[int]:
    """The seeds whose training diverged."""
    return [int(seed) for seed, run in record["seeds"].items() if run["status"] != "finished"]


def metrics_of(record: dict) -> list[str]:
    """Names of the metrics that every seed has; none where a seed diverged."""
    runs = list(record["seeds"].values())
    if diverged_seeds(record):
        return []
    return [name for name in runs[0]["metrics"] if all(name in run["metrics"] for run in runs)]


def values_of(record: dict, metric: str) -> np.ndarray:
    """The metric of each seed, every record's in the same order; empty where a seed diverged or lacks it."""
    seeds = seeds_of(record) if metric in metrics_of(record) else []
    return np.array([record["seeds"][seed]["metrics"][metric] for seed in seeds], dtype=np.float64)


def compared_values(record: dict, metric: str) -> np.ndarray:
    """`values_of`; of a gap its size, for a gap of -0.14 is no narrower than one of 0.04."""
    values = values_of(record, metric)
    return np.abs(values) if is_gap(metric) else values


def paired_differences(record: dict, other: dict, metric: str) -> np.ndarray:
    """record - other by seed, of `compared_values`, over the seeds that both have; empty where either has no values."""
    both = record["seeds"].keys() & other["seeds"].keys()
    record, other = of_seeds(record, both), of_seeds(other, both)
    return differences_of(compared_values(record, metric), compared_values(other, metric))


def differences_so_far(record: dict, other: dict, metric: str, looks: Looks | None) -> list[np.ndarray]:
    """`paired_differences` over the seeds of the first look, of the second, ..., as far as both records have them; without
    looks those over all."""
    if not looks:
        return [paired_differences(record, other, metric)]
    both = len(record["seeds"].keys() & other["seeds"].keys())
    sizes = [size for size in looks.sizes if size <= both]
    return [paired_differences(first_seeds(record, size), other, metric) for size in sizes]


def at_first_look(records: Records, looks: Looks | None) -> Records:
    """The records with the seeds of the first look alone; as they are without looks."""
    if not looks:
        return records
    return {
        family: {name: first_seeds(record, looks.first) for name, record in names.items()}
        for family, names in records.items()
    }


def first_seeds(record: dict, count: int) -> dict:
    """The record with so many seeds, the first ones."""
    return of_seeds(record, list(map(str, range(count))))


def differences_of(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """values - others by seed; empty where a seed of either diverged."""
    return subtract(values, others) if len(values) == len(others) else np.empty(0)


def estimates(record: dict, reference: dict, metric: str, confidence: float) -> dict[str, float]:
    """Mean and interval of the metric, and of its paired difference to the reference; NaN where a seed diverged.

    The mean of a gap has its sign; its difference is that of the sizes.
    """
    differences = paired_differences(record, reference, metric)
    low, high = statistics.difference_interval(differences, confidence)
    means = mean_with_interval(record, metric, confidence)
    return means | {"difference": mean(differences), "difference_low": low, "difference_high": high}


def mean_with_interval(record: dict, metric: str, confidence: float) -> dict[str, float]:
    """`mean` of the metric over seeds with its interval from `low` to `high`; NaN where a seed diverged."""
    values = values_of(record, metric)
    low, high = mean_interval(values, confidence)
    return {"mean": mean(values), "low": low, "high": high}


def failed_checks(records: Records) -> dict[Key, list[str]]:
    """The entries that hold a technique with a failed exact check, and the names of those checks."""
    checks = [
        check
        for family in ("theory", "regularizers")  # where the checks of a technique are: its topic's record, or its own
        for record in records.get(family, {}).values()
        for check in record.get("checks", [])
        if not check["passed"]
    ]
    return {
        (family, name): failed
        for family, names in records.items()
        for name, record in names.items()
        if (failed := [check["name"] for check in checks if check.get("technique") in record["technique"]])
    }


def without_nan(value: object) -> object:
    """The same with None in the place of NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and not isfinite(value) else value
