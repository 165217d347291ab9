"""CutMix: a rectangle of each image comes from another, and the targets mix as the pixels do."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from reglab.core.checks import Check, distance, standard_errors
from reglab.core.streams import Moment
from reglab.data.augmentation.appearance import rectangles
from reglab.data.augmentation.geometry import sides
from reglab.data.loader import Batch, whole
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.regularizer import Regularizer


def paste(batch: Batch, inside: Tensor, partner: Tensor) -> Batch:
    """Images that show their partner inside the masks (batch, 1, height, width); targets in the shares of the pixels, and
    so the weights of examples that have some.
    """
    share = inside.to(batch.targets.dtype).mean((1, 2, 3))
    weights = batch.weights
    return batch._replace(
        inputs=torch.where(inside, batch.inputs[partner], batch.inputs),
        targets=(1 - share)[:, None] * batch.targets + share[:, None] * batch.targets[partner],
        weights=None if weights is None else (1 - share) * weights + share * weights[partner],
    )


@dataclass(frozen=True)
class CutMix(Regularizer):
    """Each example gets a rectangle of another of its batch, its share of the area ~ Beta(alpha, alpha); with 0 none.

    The rectangle has the shape of the image and lies within it, so that its share is the one drawn, up to whole pixels.

    Source: Yun et al., CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features, 2019, eq. 1
    and 2, with a share for each example.
    """

    lecture: ClassVar[str] = "data_augmentation"
    topic: ClassVar[str] = "weight_growth"
    off: ClassVar[dict] = {"alpha": 0.0}
    needs: ClassVar[tuple] = ("images",)

    alpha: Annotated[float, Ge(0)] = 1.0

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        if self.alpha == 0:
            return batch
        size, device = len(batch.inputs), batch.inputs.device
        random = network.moment.generator("cutmix")
        partner, (x, y) = torch.randperm(size, generator=random), torch.rand(2, size, generator=random)
        share = np.random.default_rng(random.initial_seed()).beta(self.alpha, self.alpha, size)
        share = torch.as_tensor(share, dtype=x.dtype)
        inside = rectangles(share, torch.ones_like(share), x, y, *sides(batch.inputs))
        return paste(batch, inside.to(device), partner.to(device))

    @classmethod
    def checks(cls) -> list[Check]:
        side, examples = 8, 400
        channels = torch.eye(examples)[:, :, None, None].expand(
            -1, -1, side, side
        )  # one channel per example shows which pixels are its
        batch = whole(channels, range(examples), classes=examples)
        network = build(MLP(depth=0), (examples, side, side), 2, seed=0)
        network.moment = Moment(seed=0, epoch=0, step=0)
        mixed = cls().transform_batch(batch, network)
        kept = mixed.targets.diag()
        return [
            Check("targets go on summing to one", distance(mixed.targets.sum(1), torch.ones(())), 1e-6),
            Check("targets = the shares of the pixels", distance(mixed.targets, mixed.inputs.mean((2, 3))), 1e-6),
            Check("every pixel is that of one example", distance(mixed.inputs.amax(1), torch.ones(())), 0.0),
            Check("half of an image is kept on average, in standard errors", standard_errors(kept, 0.5), 4.0),
        ]
