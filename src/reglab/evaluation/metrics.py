"""Metrics of one's own, which are added to records that are there."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from reglab.evaluation.metric_names import CLASSIFIERS
from reglab.evaluation.rounding import mean


class Metric:
    """A frozen dataclass whose fields are its entry under `metrics:` in params.yaml.

    It is taken of the predictions that the records hold, when these are evaluated: no training runs again for it. Pairs and
    claims may name `test_<name>`. The end of the name says which values are better (`metric_names.HIGHER` and `LOWER`).
    """

    def value(self, predictions: Tensor, labels: Tensor) -> float:
        """The metric of predictions (examples, outputs) and labels (examples,).

        Predictions are class probabilities, whose rows sum to one, amounts (examples, 1) in the unit of the labels, or the
        probability of each label for labels (examples, labels) of 0 and 1.
        """
        raise NotImplementedError


def add_metrics(
    records: dict[str, dict[str, dict]], metrics: Mapping[str, Metric], predicted: Callable[[str, str], dict]
) -> None:
    """Adds `test_<name>` of every metric to the records of classifiers, as if these had been written with it.

    records: family -> name -> record; predicted(family, name): the arrays of predictions.safetensors. Predictions for
    several numbers of labels give `test_<name>@<number>` for each and `test_<name>` as their mean.
    """
    keys = [(family, name) for family in CLASSIFIERS for name in records.get(family, {})] if metrics else []
    for family, name in keys:
        arrays = predicted(family, name)
        endings = [key.removeprefix("test_predictions") for key in arrays if key.startswith("test_predictions")]
        for number, seed in enumerate(records[family][name]["seeds"].values()):
            for metric_name, metric in metrics.items() if seed["status"] == "finished" else ():
                values = {}
                for ending in endings:
                    parts = (arrays[f"test_{part}{ending}"][number] for part in ("predictions", "labels"))
                    values[f"test_{metric_name}{ending}"] = metric.value(*map(torch.as_tensor, parts))
                seed["metrics"] |= {f"test_{metric_name}": mean(values.values())} | values
