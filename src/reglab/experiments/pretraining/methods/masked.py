"""Masked: parts of an image are hidden, and the network fills them in (inpainting)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Lt
from matplotlib.figure import Figure
from torch import Tensor, nn

from reglab.core.streams import generator
from reglab.data.augmentation.variation import Variation
from reglab.data.loader import Batch
from reglab.data.patches import hidden_count, patch_grid
from reglab.experiments.pretraining import pictures
from reglab.experiments.pretraining.base import ImagePretext, PretextLearner, Task
from reglab.training.network import Network
from reglab.training.settings import Training

HIDDEN = -1.0  # what hidden pixels are set to; no image has it


def hidden_patches(ranks: Tensor, share: float, patch: int, size: Sequence[int]) -> Tensor:
    """Masks (n, 1, height, width), 1 on the `share` of each image's patches with the smallest of ranks (n, patches).

    A patch is `patch` pixels wide and high, those at the edges less, as in `patch_grid`.
    """
    down, across = patch_grid(size, patch)
    chosen = ranks.argsort(1).argsort(1) < hidden_count(size, patch, share)
    blocks = chosen.float().reshape(-1, 1, down, across)
    return blocks.repeat_interleave(patch, 2).repeat_interleave(patch, 3)[..., : size[0], : size[1]]


def masked_error(filled: Tensor, images: Tensor, hidden: Tensor) -> Tensor:
    """Mean of (filled - image)^2 over the hidden pixels alone; images (n, c, h, w), hidden (n, 1, h, w) of 0 and 1."""
    return ((filled - images).square() * hidden).sum() / (hidden.sum() * images.shape[1]).clamp(min=1)


class MaskedLearner(PretextLearner):
    """Minimises the error on what is hidden."""

    def __init__(self, network: Network, training: Training, vary: Variation, pretext: "Masked", seed: int) -> None:
        super().__init__(network, training, vary, seed)
        self.pretext = pretext

    def training_step(self, batch: Batch, batch_index: int = 0) -> Tensor:
        images = self.vary(batch, self.moment)
        return self.accumulate(self.error(images, self.moment.generator("masks", images.device)))

    def hide(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Masks (n, 1, h, w)."""
        size, patch = images.shape[2:], self.pretext.patch_size
        ranks = torch.rand(len(images), prod(patch_grid(size, patch)), generator=random, device=images.device)
        return hidden_patches(ranks, self.pretext.mask_ratio, patch, size)

    def fill(self, images: Tensor, hidden: Tensor) -> Tensor:
        """What the network puts in the place of every pixel, from the visible ones."""
        return self.network(images.masked_fill(hidden.bool(), HIDDEN)).reshape(images.shape)

    def error(self, images: Tensor, random: torch.Generator) -> Tensor:
        hidden = self.hide(images, random)
        return masked_error(self.fill(images, hidden), images, hidden)

    def metrics(self, batch: Batch) -> dict[str, Tensor]:
        return {"loss": self.error(batch.inputs, generator(self.seed, "validation_masks", device=batch.inputs.device))}


@dataclass(frozen=True)
class Masked(ImagePretext):
    """Minimises the mean of (g(f(x_visible)) - x)^2 over the hidden pixels alone.

    A share `mask_ratio` of the patches of `patch_size` x `patch_size` pixels is hidden, other ones at each step. At least
    one patch must be hidden and one seen, which depends on the size of the study's images.

    Sources: He, Chen, Xie, Li, Dollar and Girshick, Masked Autoencoders Are Scalable Vision Learners, 2022, section 3;
    Pathak, Krahenbuhl, Donahue, Darrell and Efros, Context Encoders: Feature Learning by Inpainting, 2016, eq. 1.
    """

    mask_ratio: Annotated[float, Gt(0), Lt(1)] = 0.5
    patch_size: Annotated[int, Ge(1)] = 2

    def head(self, features: int, shape: Sequence[int]) -> nn.Module:
        return nn.Linear(features, torch.Size(shape).numel())

    def learner(self, network: Network, training: Training, vary: Variation, seed: int) -> MaskedLearner:
        return MaskedLearner(network, training, vary, self, seed)

    @torch.no_grad()
    def picture(self, task: Task) -> Figure:
        learner, images = task.learner.eval(), task.validation.inputs[: pictures.SHOWN]
        hidden = learner.hide(images, generator(learner.seed, "validation_masks", device=images.device))
        filled = torch.where(hidden.bool(), learner.fill(images, hidden), images)
        return pictures.rows(
            {"original": images, "masked": images.masked_fill(hidden.bool(), 0.5), "filled in": filled}
        )
