"""Dropout average: the members are the thinned networks of one network that was trained with dropout."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Le, Lt
from torch import Tensor

from reglab.core.tasks import Task
from reglab.data.loader import tensor_of
from reglab.data.prepared import Split
from reglab.experiments.ensembles.base import Committee, Ensemble
from reglab.regularizers.dropout import Dropout, MaskAverage
from reglab.training.network import Network
from reglab.training.passes import outputs_on


class Thinned(Committee):
    """One network under the masks 0, 1, ...; mask j is the same at every call."""

    def __init__(self, network: Network, dropout: Dropout, combine: str) -> None:
        super().__init__([network], combine, torch.ones(dropout.masks), network.task)
        self.dropout = dropout

    def members(self, inputs: Tensor) -> Tensor:
        outputs = MaskAverage(self.networks[0], self.dropout).thinned(inputs)
        return self.task.predictions(outputs.flatten(0, 1)).unflatten(0, outputs.shape[:2])


@dataclass(frozen=True)
class DropoutAverage(Ensemble):
    """The mean over `members` masks; the record has `weight_scaling` beside it, one pass with all units in its place.

    The geometric mean over all masks of a softmax regression is weight scaling exactly; of a deep network, nearly.

    Sources: Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, 2014, section 7.5;
    Goodfellow, Bengio and Courville, Deep Learning, 2016, eqs. 7.52 to 7.55.
    """

    lecture: ClassVar[str] = "dropout"
    metric_names: ClassVar[tuple[str, ...]] = tuple(
        f"weight_scaling_test_{name}" for name in ("accuracy", "nll", "brier", "ece")
    )
    regression_metric_names: ClassVar[tuple[str, ...]] = ("weight_scaling_test_rmse", "weight_scaling_test_mae")
    multilabel_metric_names: ClassVar[tuple[str, ...]] = (
        "weight_scaling_test_hamming_loss",
        "weight_scaling_test_binary_cross_entropy",
    )

    members: Annotated[int, Ge(1), Le(1_000)] = 32
    combine: Literal["average", "geometric", "vote"] = "average"
    input_rate: Annotated[float, Ge(0), Lt(1)] = 0.2
    hidden_rate: Annotated[float, Ge(0), Lt(1)] = 0.5

    @property
    def networks(self) -> int:
        return 1

    @property
    def dropout(self) -> Dropout:
        return Dropout(self.input_rate, self.hidden_rate, masks=self.members)

    def member_recipe(self, recipe):
        return replace(recipe, regularizers=(replace(self.dropout, masks=1),))  # more masks need no other training

    def committee(self, networks: Sequence[Network], wrong: np.ndarray, task: Task) -> Committee:
        return Thinned(networks[0], self.dropout, self.combine)

    @torch.no_grad()
    def metrics(self, committee: Committee, split: Split, seed: int) -> dict[str, float]:
        from reglab.evaluation.predicted import predicted_metrics

        scaled = split.task.predictions(outputs_on(committee.networks[0], tensor_of(split.inputs["test"])))
        metrics = predicted_metrics(scaled.numpy(), split.labels["test"])
        names = {
            "classification": self.metric_names,
            "regression": self.regression_metric_names,
            "multilabel": self.multilabel_metric_names,
        }[split.task.name]
        return {name: metrics[name.removeprefix("weight_scaling_test_")] for name in names}
