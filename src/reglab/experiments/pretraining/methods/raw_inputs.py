"""Raw inputs: no network at all, the numbers of an example are its features; what every representation should beat."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from reglab.data.augmentation.variation import Variation
from reglab.experiments.pretraining.base import PretextLearner
from reglab.experiments.pretraining.methods.scratch import Scratch
from reglab.training.network import Network
from reglab.training.settings import Training


class RawInputsLearner(PretextLearner):
    """Learns nothing."""

    def features(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1)


@dataclass(frozen=True)
class RawInputs(Scratch):
    """The pixels or columns themselves: their probes measure what a classifier reaches without any representation.

    Source: Coates, Lee and Ng, An Analysis of Single-Layer Networks in Unsupervised Feature Learning, 2011, who
    compare with raw pixels.
    """

    transferable: ClassVar[bool] = False

    def learner(self, network: Network, training: Training, vary: Variation, seed: int) -> RawInputsLearner:
        return RawInputsLearner(network, training, vary, seed)
