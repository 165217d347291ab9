"""k-sparse representations: each hidden layer hands on its largest activations and no others."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor

from reglab.models.base import Network
from reglab.regularizers.base import Regularizer


def keep_largest(units: Tensor, count: int) -> Tensor:
    """Units (batch, ...) with all but the `count` largest of each example set to zero.

    Exactly `count` stay where values tie, whichever `torch.topk` takes; a layer with fewer units keeps them all.
    """
    flat = units.flatten(1)
    if count >= flat.shape[1]:
        return units
    kept = torch.zeros_like(flat).scatter(1, flat.topk(count, sorted=False).indices, 1.0)
    return units * kept.view_as(units)


@dataclass(frozen=True)
class KSparse(Regularizer):
    """Minimises J(w) subject to ||h||_0 <= active_units for every hidden layer h, in training and in prediction.

    A hard constraint on the representation, where `sparse_activations` is a penalty. In a convolutional layer the units of
    all channels and places compete.

    Source: Makhzani and Frey, k-Sparse Autoencoders, 2014, section 2.1.
    """

    active_units: Annotated[int, Ge(1)] = 64

    def prepare_model(self, network: Network) -> None:
        for layer in network.hidden_layers:
            layer.register_forward_hook(lambda _layer, _inputs, units: keep_largest(units, self.active_units))
