"""Gradient clipping: a step is never longer than a given length, its direction stays."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt
from torch.nn.utils import clip_grad_norm_

from reglab.core.checks import Check, distance
from reglab.core.streams import generator
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class GradientClipping(Regularizer):
    """g <- g min(1, threshold / ||g||_2), the norm taken over the gradients of all parameters together.

    What stands before it in a list of techniques is clipped along, what stands behind is not.

    Sources: Pascanu, Mikolov and Bengio, On the Difficulty of Training Recurrent Neural Networks, 2013, algorithm 1;
    Goodfellow, Bengio and Courville, Deep Learning, 2016, eqs. 10.48 and 10.49.
    """

    lecture: ClassVar[str] = "early_stopping"
    topic: ClassVar[str] = "early_stopping"
    off: ClassVar[dict] = {"threshold": math.inf}

    threshold: Annotated[float, Gt(0)] = 1.0

    def transform_gradients(self, network: Network) -> None:
        clip_grad_norm_(network.parameters(), self.threshold)

    @classmethod
    def checks(cls) -> list[Check]:
        network, random = build(MLP(width=5, depth=1), (4,), 3, seed=0), generator("gradient_clipping")
        gradients = [torch.randn(parameter.shape, generator=random) for parameter in network.parameters()]
        flat = torch.cat([gradient.flatten() for gradient in gradients])

        def clipped(threshold: float) -> torch.Tensor:
            for parameter, gradient in zip(network.parameters(), gradients, strict=True):
                parameter.grad = gradient.clone()
            cls(threshold).transform_gradients(network)
            return torch.cat([parameter.grad.flatten() for parameter in network.parameters()])

        shortened, untouched = clipped(0.5), clipped(2 * flat.norm().item())
        return [
            Check("a long gradient is cut to the threshold", distance(shortened, 0.5 * flat / flat.norm()), 1e-6),
            Check("a short gradient stays bit for bit", distance(untouched, flat), 0.0),
        ]
