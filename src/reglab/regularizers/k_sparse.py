"""k-sparse representations: in each hidden layer the k most active units of an example stay, the others become zero."""

import sys
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from reglab.core.checks import Check, distance
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.reference_problems import regression
from reglab.training.regularizer import Regularizer


def keep_largest(units: Tensor, count: int) -> Tensor:
    """Units (batch, ...) with all but the `count` largest of each example set to zero.

    Exactly `count` stay where values tie, whichever `torch.topk` takes; a layer with fewer units keeps them all.
    """
    flat = units.flatten(1)
    if count >= flat.shape[1]:
        return units
    largest = flat.topk(count, sorted=False)
    return torch.zeros_like(flat).scatter(1, largest.indices, largest.values).view_as(units)


@dataclass(frozen=True)
class KSparse(Regularizer):
    """Minimises J(w) subject to ||h||_0 <= active_units for every hidden layer h, in training and in prediction.

    A hard constraint on the representation, where `sparse_activations` is a penalty. For units that are not negative it
    is orthogonal matching pursuit with the identity as dictionary. In a convolutional layer the units of all channels
    and places compete.

    Source: Makhzani and Frey, k-Sparse Autoencoders, 2014, section 2.1.
    """

    lecture: ClassVar[str] = "sparse_representations"
    topic: ClassVar[str] = "matching_pursuit"
    off: ClassVar[dict] = {"active_units": sys.maxsize}
    acts_in_prediction: ClassVar[bool] = True

    active_units: Annotated[int, Ge(1)] = 64

    def prepare_model(self, network: Network) -> None:
        for layer in network.hidden_layers:
            layer.register_forward_hook(lambda _layer, _inputs, units: keep_largest(units, self.active_units))

    @classmethod
    @torch.no_grad()
    def checks(cls) -> list[Check]:
        import numpy as np
        from sklearn.linear_model import orthogonal_mp

        network, inputs = build(MLP(width=16, depth=1), (4,), 1, seed=0).double(), regression()[0]
        units = network.backbone(inputs)
        cls(active_units=3).prepare_model(network)
        sparse = network.backbone(inputs)
        pursued = torch.as_tensor(orthogonal_mp(np.eye(16), units.T.numpy(), n_nonzero_coefs=3).T)
        return [
            Check("units beyond the three allowed", (sparse != 0).sum(1).max().item() - 3, 0.0),
            Check("scikit-learn's orthogonal matching pursuit, dictionary I", distance(sparse, pursued), 1e-12),
        ]
