"""Chooses among recipes by what they reach on validation examples; test examples are never looked at."""

from collections.abc import Mapping

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

    Of equals the one with the lower validation loss comes first, then the name that is earlier in the alphabet.
    """
    scores = {name: validation_scores(record, metric) for name, record in records.items()}
    sign = DECIDING[metric].sign
    order = sorted((-sign * pair[0], pair[1], name) for name, pair in scores.items() if pair is not None)
    return {name: scores[name][0] for *_, name in order}
