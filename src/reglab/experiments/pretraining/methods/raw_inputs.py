"""Raw inputs: no network at all, the numbers of an example are its features; what every representation should beat."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from matplotlib.figure import Figure
from torch import Tensor, nn

from reglab.data.augmentation.variation import Variation
from reglab.experiments.pretraining import pictures
from reglab.experiments.pretraining.base import ImagePretext, PretextLearner, Task
from reglab.training.network import Network
from reglab.training.settings import Training


class RawInputsLearner(PretextLearner):
    """Learns nothing."""

    def features(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1)


@dataclass(frozen=True)
class RawInputs(ImagePretext):
    """The pixels or columns themselves: their probes measure what a classifier reaches without any representation.

    Source: Coates, Lee and Ng, An Analysis of Single-Layer Networks in Unsupervised Feature Learning, 2011, who
    compare with raw pixels.
    """

    transferable: ClassVar[bool] = False

    source: Literal["study"] = "study"
    epochs: Literal[0] = 0
    batch_size: Literal[1] = 1
    learning_rate: Literal[1] = 1

    def head(self, features: int, shape: Sequence[int]) -> nn.Module:
        return nn.Identity()

    def learner(self, network: Network, training: Training, vary: Variation, seed: int) -> RawInputsLearner:
        return RawInputsLearner(network, training, vary, seed)

    def picture(self, task: Task) -> Figure:
        return pictures.neighbours(task.learner.eval(), task.probes[0])
