"""A technique that only consumes random numbers: it must come out as no difference."""

from dataclasses import dataclass

import torch

from reglab.data.loader import Batch
from reglab.models.base import Network
from reglab.regularizers.base import Regularizer


@dataclass(frozen=True)
class Placebo(Regularizer):
    """Draws noise for every batch and throws it away, from its own stream and from torch's global one.

    Randomness is keyed, so this must not move a single bit of any other draw.
    """

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        torch.rand(batch.inputs.shape, generator=network.moment.generator("placebo"))
        torch.rand(batch.inputs.shape)
        return batch
