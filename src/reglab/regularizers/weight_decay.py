"""Weight decay: the squared L2 norm of the weights as a penalty, or a shrinkage beside the gradient step."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor

from reglab.data.loader import Batch
from reglab.models.base import Network
from reglab.models.parameters import weights
from reglab.penalties import half_squared_norm
from reglab.regularizers.base import Regularizer


@dataclass(frozen=True)
class WeightDecay(Regularizer):
    """Adds strength/2 ||w||^2 to the loss, so that an SGD step is w <- (1 - rate strength) w - rate grad J.

    Decoupled, the loss stays and w <- (1 - rate strength) w follows the step: the same for plain SGD to first order in
    the rate, another thing for Adam, which divides a coupled penalty's gradient by its running scale.

    Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, eqs. 7.2 to 7.5; Loshchilov and Hutter, Decoupled
    Weight Decay Regularization, 2019, algorithm 2.
    """

    strength: Annotated[float, Ge(0)] = 1e-3
    decoupled: bool = False

    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor | None:
        return None if self.decoupled else self.strength * half_squared_norm(weights(network).values())

    @torch.no_grad()
    def after_step(self, network: Network, learning_rate: float) -> None:
        if self.decoupled:
            for weight in weights(network).values():
                weight.mul_(1 - learning_rate * self.strength)
