"""Sharpness-aware minimization: the loss at the worst weights near by."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor
from torch.func import functional_call

from reglab.core.checks import Check, distance
from reglab.core.losses import cross_entropy
from reglab.data.loader import Batch, whole
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.penalties import norm
from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class Sharpness(Regularizer):
    """Minimises J(w + rho g/|g|), g being the gradient of J at w.

    Source: Foret et al., Sharpness-Aware Minimization for Efficiently Improving Generalization, 2021, algorithm 1.
    """

    off: ClassVar[dict] = {"rho": 0.0}
    follows_penalty: ClassVar[bool] = False

    rho: Annotated[float, Ge(0)] = 0.05

    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor | None:
        if self.rho == 0:
            return None
        loss = cross_entropy(logits, batch.targets)
        weights = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
        gradients = torch.autograd.grad(loss, list(weights.values()), retain_graph=True)
        scale = self.rho / norm(gradients)
        moved = {name: weight + scale * g for (name, weight), g in zip(weights.items(), gradients, strict=True)}
        return cross_entropy(functional_call(network, moved, batch.inputs), batch.targets) - loss

    @classmethod
    def checks(cls) -> list[Check]:
        network = build(MLP(depth=0), (3,), 2, seed=0).double()
        batch = whole(torch.eye(3, dtype=torch.float64), [0, 1, 1], classes=2)
        batch = batch._replace(targets=batch.targets.double())
        logits = network(batch.inputs)
        loss = cross_entropy(logits, batch.targets) + cls(rho=0.3).penalty(network, batch, logits)
        found = torch.autograd.grad(loss, network.head.weight)[0]

        def slopes(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
            wrong = ((batch.inputs @ weight.T + bias).softmax(1) - batch.targets) / len(batch.inputs)
            return wrong.T @ batch.inputs, wrong.sum(0)

        weight, bias = network.head.weight.detach(), network.head.bias.detach()
        slope = slopes(weight, bias)
        size = norm(slope)
        expected, _ = slopes(weight + 0.3 * slope[0] / size, bias + 0.3 * slope[1] / size)
        return [Check("the gradient is that at w + rho g/|g|", distance(found, expected), 1e-12)]
