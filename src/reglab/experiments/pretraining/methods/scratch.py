"""Scratch: no pretext, random initial weights; the reference for all pretexts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure
from torch import nn

from reglab.data.augmentation.variation import Variation
from reglab.experiments.pretraining import pictures
from reglab.experiments.pretraining.base import ImagePretext, PretextLearner, Task
from reglab.training.network import Network
from reglab.training.settings import Training


@dataclass(frozen=True)
class Scratch(ImagePretext):
    """The network with its initial weights: its probes measure how useful random features are.

    Source: Saxe, Koh, Chen, Bhand, Suresh and Ng, On Random Weights and Unsupervised Feature Learning, 2011.
    """

    source: Literal["study"] = "study"
    epochs: Literal[0] = 0
    batch_size: Literal[1] = 1
    learning_rate: Literal[1] = 1

    def head(self, features: int, shape: Sequence[int]) -> nn.Module:
        return nn.Identity()

    def learner(self, network: Network, training: Training, vary: Variation, seed: int) -> PretextLearner:
        return PretextLearner(network, training, vary, seed)

    def picture(self, task: Task) -> Figure:
        return pictures.neighbours(task.learner.eval(), task.probes[0])
