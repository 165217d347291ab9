"""Contrastive: two views of each input, and the network tells which two belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Gt, Le
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from reglab.core.streams import Moment
from reglab.data.augmentation.variation import Variation
from reglab.data.loader import Batch
from reglab.experiments.pretraining import pictures
from reglab.experiments.pretraining.base import ImagePretext, PretextLearner, Task
from reglab.training.network import Network
from reglab.training.settings import Training


def similarities(one: Tensor, other: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Cosines / temperature (2n, 2n) between all views, -inf of each with itself; and the place (2n,) of its twin.

    one, other: projections (n, d) of the two views.
    """
    views = normalize(torch.cat([one, other]), dim=1)
    scores = (views @ views.T / temperature).fill_diagonal_(-torch.inf)
    places = torch.arange(len(views), device=views.device)
    return scores, places.roll(len(one))


def nt_xent(one: Tensor, other: Tensor, temperature: float) -> Tensor:
    """The normalised temperature-scaled cross-entropy, mean over all 2n views:

        l_i = -log exp(cos(z_i, z_twin)/T) / sum_(k != i) exp(cos(z_i, z_k)/T)

    Chen, Kornblith, Norouzi and Hinton, A Simple Framework for Contrastive Learning of Visual Representations, 2020, eq. 1.
    """
    return cross_entropy(*similarities(one, other, temperature))


class ContrastiveLearner(PretextLearner):
    """Minimises NT-Xent over two views of each image of a batch, drawn apart from the same policy."""

    def __init__(self, network: Network, training: Training, vary: Variation, temperature: float, seed: int) -> None:
        super().__init__(network, training, vary, seed)
        self.temperature = temperature

    def training_step(self, batch: Batch, batch_index: int = 0) -> Tensor:
        return self.accumulate(nt_xent(*self.projections(batch, self.moment), self.temperature))

    def projections(self, batch: Batch, moment: Moment) -> tuple[Tensor, Tensor]:
        views = [self.vary(batch, moment, f"view/{number}") for number in range(2)]
        return self.network(torch.cat(views)).chunk(2)

    def metrics(self, batch: Batch) -> dict[str, Tensor]:
        scores, twins = similarities(*self.projections(batch, Moment(self.seed, -1, -1)), self.temperature)
        return {
            "loss": cross_entropy(scores, twins),
            "accuracy": (scores.argmax(1) == twins).double().mean(),
            "chance": scores.new_tensor(1 / (len(scores) - 1), dtype=torch.float64),
        }


@dataclass(frozen=True)
class Contrastive(ImagePretext):
    """Minimises NT-Xent, by which each view is to be nearer to its twin than to the other views of the batch.

        l_i = -log exp(cos(z_i, z_twin)/temperature) / sum_(k != i) exp(cos(z_i, z_k)/temperature)

    The views come from the policy under `augmentation:`; z is a projection of the features to `projection` numbers. The
    projection is thrown away with the head. The views of a table's rows differ by `noise` and `swap`, which makes this SCARF.

    Source: Chen, Kornblith, Norouzi and Hinton, A Simple Framework for Contrastive Learning of Visual Representations,
    2020, eq. 1 and section 4.2; Bahri, Jiang, Tay and Metzler, SCARF, 2022, for tables.
    """

    epochs: Annotated[int, Ge(1), Le(100_000)] = 60
    temperature: Annotated[float, Gt(0)] = 0.2
    projection: Annotated[int, Ge(2), Le(65_536)] = 64

    def head(self, features: int, shape: Sequence[int]) -> nn.Module:
        return nn.Sequential(nn.Linear(features, 128), nn.ReLU(), nn.Linear(128, self.projection))

    def learner(self, network: Network, training: Training, vary: Variation, seed: int) -> ContrastiveLearner:
        return ContrastiveLearner(network, training, vary, self.temperature, seed)

    def picture(self, task: Task) -> Figure:
        return pictures.neighbours(task.learner.eval(), task.probes[0])
