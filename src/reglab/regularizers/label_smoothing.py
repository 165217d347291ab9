"""Label smoothing: the hard targets 0 and 1 are moved towards each other."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Lt
from torch import Tensor

from reglab.data.loader import Batch
from reglab.models.base import Network
from reglab.regularizers.base import Regularizer


def smooth(targets: Tensor, smoothing: float) -> Tensor:
    """For one-hot targets (batch, classes): 1 - smoothing on the right class, smoothing / (classes - 1) on each other.

    t <- t (1 - smoothing - s) + s with s = smoothing / (classes - 1), which is linear, so that mixed targets mix too.
    PyTorch's `label_smoothing` spreads over all classes instead; this is its value for smoothing classes / (classes - 1).
    """
    spread = smoothing / (targets.shape[1] - 1)
    return targets * (1 - smoothing - spread) + spread


@dataclass(frozen=True)
class LabelSmoothing(Regularizer):
    """Trains on smoothed targets, whose optimum has finite scores.

    Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.5.1; Szegedy et al., Rethinking the Inception
    Architecture for Computer Vision, 2016, section 7.
    """

    smoothing: Annotated[float, Ge(0), Lt(1)] = 0.2

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        return batch._replace(targets=smooth(batch.targets, self.smoothing))
