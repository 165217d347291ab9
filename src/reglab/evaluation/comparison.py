"""Every recipe against `regularizers/none`, paired over seeds: the content of reports/metrics.json.

Two families of comparisons are corrected by Holm's method, each for itself: the networks (every section that trains
over seeds, without `none`), and the classical `baselines`, which are the frame of reference and no candidates. Each of
the two questions, on this data set and on this distribution, has its own correction.
"""

from math import inf, isfinite

import numpy as np

from reglab.errors import UserError
from reglab.evaluation import statistics
from reglab.evaluation.best import behind_the_best
from reglab.evaluation.family import judge_family
from reglab.evaluation.interval import mean_interval
from reglab.evaluation.new_data import on_distribution
from reglab.evaluation.rounding import mean, subtract
from reglab.measures import better, is_gap

NONE = ("regularizers", "none")
CLASSICAL = "baselines"
COMPARED = ("regularizers", "combinations", "baselines", "ensembles")  # with `none`; the others in `by_metric`

Records = dict[str, dict[str, dict]]  # family -> name -> record
Key = tuple[str, str]  # family, name


def compare(
    records: Records,
    *,
    confidence: float,
    relevant_difference: float,
    metric: str = "test_accuracy",
    test_to_train: float | None = None,
) -> dict[str, dict[str, dict]]:
    """family -> name -> row; what cannot be known is None; families other than COMPARED have no row.

    A row: the mean under the metric's own name; `difference` (recipe - `none`); on this data set, `low` and `high`, `p`,
    `p_holm`, `verdict`, `probability`, `seeds_needed`, `p_to_level` and `turns_without`, as in `judge_family`; the same on
    this `distribution`, as in `new_data.on_distribution`, which `test_to_train` is for; `behind_best` of a network, as in
    `best.behind_the_best`, the leader by its name; `cost` relative to `none`; `best_baseline` and `beats_baselines`: a
    network beats the baselines when its paired difference to the best of them, chosen by mean validation metric, is shown
    to be on the better side of zero (`statistics.shown_sign`);
    `diverged_seeds`: a recipe that has some gets the verdict "diverged" and no numbers, so that nothing can rank it;
    `failed_checks`: a recipe with a technique that fails an exact check, in its topic's record or its own, gets the verdict
    "check failed" and is not compared either; `metrics`: name -> mean, difference, intervals.

    Raises UserError when `none` is missing or a recipe has other seeds than `none`.
    """
    recipes, failed = _recipes(records), failed_checks(records)
    none = recipes[NONE]
    differences = {
        key: np.empty(0) if key in failed else paired(record, none, metric) for key, record in recipes.items()
    }
    given = {"confidence": confidence, "relevant_difference": relevant_difference}
    judged, on_new_data = {}, {}
    for classical in (False, True):
        family = {key: differences[key] for key in recipes if key != NONE and (key[0] == CLASSICAL) == classical}
        metrics = dict.fromkeys(family, metric)
        judged |= judge_family(family, metrics, seeds_of(none), **given)
        on_new_data |= on_distribution(family, metrics, test_to_train=test_to_train, **given)
    networks = {
        key: values_of(recipes[key], metric) for key, own in differences.items() if key[0] != CLASSICAL and len(own)
    }
    networks.pop(NONE, None)
    behind = behind_the_best(networks, higher=better(metric) != "lower", confidence=confidence)
    best = _best_baseline(recipes, metric.replace("test_", "validation_", 1))
    unknown = dict.fromkeys(("p", "p_holm", "probability", "seeds_needed", "p_to_level")) | {"turns_without": {}}

    report: dict[str, dict[str, dict]] = {family: {} for family, _ in recipes}
    for key, record in recipes.items():
        family, name = key
        measured = {
            other: estimates(record, none, other, confidence) for other in dict.fromkeys([metric, *_metrics(record)])
        }
        effect, lost = measured[metric], diverged(record)
        row = {
            metric: effect["mean"],
            **judged.get(key, unknown),
            "difference": effect["difference"],
            "low": effect["difference_low"],
            "high": effect["difference_high"],
            "distribution": on_new_data.get(key),
            "behind_best": behind[key] | {"leader": behind[key]["leader"][1]} if key in behind else None,
            "cost": record.get("cost", {}).get("relative_to_none"),
            "best_baseline": None,
            "beats_baselines": None,
            "diverged_seeds": lost,
            "failed_checks": failed.get(key, []),
            "bias_squared": _summarised(record, "bias_squared"),
            "variance": _summarised(record, "variance"),
            "metrics": measured,
        }
        if lost or key in failed or key == NONE:
            verdict = "diverged" if lost else "check failed" if key in failed else "baseline"
            row |= {"verdict": verdict, "seeds_needed": None}
        if best and family != CLASSICAL and not lost:
            better_sign = -1 if better(metric) == "lower" else 1
            lead = statistics.shown_sign(paired(record, recipes[best], metric), confidence)
            row |= {"best_baseline": best[1], "beats_baselines": lead == better_sign}
        report[family][name] = without_nan(row)
    return report


