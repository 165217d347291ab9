"""Sharpness-aware minimization: the gradient is taken at the worst weights near by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor
from torch.func import functional_call

from reglab.core.checks import Check, distance
from reglab.core.losses import cross_entropy
from reglab.core.streams import generator
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.normalization import running_averages_kept
from reglab.training.penalties import norm
from reglab.training.reference_problems import regression
from reglab.training.regularizer import Criterion, Regularizer

FLAT = 1e-12  # a gradient of this norm or less counts as zero, and the weights stay where they are


def ascended(loss: Tensor, parameters: Mapping[str, Tensor], rho: float) -> dict[str, Tensor]:
    """w + rho g/||g|| by name, g being the gradient of the loss at w over all parameters together, a constant."""
    gradients = torch.autograd.grad(loss, list(parameters.values()), retain_graph=True)
    scale = rho / norm(gradients).clamp(min=FLAT)
    return {name: w + scale * g for (name, w), g in zip(parameters.items(), gradients, strict=True)}


@dataclass(frozen=True)
class SharpnessAware(Regularizer):
    """Minimises J(w + rho g/||g||), g = grad J(w), as an approximation of max J(w + e) over ||e|| <= rho.

    g counts as a constant, as in the paper. J is the loss without penalties, which keep their gradient at w. Both passes
    draw the same masks, and only the first one reaches running averages of batch normalization. A step costs two passes.

    Source: Foret et al., Sharpness-Aware Minimization for Efficiently Improving Generalization, 2021, eqs. 2 and 3,
    algorithm 1.
    """

    off: ClassVar[dict] = {"rho": 0.0}
    follows_penalty: ClassVar[bool] = False

    rho: Annotated[float, Ge(0)] = 0.05

    def transform_loss(self, loss: Tensor, network: Network, batch: Batch, criterion: Criterion) -> Tensor:
        if self.rho == 0:
            return loss
        parameters = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
        with running_averages_kept(network):
            logits = functional_call(network, ascended(loss, parameters, self.rho), batch.inputs)
        return criterion(logits, batch.targets)

    @classmethod
    def checks(cls) -> list[Check]:
        random = generator("sharpness_aware")
        root, b, w = (torch.randn(size, generator=random, dtype=torch.float64) for size in ((5, 5), 5, 5))
        curvature, w = root @ root.T, w.requires_grad_()
        [there] = ascended(w @ curvature @ w / 2 - b @ w, {"w": w}, rho=0.3).values()
        [slope] = torch.autograd.grad(there @ curvature @ there / 2 - b @ there, w)
        g = (curvature @ w - b).detach()
        quadratic = curvature @ (w.detach() + 0.3 * g / g.norm()) - b

        inputs = torch.cat([regression()[0], torch.ones(40, 1, dtype=torch.float64)], 1)  # the last one meets the bias
        network = build(MLP(depth=0), (4,), 3, seed=0).double()
        weights = torch.cat([network.head.weight, network.head.bias[:, None]], 1).detach()
        targets = torch.eye(3, dtype=torch.float64)[torch.arange(40) % 3]

        def softmax_slope(weights: Tensor) -> Tensor:
            return ((inputs @ weights.T).softmax(1) - targets).T @ inputs / len(inputs)

        g = softmax_slope(weights)
        batch = Batch(inputs[:, :4], targets, None)
        loss = cross_entropy(network(batch.inputs), targets)
        cls(rho=0.3).transform_loss(loss, network, batch, cross_entropy).backward()
        gradient = torch.cat([network.head.weight.grad, network.head.bias.grad[:, None]], 1)
        return [
            Check("on a quadratic the gradient is A(w + rho g/|g|) - b", distance(slope, quadratic), 1e-12),
            Check(
                "on softmax regression that at w + rho g/|g|",
                distance(gradient, softmax_slope(weights + 0.3 * g / g.norm())),
                1e-12,
            ),
        ]
