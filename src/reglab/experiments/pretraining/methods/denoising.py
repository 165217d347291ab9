"""Denoising: noise is added to an input, and the network removes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Gt
from matplotlib.figure import Figure
from torch import Tensor, nn

from reglab.core.streams import generator
from reglab.data.augmentation.variation import Variation
from reglab.data.loader import Batch
from reglab.experiments.pretraining import pictures
from reglab.experiments.pretraining.base import ImagePretext, PretextLearner, Task
from reglab.training.network import Network
from reglab.training.settings import Training


class DenoisingLearner(PretextLearner):
    """Minimises the squared error of the reconstruction against the image without the noise."""

    def __init__(self, network: Network, training: Training, vary: Variation, pretext: "Denoising", seed: int) -> None:
        super().__init__(network, training, vary, seed)
        self.std, self.restores = pretext.std, pretext.restores

    def training_step(self, batch: Batch, batch_index: int = 0) -> Tensor:
        images = self.vary(batch, self.moment)
        wanted = batch.inputs if self.restores == "original" else images
        return self.accumulate(self.error(images, self.moment.generator("noise", images.device), wanted))

    def noisy(self, images: Tensor, random: torch.Generator) -> Tensor:
        noise = self.std * torch.randn(images.shape, generator=random, device=images.device)
        return images + self.network.in_units_of_inputs(noise)

    def restored(self, noisy: Tensor) -> Tensor:
        return self.network(noisy).reshape(noisy.shape)

    def error(self, images: Tensor, random: torch.Generator, wanted: Tensor | None = None) -> Tensor:
        """The mean squared error of what is restored from images with noise; `wanted` are the images unless given."""
        return (self.restored(self.noisy(images, random)) - (images if wanted is None else wanted)).square().mean()

    def metrics(self, batch: Batch) -> dict[str, Tensor]:
        return {"loss": self.error(batch.inputs, generator(self.seed, "validation_noise", device=batch.inputs.device))}


@dataclass(frozen=True)
class Denoising(ImagePretext):
    """Minimises E |g(f(t(x) + e)) - y|^2 with Gaussian noise e of this `std`, in units of `data.spread`.

    t(x) is a view of the example x, drawn from the policy under `augmentation:`. It is what is restored, y = t(x), or the
    example as it was before the policy changed it, y = x: then the change is part of the corruption, and the features need
    not tell how far an image was turned or moved.

    Source: Vincent, Larochelle, Lajoie, Bengio and Manzagol, Stacked Denoising Autoencoders, 2010, eq. 5, whose
    corruption is any that one draws at random.
    """

    std: Annotated[float, Gt(0)] = 0.3
    restores: Literal["view", "original"] = "view"

    def head(self, features: int, shape: Sequence[int]) -> nn.Module:
        return nn.Linear(features, torch.Size(shape).numel())

    def learner(self, network: Network, training: Training, vary: Variation, seed: int) -> DenoisingLearner:
        return DenoisingLearner(network, training, vary, self, seed)

    @torch.no_grad()
    def picture(self, task: Task) -> Figure:
        learner, images = task.learner.eval(), task.validation.inputs[: pictures.SHOWN]
        noisy = learner.noisy(images, generator(learner.seed, "validation_noise", device=images.device))
        return pictures.rows({"original": images, "noisy": noisy, "restored": learner.restored(noisy)})
