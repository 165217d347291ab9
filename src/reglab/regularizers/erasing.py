"""Random erasing: a rectangle of each image goes black, somewhere else at each step."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le

from reglab.core.checks import Check, distance
from reglab.core.streams import Moment
from reglab.data.augmentation.policy import Policy
from reglab.data.loader import Batch, whole
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class Erasing(Regularizer):
    """x <- 0 under a rectangle of this share of the area, from three times as high as wide to three times as wide.

    Targets stay: a network has to make do with the rest, as under dropout of neighbouring inputs.

    Source: Zhong et al., Random Erasing Data Augmentation, 2020, algorithm 1, with one share, on every image, zeros.
    """

    lecture: ClassVar[str] = "data_augmentation"
    topic: ClassVar[str] = "dropout"
    off: ClassVar[dict] = {"share": 0.0}
    needs: ClassVar[tuple] = ("images",)

    share: Annotated[float, Ge(0), Le(1)] = 0.1

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        each_step = replace(network.moment, epoch=network.moment.step)
        rows = torch.arange(len(batch.inputs), device=batch.inputs.device)
        return batch._replace(inputs=Policy(erasing=self.share)(batch.inputs, each_step, rows, len(rows), "erasing"))

    @classmethod
    def checks(cls) -> list[Check]:
        share, side, examples = 0.2, 16, 500
        batch = whole(torch.ones(examples, 2, side, side), [0] * examples, classes=2)
        network = build(MLP(depth=0), (2, side, side), 2, seed=0)
        network.moment = Moment(seed=0, epoch=0, step=0)
        shown = cls(share).transform_batch(batch, network)
        erased = shown.inputs == 0
        high, wide = (erased.any(1).any(other).sum(1) for other in (2, 1))
        area = erased[:, 0].sum((1, 2))
        excess = ((area - share * side**2).abs() - high / 2).clamp(min=0)
        return [
            Check(
                "what is erased is a rectangle, in all channels",
                distance(erased.sum((1, 2, 3)), 2.0 * high * wide),
                0.0,
            ),
            Check("its area = the share asked for, within half its height in pixels", excess.max().item(), 1e-3),
            Check("targets and all other pixels stay", distance(shown.inputs[~erased], torch.ones(())), 0.0),
        ]
