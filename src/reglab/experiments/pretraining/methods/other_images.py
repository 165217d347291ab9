"""Other images: a network learns to classify rendered scenes, and is then adapted to the study's images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from matplotlib.figure import Figure
from torch import nn

from reglab.data.augmentation.variation import Variation
from reglab.data.loader import Batch, whole
from reglab.data.prepared import Split
from reglab.data.sources.scenes import CLASSES
from reglab.experiments.pretraining import pictures
from reglab.experiments.pretraining.base import ImagePretext, PretextLearner, Task, images_of
from reglab.experiments.pretraining.methods.supervised_base_classes import Classifier
from reglab.training.network import Network
from reglab.training.settings import Training


@dataclass(frozen=True)
class OtherImages(ImagePretext):
    """Minimises -log p(class of the nearest object | scene), scenes in the size and channels of the study's images.

    The lecture's transfer learning: a related secondary task for which data are more plentiful.

    Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 15.2.
    """

    needs: ClassVar[tuple] = ("images",)

    source: Literal["scenes"] = "scenes"

    def head(self, features: int, shape: Sequence[int]) -> nn.Module:
        return nn.Linear(features, len(CLASSES))

    def learner(self, network: Network, training: Training, vary: Variation, seed: int) -> PretextLearner:
        return Classifier(network, training, vary, seed)

    def examples(self, source: Split, shape: Sequence[int], device: str) -> tuple[Batch, Batch, Batch]:
        def of(part: str) -> Batch:
            return whole(images_of(source, part, shape=shape), source.labels[part], len(CLASSES), device)

        return of("labelled"), of("validation"), of("test")

    @torch.no_grad()
    def picture(self, task: Task) -> Figure:
        return pictures.neighbours(task.learner.eval(), task.probes[0])
