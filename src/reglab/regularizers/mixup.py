"""Mixup: training on convex combinations of pairs of examples and of their targets."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from reglab.data.loader import Batch
from reglab.models.base import Network
from reglab.regularizers.base import Regularizer


def mix(batch: Batch, share: float, partner: Tensor) -> Batch:
    """x <- share x + (1 - share) x_partner, and the targets alike, so that their rows go on summing to one."""
    return batch._replace(
        inputs=share * batch.inputs + (1 - share) * batch.inputs[partner],
        targets=share * batch.targets + (1 - share) * batch.targets[partner],
    )


@dataclass(frozen=True)
class Mixup(Regularizer):
    """Mixes each example with another of its batch, share ~ Beta(strength, strength) once a step; strength 0 mixes nothing.

    Source: Zhang et al., mixup: Beyond Empirical Risk Minimization, 2018, eq. 1.
    """

    strength: Annotated[float, Ge(0)] = 0.4

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        if self.strength == 0:
            return batch
        random = network.moment.generator("mixup")
        partner = torch.randperm(len(batch.inputs), generator=random).to(batch.inputs.device)
        share = np.random.default_rng(random.initial_seed()).beta(self.strength, self.strength)
        return mix(batch, share, partner)
