"""What the records of one data set say: its size and cost, and the effect of each recipe with its interval.

The effect on a data set is the relative error reduction: which share of the error of tuned `none` a tuned recipe takes away,
paired over seeds. Its interval asks about new examples of the same data set, as "on this distribution" does in the study.
"""

from typing import Any

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.metric_table import DECIDING
from reglab.evaluation.relative_error import errors_of, relative_error_reduction
from reglab.evaluation.rounding import mean


def kind(about: dict) -> str:
    """Tables, images or texts, by the shape and the source of the examples."""
    return (
        "images" if len(about["shape"]) == 3 else "texts" if about["source"] in ("texts", "documentation") else "tables"
    )


def described(about: dict, records: dict[str, dict]) -> dict:
    """What a data set is: its size, its inputs, the error of `none`, and what its recipes cost."""
    if "failed" in about:
        return {"failed": about["failed"]}
    metric, none = about["metric"], records["none"]
    row = {
        "failed": None,
        "kind": kind(about),
        "task": about["task"],
        "metric": metric,
        "train_size": about["sizes"]["labelled"],
        "test_size": about["sizes"]["test"],
        "inputs": int(np.prod(about["shape"])),
        "classes": about["classes"],
        "split": about["split"]["kind"],
        "one_test_set": about["split"]["test_to_train"] is None,
        "cost": cost(records.values()),
        "score": None,
        "gap": None,
    }
    if not diverged(none):
        test, train = (errors_of(values(none, f"{part}_{metric}"), DECIDING[metric]) for part in ("test", "train"))
        row["score"] = mean(values(none, f"test_{metric}"))
        row["gap"] = float(1 - mean(train) / mean(test)) if mean(test) else None
    return row


def cost(records) -> dict[str, float]:
    """Trainings and fits, epochs and floating-point operations of all recipes on a data set, the search with them."""
    total = {"trainings": 0, "fits": 0, "epochs": 0, "flops": 0}
    for each in records:
        if budget := each.get("budget"):
            count = budget["trainings"] + budget["further_trainings"]
            total["fits" if each["kind"] == "classical" else "trainings"] += count
            further = budget["further_trainings"]
            epochs = [seed["epochs"] for seed in each["seeds"].values() if "epochs" in seed]
            total["epochs"] += budget.get("epochs", 0) + sum(epochs[len(epochs) - further :])
            total["flops"] += budget.get("flops", 0) + further * each.get("cost", {}).get("flops", 0)
    return total


def diverged(each: dict) -> bool:
    return any(seed["status"] != "finished" for seed in each["seeds"].values())


def values(each: dict, metric: str) -> np.ndarray:
    return np.array([seed["metrics"][metric] for seed in each["seeds"].values()])


def cell(
    records: dict[str, dict],
    recipe: str,
    versus: str,
    about: dict,
    relevant: float,
    confidence: float,
    metric: str = "",
) -> dict[str, Any]:
    """The effect of a recipe on a data set with its interval and `verdict`; or `status`, why there is none, and `reason`."""
    if "failed" in about:
        return {"status": "failed", "reason": about["failed"]}
    for name in (recipe, versus):
        if "not_applicable" in records[name]:
            return {"status": "not applicable", "reason": records[name]["not_applicable"]}
    for name in (recipe, versus):
        if diverged(records[name]):
            reason = next(seed["reason"] for seed in records[name]["seeds"].values() if seed["status"] != "finished")
            return {"status": "diverged", "reason": f"{name}: {reason}"}
    metric = metric or about["metric"]
    name = f"test_{metric}"
    if name not in next(iter(records[recipe]["seeds"].values()))["metrics"]:
        return {"status": "not applicable", "reason": f"the targets have no {metric}"}
    one, two = values(records[recipe], name), values(records[versus], name)
    try:
        measured = relative_error_reduction(one, two, name, about["split"]["test_to_train"] or 0.0)
    except ValueError as problem:
        return {"status": "failed", "reason": str(problem)}
    low, high = statistics.student_interval(measured.gain, measured.error, confidence, len(one))
    ends = {"effect": measured.gain, "low": float(low), "high": float(high), "error": float(measured.error)}
    return ends | {"freedom": measured.degrees_of_freedom, "value": mean(one), "verdict": verdict(low, high, relevant)}


def verdict(low: float, high: float, relevant: float) -> str:
    if -relevant <= low and high <= relevant:
        return "no relevant difference"
    return "helps" if low > 0 else "hurts" if high < 0 else "cannot tell"
