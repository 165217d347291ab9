"""Pseudo-labels: the network's own confident prediction for an example without a label is used as its label."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le, Lt
from torch import Tensor
from torch.nn import functional

from reglab.attacks.base import evaluation_mode
from reglab.data.loader import Batch
from reglab.experiments.few_labels.base import SemiSupervised, SemiSupervisedLearner


def pseudo_label_loss(logits: Tensor, probabilities: Tensor, threshold: float) -> Tensor:
    """1/n sum_i [max_y q_iy >= threshold] (-log softmax(z_i)_(argmax q_i)), in nats: examples of lower confidence count as 0.

    logits z and probabilities q, which are probabilities: (n, classes).
    """
    confidence, guess = probabilities.max(1)
    return (functional.cross_entropy(logits, guess, reduction="none") * (confidence >= threshold)).mean()


class PseudoLabelLearner(SemiSupervisedLearner):
    """Guesses from a weak view of each example, and learns the guess on another view."""

    def unlabelled_loss(self, batch: Batch) -> Tensor:
        with torch.no_grad(), evaluation_mode(self.network):
            guesses = self.network(self.view(batch, "guess", self.method.weak_view_scale))
        scores = self.task.choices(self.network(self.view(batch, "student")))
        return pseudo_label_loss(scores, self.task.choices(guesses).softmax(1), self.method.threshold)


@dataclass(frozen=True)
class PseudoLabel(SemiSupervised):
    """Minimises J + weight times the cross-entropy to the network's own guesses where its confidence is at least `threshold`.

    It guesses from a weaker view than it learns on: the policy's strengths times `weak_view_scale`. Of several labels each
    is a choice of its own between two values, so that its confidence is 1/2 or more. Amounts have no confidence.

    Sources: Lee, Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep Neural Networks, 2013,
    eq. 15; threshold and views are those of Sohn et al., FixMatch, 2020, eq. 4.
    """

    needs: ClassVar[tuple] = ("discrete",)  # amounts have no confidence

    weight: Annotated[float, Ge(0)] = 1.0
    threshold: Annotated[float, Ge(0), Lt(1)] = 0.5
    weak_view_scale: Annotated[float, Ge(0), Le(1)] = 0.5
    unlabelled_batch_size: Annotated[int, Ge(1), Le(65_536)] = 32

    def learner_class(self) -> type[SemiSupervisedLearner]:
        return PseudoLabelLearner
