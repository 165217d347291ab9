"""Ink: how much of an image is covered."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from reglab.data.augmentation.variation import Variation
from reglab.data.loader import Batch
from reglab.experiments.pretraining import pictures
from reglab.experiments.pretraining.base import ImagePretext, PretextLearner, Task
from reglab.training.network import Network
from reglab.training.settings import Training


class InkLearner(PretextLearner):
    """Minimises the squared error of the mean pixel."""

    def training_step(self, batch: Batch, batch_index: int = 0) -> Tensor:
        return self.accumulate(self.error(self.vary(batch, self.moment)))

    def error(self, images: Tensor) -> Tensor:
        return (self.network(images).flatten() - images.flatten(1).mean(1)).square().mean()

    def metrics(self, batch: Batch) -> dict[str, Tensor]:
        return {"loss": self.error(batch.inputs)}


@dataclass(frozen=True)
class Ink(ImagePretext):
    """Minimises E (f(x) - mean x)^2."""

    def head(self, features: int, shape: Sequence[int]) -> nn.Module:
        return nn.Linear(features, 1)

    def learner(self, network: Network, training: Training, vary: Variation, seed: int) -> InkLearner:
        return InkLearner(network, training, vary, seed)

    @torch.no_grad()
    def picture(self, task: Task) -> Figure:
        return pictures.rows({"images": task.validation.inputs[: pictures.SHOWN]})
