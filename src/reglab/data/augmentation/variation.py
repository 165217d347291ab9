"""The declared augmentation as a function of a batch."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from reglab.core.streams import Moment
from reglab.data.augmentation.policy import Policy
from reglab.data.loader import Batch


@dataclass(frozen=True)
class Variation:
    """A policy for a training on so many examples: the change of an example depends on the epoch, not on its batch.

    `spread` is the unit of its noise, as in `data.spread`.
    """

    policy: Policy
    examples: int
    spread: np.ndarray | None = None

    def __call__(self, batch: Batch, moment: Moment, stream: str = "augmentation") -> Tensor:
        return self.policy(batch.inputs, moment, batch.indices, self.examples, stream=stream, spread=self.spread)
