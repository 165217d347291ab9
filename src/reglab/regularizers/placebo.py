"""A technique that only consumes random numbers: it must come out as no difference."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from reglab.core.checks import Check, distance
from reglab.core.streams import Moment
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.reference_problems import descend, regression
from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class Placebo(Regularizer):
    """Draws noise for every batch from its own stream and throws it away.

    Randomness is keyed, so this must not move a single bit of any other draw.
    """

    lecture: ClassVar[str] = "regularization"
    topic: ClassVar[str] = "least_squares"
    off: ClassVar[dict] = {}

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        torch.rand(batch.inputs.shape, generator=network.moment.generator("placebo"))
        return batch

    @classmethod
    def checks(cls) -> list[Check]:
        batch = Batch(*regression())

        def after(technique: Regularizer) -> Network:
            return descend(build(MLP(width=6, depth=1), (4,), 1, seed=0).double(), technique, batch, steps=20)

        placebo, none = after(cls()), after(Regularizer())
        placebo.moment = Moment(seed=0, epoch=0, step=0)
        shown, given = cls().transform_batch(batch, placebo), Batch(*regression())
        pairs = zip((*shown[:3], *placebo.parameters()), (*given[:3], *none.parameters()), strict=True)
        gap = max(distance(one, other) for one, other in pairs)
        return [Check("batch and trained weights stay as they are, bit for bit", gap, 0.0)]
