"""A bound on the norm of all weights, held by a multiplier: constrained training by unconstrained optimization."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from reglab.core.checks import Check, distance
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.penalties import add_to_gradients, half_squared_norm, norm
from reglab.training.reference_problems import descend, regression, ridge
from reglab.training.regularizer import Regularizer
from reglab.training.weights import learned_weights


@dataclass(frozen=True)
class NormConstraint(Regularizer):
    """Minimises J(w) subject to ||w|| <= radius, as min over w, max over lambda >= 0 of J(w) + lambda (Omega(w) - k).

    Omega is the penalty that belongs to the norm, 1/2 ||w||_2^2 or ||w||_1, and k its value on the bound. While the
    optimizer descends in w, lambda <- max(0, lambda + rate (Omega(w) - k)) ascends. At the saddle point
    lambda (Omega(w) - k) = 0: either the bound is not felt, or it is met and lambda is the strength of `weight_decay`
    or `l1` that does the same. With too large a `rate` lambda and the norm swing about the bound.

    Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.2, eqs. 7.25 to 7.28; Arrow, Hurwicz and
    Uzawa, Studies in Linear and Non-Linear Programming, 1958, on ascent and descent at once.
    """

    lecture: ClassVar[str] = "constrained_optimization"
    topic: ClassVar[str] = "lagrangian"
    off: ClassVar[dict] = {"rate": 0.0}

    norm: Literal["l1", "l2"] = "l2"
    radius: Annotated[float, Gt(0)] = 12.0
    rate: Annotated[float, Ge(0)] = 1e-5

    def prepare_model(self, network: Network) -> None:
        network.register_buffer("norm_multiplier", torch.zeros(()))
        network.register_buffer("norm_excess", torch.zeros(()))

    @torch.no_grad()
    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor | None:
        if math.isinf(self.radius):
            return None
        if self.norm == "l2":
            excess = half_squared_norm(learned_weights(network).values()) - self.radius**2 / 2
        else:
            excess = norm(learned_weights(network).values(), order=1) - self.radius
        network.norm_excess.copy_(excess)
        return network.norm_multiplier * excess

    def transform_gradients(self, network: Network) -> None:
        gradient = torch.sign if self.norm == "l1" else lambda weight: weight
        add_to_gradients(learned_weights(network).values(), gradient, network.norm_multiplier.item())

    def after_step(self, network: Network, learning_rate: float) -> None:
        network.norm_multiplier.add_(network.norm_excess, alpha=self.rate).clamp_(min=0)

    @torch.no_grad()
    def curves(self, network: Network) -> dict[str, float]:
        now = norm(learned_weights(network).values(), order=1 if self.norm == "l1" else 2)
        return {"norm_constraint_multiplier": network.norm_multiplier.item(), "norm_constraint_norm": now.item()}

    @classmethod
    def checks(cls) -> list[Check]:
        batch, strength = Batch(*regression()), 0.5
        constrained, free = ridge(*batch[:2], strength), ridge(*batch[:2], 0.0)
        radius = constrained.norm().item()

        def after(radius: float) -> tuple[Tensor, float]:
            linear = build(MLP(depth=0), (4,), 1, seed=0).double()
            linear = descend(linear, cls("l2", radius, rate=0.1), batch, rate=0.1, steps=400)
            return linear.head.weight.detach(), linear.norm_multiplier.item()

        (active, multiplier), (inactive, nothing) = after(radius), after(2 * free.norm().item())
        return [
            Check("the multiplier is the strength of ridge regression on the bound", abs(multiplier - strength), 1e-3),
            Check("the constraint holds, relative to the radius", abs(active.norm().item() / radius - 1), 0.01),
            Check("the weights are those of ridge regression", distance(active, constrained), 1e-3),
            Check("slack bound: the multiplier is zero", nothing, 0.0),
            Check("slack bound: the weights are those of least squares", distance(inactive, free), 1e-6),
        ]
