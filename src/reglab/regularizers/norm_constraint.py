"""A bound on the norm of all weights, held by a multiplier: constrained training by unconstrained optimization."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from reglab.data.loader import Batch
from reglab.models.base import Network
from reglab.models.parameters import weights
from reglab.penalties import norm
from reglab.regularizers.base import Regularizer

ORDER = {"l1": 1, "l2": 2}


@dataclass(frozen=True)
class NormConstraint(Regularizer):
    """Minimises J(w) subject to ||w|| <= radius, by min over w, max over lambda >= 0 of J(w) + lambda (||w|| - radius).

    The optimizer descends in w; after each of its steps lambda <- max(0, lambda + rate (||w|| - radius)) ascends. At the
    saddle point lambda (||w|| - radius) = 0: either the bound is not felt, or it is met and lambda is the strength of the
    penalty that would do the same.

    Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.2, eqs. 7.25 to 7.28; Boyd and Vandenberghe,
    Convex Optimization, 2004, section 5.5.3.
    """

    norm: Literal["l1", "l2"] = "l2"
    radius: Annotated[float, Gt(0)] = 12.0
    rate: Annotated[float, Ge(0)] = 0.01

    def prepare_model(self, network: Network) -> None:
        network.register_buffer("norm_multiplier", torch.zeros(()))

    def excess(self, network: Network) -> Tensor:
        """||w|| - radius: positive where the constraint is violated."""
        return norm(weights(network).values(), ORDER[self.norm]) - self.radius

    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor | None:
        return None if math.isinf(self.radius) else network.norm_multiplier * self.excess(network)

    @torch.no_grad()
    def after_step(self, network: Network, learning_rate: float) -> None:
        network.norm_multiplier.add_(self.rate * self.excess(network)).clamp_(min=0)

    @torch.no_grad()
    def curves(self, network: Network) -> dict[str, float]:
        return {
            "norm_constraint_multiplier": network.norm_multiplier.item(),
            "norm_constraint_norm": (self.excess(network) + self.radius).item(),
        }
