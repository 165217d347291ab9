"""Chooses among recipes by what they reach on validation examples; test examples are never looked at."""

from collections.abc import Container, Mapping

from reglab.core.task_names import LOSSES
from reglab.evaluation.metric_table import DECIDING
from reglab.evaluation.rounding import mean


def validation_scores(record: dict, metric: str) -> tuple[float, float] | None:
    """The metric and the loss on validation data, means over seeds; None where a seed did not finish or lacks the metric.

    The loss is that of the task in `task_names.LOSSES`. A recipe that is not applicable has no seeds, so None as well.
    """
    seeds = record["seeds"].values()
    if not seeds or any(
        seed["status"] != "finished" or f"validation_{metric}" not in seed["metrics"] for seed in seeds
    ):
        return None
    loss = LOSSES[DECIDING[metric].task]
    value, lost = (mean(seed["metrics"][f"validation_{name}"] for seed in seeds) for name in (metric, loss))
    return value, lost


def ranked(records: Mapping[str, dict], metric: str) -> dict[str, float]:
    """The recipes whose seeds all finished, the best first, with the mean of the metric on validation data.

    The seeds are those that all recipes with any seeds have, so that more of them are no advantage. Of equals the one with
    the lower validation loss comes first, then the name that is earlier in the alphabet.
    """
    trained = [set(record["seeds"]) for record in records.values() if record["seeds"]]
    common = set.intersection(*trained) if trained else set()
    scores = {name: validation_scores(of_seeds(record, common), metric) for name, record in records.items()}
    sign = DECIDING[metric].sign
    order = sorted((-sign * pair[0], pair[1], name) for name, pair in scores.items() if pair is not None)
    return {name: scores[name][0] for *_, name in order}


def of_seeds(record: dict, kept: Container[str]) -> dict:
    """The record with these seeds alone."""
    return record | {"seeds": {seed: run for seed, run in record["seeds"].items() if seed in kept}}
