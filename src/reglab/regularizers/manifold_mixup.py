"""Manifold mixup: pairs of examples are mixed at the inputs or at the outputs of a hidden layer."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le
from torch import Tensor
from torch.nn import Module

from reglab.core.checks import Check, distance
from reglab.core.streams import Moment
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.regularizers.mixup import Mixup, convex, mix, mix_targets, pairs
from reglab.training.network import Network, build
from reglab.training.reference_problems import regression
from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class ManifoldMixup(Regularizer):
    """h_k <- share h_k + (1 - share) h_k of a partner, and the targets alike, share ~ Beta(alpha, alpha) once a step.

    h_0 are the inputs and h_k the outputs of hidden layer k; k is drawn once a step from 0 to `deepest`, or to the last
    hidden layer if there are fewer. With `deepest` 0 this is `mixup` with the same shares and partners. All passes of a
    step in training mode mix the same pairs.

    Source: Verma et al., Manifold Mixup: Better Representations by Interpolating Hidden States, 2019, eq. 1.
    """

    lecture: ClassVar[str] = "data_augmentation"
    off: ClassVar[dict] = {"alpha": 0.0}

    alpha: Annotated[float, Ge(0)] = 2.0
    deepest: Annotated[int, Ge(0), Le(100)] = 2

    def layer(self, network: Network) -> int:
        """The layer k at which this step mixes."""
        last = min(self.deepest, len(network.hidden_layers))
        return int(torch.randint(last + 1, (), generator=network.moment.first_pass.generator("manifold_mixup")))

    def prepare_model(self, network: Network) -> None:
        def mixed(layer: Module, units: Tensor, number: int) -> Tensor:
            if self.alpha == 0 or not layer.training or self.layer(network) != number:
                return units
            return convex(units, *pairs(network.moment, self.alpha, units))

        for number, layer in enumerate(network.hidden_layers, start=1):
            layer.register_forward_hook(lambda layer, _, units, number=number: mixed(layer, units, number))

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        if self.alpha == 0:
            return batch
        share, partner = pairs(network.moment, self.alpha, batch.inputs)
        if self.layer(network) == 0:
            return mix(batch, share, partner)
        return mix_targets(batch, share, partner)

    @classmethod
    @torch.no_grad()
    def checks(cls) -> list[Check]:
        inputs, _, indices = regression()
        network = build(MLP(width=6, depth=1), (4,), 3, seed=0).double()
        network.moment = Moment(seed=0, epoch=0, step=0)
        units = network.backbone(inputs)
        batch = Batch(inputs, network.head(units), indices)  # targets that are linear in the hidden units
        technique = cls(deepest=1)
        technique.prepare_model(network)
        mixup, lowest = (each.transform_batch(batch, network) for each in (Mixup(technique.alpha), cls(deepest=0)))
        hidden = next(step for step in range(100) if _at(technique, network, step) == 1)
        network.moment = Moment(seed=0, epoch=0, step=hidden)
        shown = technique.transform_batch(batch, network)
        share, partner = pairs(network.moment, technique.alpha, inputs)
        by_hand = share * units + (1 - share) * units[partner]
        return [
            Check("at layer 0 it is mixup: inputs", distance(lowest.inputs, mixup.inputs), 0.0),
            Check("at layer 0 it is mixup: targets", distance(lowest.targets, mixup.targets), 0.0),
            Check("at layer 1 the inputs stay", distance(shown.inputs, inputs), 0.0),
            Check("at layer 1 the units are mixed", distance(network.backbone(shown.inputs), by_hand), 1e-12),
            Check("linear targets fit the mixed units", distance(network(shown.inputs), shown.targets), 1e-12),
        ]


def _at(technique: ManifoldMixup, network: Network, step: int) -> int:
    network.moment = Moment(seed=0, epoch=0, step=step)
    return technique.layer(network)
