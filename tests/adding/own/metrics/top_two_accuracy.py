"""The share of examples whose class is among the two most probable."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge
from torch import Tensor

from reglab.evaluation.metrics import Metric


@dataclass(frozen=True)
class TopTwoAccuracy(Metric):
    """mean [y_i is among the `k` largest p_i]."""

    k: Annotated[int, Ge(1)] = 2

    def value(self, probabilities: Tensor, labels: Tensor) -> float:
        chosen = probabilities.topk(self.k, 1).indices
        return int((chosen == labels[:, None]).any(1).sum()) / len(labels)
