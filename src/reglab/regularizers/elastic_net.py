"""The elastic net: L1 and squared L2 norm of the weights together."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Tensor

from reglab.data.loader import Batch
from reglab.models.base import Network
from reglab.models.parameters import weights
from reglab.penalties import half_squared_norm, soft_threshold
from reglab.regularizers.base import Regularizer


@dataclass(frozen=True)
class ElasticNet(Regularizer):
    """Minimises J(w) + strength (l1_share ||w||_1 + (1 - l1_share)/2 ||w||_2^2).

    The smooth part is added to the loss, the part with a corner is a proximal step (zeros are exact): with l1_share 1 this
    is `l1`, with 0 `weight_decay`.

    Sources: Zou and Hastie, Regularization and Variable Selection via the Elastic Net, 2005, eq. 3, written as in
    scikit-learn's ElasticNet.
    """

    strength: Annotated[float, Ge(0)] = 1e-3
    l1_share: Annotated[float, Ge(0), Le(1)] = 0.5

    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor:
        return self.strength * (1 - self.l1_share) * half_squared_norm(weights(network).values())

    @torch.no_grad()
    def after_step(self, network: Network, learning_rate: float) -> None:
        for weight in weights(network).values():
            weight.copy_(soft_threshold(weight, learning_rate * self.strength * self.l1_share))