def _recipes(records: Records) -> dict[Key, dict]:
    """The records that have seeds, all of them the same as those of `none`."""
    recipes = {
        (family, name): record
        for family, names in records.items()
        for name, record in names.items()
        if family in COMPARED
    }
    if NONE not in recipes:
        raise UserError(
            "params.yaml: regularizers: found no entry none, with which every recipe is compared; add `none: {}`"
        )
    allowed = recipes[NONE]["seeds"].keys()
    faults = [
        f"runs/{family}/{name}/record.json: seeds: found {', '.join(record['seeds'])}; "
        f"regularizers/none has {', '.join(allowed)}, and pairs need the same; run `dvc repro`"
        for (family, name), record in recipes.items()
        if record["seeds"].keys() != allowed
    ]
    if faults:
        raise UserError(*faults)
    return recipes


def failed_checks(records: Records) -> dict[Key, list[str]]:
    """The recipes that hold a technique with a failed check, and the names of those checks."""
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


def _best_baseline(recipes: dict[Key, dict], metric: str) -> Key | None:
    """By the mean over seeds; of equals the one with the lower validation loss."""
    classical = {key: record for key, record in recipes.items() if key[0] == CLASSICAL and metric in _metrics(record)}
    sign = 1 if better(metric) == "lower" else -1

    def rank(key: Key) -> tuple[float, float]:
        accuracy, nll = (mean(values_of(classical[key], name)) for name in (metric, "validation_nll"))
        return sign * accuracy, nll if isfinite(nll) else inf

    return min(classical, key=rank, default=None)


def estimates(record: dict, none: dict, metric: str, confidence: float) -> dict[str, float]:
    """Mean and interval of the metric, and of its paired difference to `none`; NaN where a seed diverged.

    The mean of a gap has its sign; its difference is that of the sizes.
    """
    values, differences = values_of(record, metric), paired(record, none, metric)
    low, high = mean_interval(values, confidence)
    difference_low, difference_high = statistics.difference_interval(differences, confidence)
    return {
        "mean": mean(values),
        "low": low,
        "high": high,
        "difference": mean(differences),
        "difference_low": difference_low,
        "difference_high": difference_high,
    }


def with_intervals(record: dict, confidence: float) -> dict[str, dict[str, float | None]]:
    """By metric of every seed, its `mean` with the interval from `low` to `high`; nothing where a seed diverged."""
    found = {}
    for metric in _metrics(record):
        values = values_of(record, metric)
        low, high = mean_interval(values, confidence)
        found[metric] = without_nan({"mean": mean(values), "low": low, "high": high})
    return found


def _summarised(record: dict, metric: str) -> float | None:
    return record.get("summary", {}).get(metric, {}).get("mean")


def diverged(record: dict) -> list[int]:
    """The seeds that did."""
    return [int(seed) for seed, run in record["seeds"].items() if run["status"] != "finished"]


def _metrics(record: dict) -> list[str]:
    """Names of what every seed measured; none of a recipe that diverged."""
    runs = list(record["seeds"].values())
    return [] if diverged(record) else [name for name in runs[0]["metrics"] if all(name in r["metrics"] for r in runs)]


def values_of(record: dict, metric: str) -> np.ndarray:
    """The metric of each seed, every record's in the same order; empty when a seed diverged or lacks it."""
    seeds = seeds_of(record) if metric in _metrics(record) else []
    return np.array([record["seeds"][seed]["metrics"][metric] for seed in seeds], dtype=np.float64)


def seeds_of(record: dict) -> list[str]:
    """In the order of `values_of`."""
    return sorted(record["seeds"])


def compared_values(record: dict, metric: str) -> np.ndarray:
    """`values_of`; of a gap its size, for a gap of -0.14 is no narrower than one of 0.04."""
    values = values_of(record, metric)
    return np.abs(values) if is_gap(metric) else values


def paired(record: dict, other: dict, metric: str) -> np.ndarray:
    """record - other by seed, of `compared_values`; empty when either has no values."""
    return less(compared_values(record, metric), compared_values(other, metric))


def less(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """one - other by seed; empty where a seed of either diverged."""
    return subtract(one, other) if len(one) == len(other) else np.empty(0)


def without_nan(value: object) -> object:
    """None in the place of NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and not isfinite(value) else value
