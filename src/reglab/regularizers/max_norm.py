"""Max-norm: each unit's incoming weights are kept within a ball."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt
from torch import Tensor

from reglab.core.checks import Check, distance
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.reference_problems import descend, regression, ridge
from reglab.training.regularizer import Regularizer
from reglab.training.weights import learned_weights


def shrinkage(weight: Tensor, radius: float) -> Tensor:
    """The factor min(1, radius / ||w_u||_2) of each unit (units, 1, ...), of weights (units, ...)."""
    norms = torch.linalg.vector_norm(weight, dim=tuple(range(1, weight.ndim)), keepdim=True)
    return (radius / norms).clamp(max=1)


@dataclass(frozen=True)
class MaxNorm(Regularizer):
    """Minimises J(w) subject to ||w_u||_2 <= radius for every unit u: after each step, the nearest weights that comply.

    Source: Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, 2014, section 5.1.
    """

    lecture: ClassVar[str] = "constrained_optimization"
    topic: ClassVar[str] = "lagrangian"
    off: ClassVar[dict] = {"radius": math.inf}

    radius: Annotated[float, Gt(0)] = 1.0

    @torch.no_grad()
    def after_step(self, network: Network, learning_rate: float) -> None:
        for weight in learned_weights(network).values():
            weight.mul_(shrinkage(weight, self.radius))

    @classmethod
    def checks(cls) -> list[Check]:
        def nearest(unit: Tensor) -> Tensor:
            return unit if unit.norm() <= 0.7 else 0.7 * unit / unit.norm()

        network = build(MLP(width=5, depth=1), (4,), 3, seed=0).double()
        expected = torch.cat(
            [nearest(unit) for weight in learned_weights(network).values() for unit in weight.detach()]
        )
        projected = []
        for _ in range(2):
            cls(0.7).after_step(network, learning_rate=0.1)
            projected.append(torch.cat([weight.detach().flatten() for weight in learned_weights(network).values()]))
        batch = Batch(*regression())
        bounded = ridge(*batch[:2], strength=0.5)
        linear = descend(build(MLP(depth=0), (4,), 1, seed=0).double(), cls(bounded.norm().item()), batch)
        return [
            Check("each unit goes to the nearest point of its ball", distance(projected[0], expected), 1e-12),
            Check("a second projection changes nothing", distance(*projected), 1e-12),
            Check("projected descent ends at ridge of that norm", distance(linear.head.weight, bounded), 1e-6),
        ]
