"""Entropy minimization: the network should be sure of examples without labels."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le
from torch import Tensor

from reglab.data.loader import Batch
from reglab.experiments.few_labels.base import SemiSupervised, SemiSupervisedLearner


class EntropyLearner(SemiSupervisedLearner):
    """-1/n sum_i sum_y p_iy log p_iy on examples without labels."""

    def unlabelled_loss(self, batch: Batch) -> Tensor:
        logs = self.network(self.view(batch, "entropy")).log_softmax(1)
        return -(logs.exp() * logs).sum(1).mean()


@dataclass(frozen=True)
class Entropy(SemiSupervised):
    """Minimises J + weight H.

    Source: Grandvalet and Bengio, Semi-supervised Learning by Entropy Minimization, 2004, eq. 6.
    """

    weight: Annotated[float, Ge(0)] = 0.1
    unlabelled_batch_size: Annotated[int, Ge(1), Le(65_536)] = 32

    def learner_class(self) -> type[SemiSupervisedLearner]:
        return EntropyLearner
