"""Mixup: training on convex combinations of pairs of examples and of their targets."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge
from torch import Tensor

from reglab.core.checks import Check, distance
from reglab.core.streams import Moment
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.reference_problems import regression
from reglab.training.regularizer import Regularizer


def pairs(moment: Moment, alpha: float, examples: Tensor) -> tuple[float, Tensor]:
    """The share ~ Beta(alpha, alpha) of a step, and the partner (batch,) of each example; the same for all its passes."""
    random = moment.first_pass.generator("mixup")
    partner = torch.randperm(len(examples), generator=random).to(examples.device)
    return np.random.default_rng(random.initial_seed()).beta(alpha, alpha), partner


def convex(rows: Tensor, share: float, partner: Tensor) -> Tensor:
    """share x + (1 - share) x_partner for rows x (batch, ...)."""
    return share * rows + (1 - share) * rows[partner]


def mix(batch: Batch, share: float, partner: Tensor) -> Batch:
    """Inputs and targets are mixed alike, so that the rows of the targets go on summing to one."""
    return mix_targets(batch, share, partner)._replace(inputs=convex(batch.inputs, share, partner))


def mix_targets(batch: Batch, share: float, partner: Tensor) -> Batch:
    """The batch with mixed targets, and weights that are mixed as these are."""
    weights = None if batch.weights is None else convex(batch.weights, share, partner)
    return batch._replace(targets=convex(batch.targets, share, partner), weights=weights)


@dataclass(frozen=True)
class Mixup(Regularizer):
    """Mixes each example with another of its batch, share ~ Beta(alpha, alpha) once a step; with alpha 0 none.

    Source: Zhang et al., mixup: Beyond Empirical Risk Minimization, 2018, eq. 1.
    """

    lecture: ClassVar[str] = "data_augmentation"
    topic: ClassVar[str] = "weight_growth"
    off: ClassVar[dict] = {"alpha": 0.0}

    alpha: Annotated[float, Ge(0)] = 0.4

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        if self.alpha == 0:
            return batch
        return mix(batch, *pairs(network.moment, self.alpha, batch.inputs))

    @classmethod
    def checks(cls) -> list[Check]:
        inputs, _, indices = regression()
        network = build(MLP(depth=0), (4,), 3, seed=0).double()
        network.moment = Moment(seed=0, epoch=0, step=0)
        batch = Batch(inputs, network(inputs).softmax(1).detach(), indices)
        mixed = cls().transform_batch(batch, network)
        linear = cls().transform_batch(batch._replace(targets=network(inputs)), network)
        return [
            Check("targets go on summing to one", distance(mixed.targets.sum(1), torch.ones(())), 1e-12),
            Check("linear targets fit the mixed inputs", distance(linear.targets, network(linear.inputs)), 1e-12),
            Check("the mean example stays", distance(mixed.inputs.mean(0), inputs.mean(0)), 1e-12),
        ]
