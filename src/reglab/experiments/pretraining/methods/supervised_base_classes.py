"""Supervised base classes: a network learns some classes from their labels, and is then adapted to the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Le
from matplotlib.figure import Figure
from torch import Tensor, nn

from reglab.core.losses import accuracy, cross_entropy
from reglab.data.augmentation.variation import Variation
from reglab.data.loader import Batch, whole
from reglab.data.prepared import Split
from reglab.data.stored_inputs import examples_at
from reglab.experiments.pretraining import pictures
from reglab.experiments.pretraining.base import ImagePretext, PretextLearner, Task
from reglab.training.network import Network
from reglab.training.settings import Training


class Classifier(PretextLearner):
    """Minimises the cross-entropy of the secondary task's labels."""

    def training_step(self, batch: Batch, batch_index: int = 0) -> Tensor:
        images = self.vary(batch, self.moment)
        return self.accumulate(cross_entropy(self.network(images), batch.targets))

    def metrics(self, batch: Batch) -> dict[str, Tensor]:
        scores = self.network(batch.inputs)
        return {
            "loss": cross_entropy(scores, batch.targets),
            "accuracy": accuracy(scores, batch.targets),
            "chance": batch.targets.double().mean(0).max(),  # always saying the most frequent class
        }


@dataclass(frozen=True)
class SupervisedBaseClasses(ImagePretext):
    """Minimises -log p(y | x) on the study's classes below `classes`, with all their labels.

    The transfer is to the classes from there on.

    Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 15.2.
    """

    needs: ClassVar[tuple] = ("classes",)

    source: Literal["study"] = "study"
    classes: Annotated[int, Ge(2), Le(1_000)] = 5

    def head(self, features: int, shape: Sequence[int]) -> nn.Module:
        return nn.Linear(features, self.classes)

    def learner(self, network: Network, training: Training, vary: Variation, seed: int) -> Classifier:
        return Classifier(network, training, vary, seed)

    def examples(self, source: Split, shape: Sequence[int], device: str) -> tuple[Batch, Batch, Batch]:
        def below(part: str) -> Batch:
            known = np.flatnonzero(source.labels[part] < self.classes)
            inputs, labels = examples_at(source.inputs[part], known), source.labels[part][known]
            return whole(inputs, labels, self.classes, device)

        return below("labelled"), below("validation"), below("test")

    @torch.no_grad()
    def picture(self, task: Task) -> Figure:
        return pictures.neighbours(task.learner.eval(), task.probes[0])
