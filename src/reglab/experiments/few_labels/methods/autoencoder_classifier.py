"""An autoencoder that shares its encoder with the classifier: one head learns from labels, the other from images alone."""

from dataclasses import dataclass
from math import prod
from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Tensor, nn

from reglab.core import streams
from reglab.data.loader import Batch
from reglab.experiments.few_labels.base import SemiSupervised, SemiSupervisedLearner
from reglab.training.network import Network


def reconstruction_error(decoded: Tensor, images: Tensor) -> Tensor:
    """Mean of (decoded - image)^2 over batch and pixels, in squared units of the data; decoded (batch, pixels)."""
    return (decoded - images.flatten(1)).square().mean()


class AutoencoderClassifierLearner(SemiSupervisedLearner):
    """The encoder is the backbone. The decoder is drawn from a stream of its own, and discarded after training."""

    def __init__(self, network: Network, *others) -> None:
        super().__init__(network, *others)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(streams.seed_of(self.seed, "decoder"))
            self.decoder = nn.Sequential(
                nn.Linear(network.head.in_features, self.method.width),
                nn.ReLU(),
                nn.Linear(self.method.width, prod(network.shape)),
            ).to(network.head.weight.device)

    def unlabelled_loss(self, batch: Batch) -> Tensor:
        images = self.view(batch, "images")
        return reconstruction_error(self.decoder(self.network.backbone(images).flatten(1)), images)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        optimizer = super().configure_optimizers()
        optimizer.add_param_group({"params": list(self.decoder.parameters())})
        return optimizer


@dataclass(frozen=True)
class AutoencoderClassifier(SemiSupervised):
    """Minimises J + weight E |decoder(encoder(x)) - x|^2 / pixels, the encoder being the classifier's own backbone.

    The decoder has one hidden layer of `width` units. The labelled examples are among those without labels: both are
    reconstructed.

    Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.6; Rasmus et al., Semi-Supervised Learning
    with Ladder Networks, 2015, whose cost at the lowest layer this is, without its noise.
    """

    weight: Annotated[float, Ge(0)] = 1.0
    width: Annotated[int, Ge(1), Le(65_536)] = 128
    unlabelled_batch_size: Annotated[int, Ge(1), Le(65_536)] = 32

    def learner_class(self) -> type[SemiSupervisedLearner]:
        return AutoencoderClassifierLearner
