"""Weight decay: the squared L2 norm of the weights as a penalty, or a shrinkage beside the gradient step."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from reglab.core.checks import Check, distance
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.penalties import add_to_gradients, half_squared_norm
from reglab.training.reference_problems import descend, regression, ridge
from reglab.training.regularizer import Regularizer
from reglab.training.weights import learned_weights


@dataclass(frozen=True)
class WeightDecay(Regularizer):
    """Adds strength/2 ||w||^2 to the loss, so that an SGD step is w <- (1 - rate strength) w - rate grad J.

    Decoupled, the loss stays and w <- (1 - rate strength) w follows the step: the same for plain SGD to first order in
    the rate, another thing for Adam, which divides a coupled penalty's gradient by its running scale.

    Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, eqs. 7.2 to 7.5; Loshchilov and Hutter, Decoupled
    Weight Decay Regularization, 2019, algorithm 2.
    """

    lecture: ClassVar[str] = "weight_decay"
    topic: ClassVar[str] = "least_squares"
    off: ClassVar[dict] = {"strength": 0.0}

    strength: Annotated[float, Ge(0)] = 1e-3
    decoupled: bool = False

    @torch.no_grad()
    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor | None:
        return None if self.decoupled else self.strength * half_squared_norm(learned_weights(network).values())

    def transform_gradients(self, network: Network) -> None:
        if not self.decoupled:
            add_to_gradients(learned_weights(network).values(), lambda weight: weight, self.strength)

    @torch.no_grad()
    def after_step(self, network: Network, learning_rate: float) -> None:
        if self.decoupled:
            for weight in learned_weights(network).values():
                weight.mul_(1 - learning_rate * self.strength)

    @classmethod
    def checks(cls) -> list[Check]:
        batch, rate, strength = Batch(*regression()), 0.3, 0.2

        def after(steps: int, technique: Regularizer, optimizer=None) -> tuple[Tensor, ...]:
            linear = build(MLP(depth=0), (4,), 1, seed=0).double()
            return tuple(descend(linear, technique, batch, rate=rate, steps=steps, optimizer=optimizer).parameters())

        def torch_decays(optimizer: type, parameters, rate: float) -> torch.optim.Optimizer:
            weight, bias = parameters
            return optimizer([{"params": weight, "weight_decay": strength}, {"params": bias, "weight_decay": 0}], rate)

        none, coupled, decoupled = Regularizer(), cls(strength), cls(strength, decoupled=True)
        sgd, adamw = partial(torch_decays, torch.optim.SGD), partial(torch_decays, torch.optim.AdamW)
        (start, _), (plain, plain_bias), (stepped, bias) = after(0, none), after(1, none), after(1, coupled)
        # AdamW shrinks w and then adds Adam's step; here their sum shrinks: rate strength times the step lies between.
        adam_step = after(1, none, torch.optim.Adam)[0] - start
        between = after(1, none, adamw)[0] - after(1, decoupled, torch.optim.Adam)[0]
        shrunk = plain - rate * strength * start
        return [
            Check("a step is (1 - rate strength) w - rate grad J", distance(stepped, shrunk), 1e-7),
            Check("the bias does not decay", distance(bias, plain_bias), 0.0),
            Check("as SGD with weight_decay in torch", distance(after(9, coupled)[0], after(9, none, sgd)[0]), 1e-7),
            Check("descent ends at ridge", distance(after(300, coupled)[0], ridge(*batch[:2], strength)), 1e-7),
            Check("decoupled: AdamW, shrinking its step too", distance(between, rate * strength * adam_step), 1e-12),
        ]
