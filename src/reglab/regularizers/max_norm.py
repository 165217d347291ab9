"""Max-norm: each unit's incoming weights are kept within a ball."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import Tensor

from reglab.models.base import Network
from reglab.models.parameters import weights
from reglab.regularizers.base import Regularizer


def project(weight: Tensor, radius: float) -> Tensor:
    """The nearest weight (units, ...) whose every row has an L2 norm of at most `radius`; rows inside stay bit for bit."""
    norm = torch.linalg.vector_norm(weight.flatten(1), dim=1)
    scale = torch.where(norm > radius, radius / norm, 1.0)
    return weight * scale.view(-1, *[1] * (weight.ndim - 1))


@dataclass(frozen=True)
class MaxNorm(Regularizer):
    """Minimises J(w) subject to ||w_u||_2 <= radius for every unit u, by projection after each step.

    Source: Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, 2014, section 5.1.
    """

    radius: Annotated[float, Gt(0)] = 1.0

    @torch.no_grad()
    def after_step(self, network: Network, learning_rate: float) -> None:
        for weight in weights(network).values():
            weight.copy_(project(weight, self.radius))
