"""Sparse representations: the sum of absolute activations as a penalty."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from reglab.core.checks import Check, distance
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.reference_problems import regression
from reglab.training.regularizer import Regularizer


def mean_l1_norm(units: Tensor) -> Tensor:
    """Omega(h) = ||h||_1 = sum_i |h_i| of units (batch, ...), the mean over the batch."""
    return units.abs().sum() / len(units)


class Activations(dict):
    """The units of a training step's first forward pass, by layer; empty in a copy of the network."""

    def __deepcopy__(self, memo: dict) -> "Activations":
        return Activations()


@dataclass(frozen=True)
class SparseActivations(Regularizer):
    """Minimises J(w) + strength sum_l ||h_l||_1 over the outputs h_l of all hidden layers.

    Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.10, eq. 7.48; Glorot, Bordes and Bengio,
    Deep Sparse Rectifier Neural Networks, 2011, section 3.
    """

    lecture: ClassVar[str] = "sparse_representations"
    topic: ClassVar[str] = "matching_pursuit"
    off: ClassVar[dict] = {"strength": 0.0}

    strength: Annotated[float, Ge(0)] = 1e-3

    def prepare_model(self, network: Network) -> None:
        network.activations = Activations()  # until `penalty` takes them

        def remember(layer, units: Tensor, number: int) -> None:
            if layer.training:
                network.activations.setdefault(number, units)

        for number, layer in enumerate(network.hidden_layers):
            layer.register_forward_hook(lambda layer, _, units, number=number: remember(layer, units, number))

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        network.activations.clear()  # of passes since the last penalty
        return batch

    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor:
        nothing = network.head.weight.new_zeros(())  # all there is where the backbone is frozen
        total = sum(map(mean_l1_norm, network.activations.values()), start=nothing)
        network.activations.clear()
        return self.strength * total

    @classmethod
    def checks(cls) -> list[Check]:
        inputs, technique = regression()[0], cls(strength=0.3)
        network = build(MLP(width=6, depth=2), (4,), 1, seed=0).double()
        technique.prepare_model(network)
        scores = network(inputs)
        first, last = network.activations.values()
        penalty = technique.penalty(network, None, scores)
        (gradient,) = torch.autograd.grad(penalty, last)
        by_hand = sum(abs(unit) for layer in (first, last) for example in layer.tolist() for unit in example)
        return [
            Check("strength times the mean L1 norm of all units", abs(penalty.item() - 0.3 * by_hand / 40), 1e-12),
            Check("its gradient is strength sign(h) / batch", distance(gradient, 0.3 * last.sign() / 40), 1e-12),
        ]
