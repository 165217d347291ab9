"""Orientation: one of two versions of an image is upside-down, and the network predicts which."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from reglab.core.streams import generator
from reglab.data.augmentation.variation import Variation
from reglab.data.loader import Batch
from reglab.experiments.pretraining import pictures
from reglab.experiments.pretraining.base import ImagePretext, PretextLearner, Task
from reglab.training.network import Network
from reglab.training.settings import Training


def upside_down(images: Tensor) -> Tensor:
    """Images (..., height, width) turned by 180 degrees."""
    return images.rot90(2, (-2, -1))


def pairs(images: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """First (n, ...), second (n, ...), and whether the first is the upright one (n,): so in half of the pairs, at random.

    Of an odd number of pairs one half has one more, which is drawn too.
    """
    order, coin = (torch.rand(shape, generator=random, device=images.device) for shape in (len(images), 1))
    upright = (order.argsort().argsort() + (coin < 0.5).long()) % 2 == 0
    choice = upright.reshape(-1, *[1] * (images.ndim - 1))
    turned = upside_down(images)
    return torch.where(choice, images, turned), torch.where(choice, turned, images), upright.float()


class OrientationLearner(PretextLearner):
    """Minimises the cross-entropy of the choice; P(first is upright) = sigmoid(s(first) - s(second)).

    One score s serves both places, so that exchanging the two turns the answer around: the place cannot give it away.
    """

    def training_step(self, batch: Batch, batch_index: int = 0) -> Tensor:
        images = self.vary(batch, self.moment)
        first, second, upright = pairs(images, self.moment.generator("pairs", images.device))
        return self.accumulate(binary_cross_entropy_with_logits(self.choice(first, second), upright))

    def choice(self, first: Tensor, second: Tensor) -> Tensor:
        """The log-odds (n,) that the first of each pair is the upright one."""
        one, other = self.network(torch.cat([first, second])).squeeze(1).chunk(2)
        return one - other

    def metrics(self, batch: Batch) -> dict[str, Tensor]:
        random = generator(self.seed, "validation_pairs", device=batch.inputs.device)
        first, second, upright = pairs(batch.inputs, random)
        odds = self.choice(first, second)
        return {
            "loss": binary_cross_entropy_with_logits(odds, upright),
            "accuracy": ((odds > 0) == (upright > 0)).double().mean(),
            "chance": odds.new_tensor(0.5),
        }


@dataclass(frozen=True)
class Orientation(ImagePretext):
    """Minimises the cross-entropy of P(first is upright) = sigmoid(s(first) - s(second)), s a score of one image.

    Both versions of an image are shown, the labels of the pairs balanced and their places drawn.

    Source: Gidaris, Singh and Komodakis, Unsupervised Representation Learning by Predicting Image Rotations, 2018; here
    with two rotations, shown together, as the lecture has it.
    """

    needs: ClassVar[tuple] = ("images",)

    def head(self, features: int, shape: Sequence[int]) -> nn.Module:
        return nn.Linear(features, 1)

    def learner(self, network: Network, training: Training, vary: Variation, seed: int) -> OrientationLearner:
        return OrientationLearner(network, training, vary, seed)

    @torch.no_grad()
    def picture(self, task: Task) -> Figure:
        learner, images = task.learner.eval(), task.validation.inputs[: pictures.SHOWN]
        first, second, upright = pairs(images, generator(learner.seed, "validation_pairs", device=images.device))
        predicted = learner.choice(first, second) > 0
        right = (predicted == (upright > 0)).tolist()
        chosen = [one if yes else other for one, other, yes in zip(first, second, predicted, strict=True)]
        shown = {"first": first, "second": second, "said to be upright": chosen}
        return pictures.rows(shown, [[True] * len(images), [True] * len(images), right])
