"""The base of semi-supervised methods, and of learners that take a labelled and an unlabelled batch at each step."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import ClassVar

import numpy as np
from torch import Tensor

from reglab.data.augmentation.variation import Variation
from reglab.data.loader import Batch, PairedBatch, PairedLoader, Repeated
from reglab.data.prepared import Split
from reglab.experiments.few_labels.settings import LabelPropagation
from reglab.training.learner import Diverged
from reglab.training.network import Network
from reglab.training.regularizer import Regularizer
from reglab.training.settings import Training
from reglab.training.supervised import Supervised


class SemiSupervised:
    """A frozen dataclass whose fields are its entry under `semi_supervised:` in params.yaml.

    Either it has a `learner_class`, or it is `classical` and overrides `predict`. With weight 0 on unlabelled examples it
    is the same as training from scratch on the labelled ones, bit for bit, because it has random streams of its own.
    """

    classical: ClassVar[bool] = False
    needs: ClassVar[tuple] = ()  # as in `experiments.applicability`
    weight: float
    unlabelled_batch_size: int

    def learner_class(self) -> type["SemiSupervisedLearner"]:
        raise NotImplementedError

    def learner(
        self, network: Network, regularizers: tuple, training: Training, unlabelled: Variation, seed: int
    ) -> Supervised:
        """Learns from `PairedBatch`s; the regularizers, augmentation first, act on the labelled examples as from scratch."""
        return self.learner_class()(network, regularizers, training, unlabelled, self, seed)

    def batches(self, labelled: Batch, unlabelled: Batch, training: Training, steps: int, seed: int) -> PairedLoader:
        """An epoch of so many steps."""
        return paired_batches(labelled, unlabelled, (training.batch_size, self.unlabelled_batch_size), steps, seed)

    def predict(self, few: Split, classes: int) -> dict[str, np.ndarray]:
        """Probabilities (examples, classes) of the classes, or of so many labels, on `labelled`, `validation` and `test`."""
        raise NotImplementedError


def paired_batches(labelled: Batch, unlabelled: Batch, sizes: tuple[int, int], steps: int, seed: int) -> PairedLoader:
    """An epoch of so many steps with a labelled and an unlabelled batch of these sizes, in orders of their own."""
    return PairedLoader(
        Repeated(labelled, sizes[0], seed, steps),
        Repeated(unlabelled, sizes[1], seed, steps, stream="unlabelled_order"),
    )


class SemiSupervisedLearner(Supervised):
    """Minimises the loss of training from scratch on the labelled batch + weight times a loss of the unlabelled batch.

    A subclass overrides `unlabelled_loss`. In the curves, `loss` is the loss of the labelled batch.
    """

    def __init__(
        self,
        network: Network,
        regularizers: Sequence[Regularizer],
        training: Training,
        vary: Variation,
        method: SemiSupervised | LabelPropagation,
        seed: int,
    ) -> None:
        super().__init__(network, regularizers, training, seed)
        self.vary, self.method = vary, method

    def training_step(self, batch: PairedBatch, batch_index: int = 0) -> Tensor:
        labelled = super().training_step(batch.labelled)
        unlabelled = self.unlabelled_loss(batch.unlabelled)
        if not unlabelled.isfinite():
            raise Diverged(f"the loss of unlabelled examples became {unlabelled.item()} in step {self.global_step}")
        self.sums["unlabelled_loss"] = self.sums.get("unlabelled_loss", 0) + unlabelled.detach()
        return labelled + self.method.weight * unlabelled

    def unlabelled_loss(self, batch: Batch) -> Tensor:
        raise NotImplementedError

    def view(self, batch: Batch, stream: str, strength: float = 1.0) -> Tensor:
        """The images as the policy varies them, anew at each step, with all its strengths scaled by `strength`."""
        policy = asdict(self.vary.policy)
        scaled = {name: strength * value for name, value in policy.items() if not isinstance(value, str)}
        vary = replace(self.vary, policy=replace(self.vary.policy, **scaled))
        return vary(batch, replace(self.moment, epoch=self.global_step), stream=f"unlabelled/{stream}")
