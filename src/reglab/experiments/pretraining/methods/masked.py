"""Masked: parts of an input are hidden, and the network fills them in (inpainting)."""

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


def hidden_features(ranks: Tensor, share: float) -> Tensor:
    """Masks (n, features), 1 on the `share` of each row's features with the smallest of ranks (n, features)."""
    return (ranks.argsort(1).argsort(1) < round(share * ranks.shape[1])).float()


def masked_error(filled: Tensor, inputs: Tensor, hidden: Tensor) -> Tensor:
    """Mean of (filled - input)^2 over what is hidden alone.

    inputs (n, channels, height, width) with hidden (n, 1, height, width) of 0 and 1, or both (n, features).
    """
    channels = inputs[0].numel() // hidden[0].numel()
    return ((filled - inputs).square() * hidden).sum() / (hidden.sum() * channels).clamp(min=1)


class MaskedLearner(PretextLearner):
    """Minimises the error on what is hidden."""

    def __init__(self, network: Network, training: Training, vary: Variation, pretext: "Masked", seed: int) -> None:
        super().__init__(network, training, vary, seed)
        self.pretext = pretext

    def training_step(self, batch: Batch, batch_index: int = 0) -> Tensor:
        images = self.vary(batch, self.moment)
        return self.accumulate(self.error(images, self.moment.generator("masks", images.device)))

    def hide(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Masks (n, 1, h, w) of images, (n, features) of a table."""
        if images.ndim == 2:
            return hidden_features(
                torch.rand(images.shape, generator=random, device=images.device), self.pretext.mask_ratio
            )
        size, patch = images.shape[2:], self.pretext.patch_size
        ranks = torch.rand(len(images), prod(patch_grid(size, patch)), generator=random, device=images.device)
        return hidden_patches(ranks, self.pretext.mask_ratio, patch, size)

    def obscured(self, inputs: Tensor, hidden: Tensor) -> Tensor:
        """The inputs without what is hidden; a table has there the features of the row before, which any row may have."""
        if inputs.ndim == 2:
            return torch.where(hidden.bool(), inputs.roll(1, 0), inputs)
        return inputs.masked_fill(hidden.bool(), HIDDEN)

    def fill(self, inputs: Tensor, hidden: Tensor) -> Tensor:
        """What the network puts in the place of every number, from the visible ones."""
        return self.network(self.obscured(inputs, hidden)).reshape(inputs.shape)

    def error(self, images: Tensor, random: torch.Generator) -> Tensor:
        hidden = self.hide(images, random)
        return masked_error(self.fill(images, hidden), images, hidden)

    def metrics(self, batch: Batch) -> dict[str, Tensor]:
        return {"loss": self.error(batch.inputs, generator(self.seed, "validation_masks", device=batch.inputs.device))}


@dataclass(frozen=True)
class Masked(ImagePretext):
    """Minimises the mean of (g(f(x_visible)) - x)^2 over the hidden pixels alone.

    A share `mask_ratio` of the patches of `patch_size` x `patch_size` pixels is hidden, other ones at each step. At least
    one patch must be hidden and one seen, which depends on the size of the study's images. Of a table's row, a share of the
    features is replaced by those of another row.

    Sources: He, Chen, Xie, Li, Dollar and Girshick, Masked Autoencoders Are Scalable Vision Learners, 2022, section 3;
    Pathak, Krahenbuhl, Donahue, Darrell and Efros, Context Encoders: Feature Learning by Inpainting, 2016, eq. 1; for tables
    Yoon, Zhang, Jordon and van der Schaar, VIME: Extending the Success of Self- and Semi-supervised Learning to Tabular
    Domain, 2020, eqs. 3 and 5.
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
        grey = 0.0 if images.ndim == 2 else 0.5
        return pictures.rows(
            {"original": images, "masked": images.masked_fill(hidden.bool(), grey), "filled in": filled}
        )
