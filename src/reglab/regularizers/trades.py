"""TRADES: a penalty on the largest change of the prediction near an input, which trades accuracy for robustness."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le
from torch import Tensor

from reglab.attacks.ball import Ball
from reglab.attacks.base import evaluation_mode
from reglab.attacks.objectives import divergence
from reglab.attacks.projected_gradient import ascend
from reglab.attacks.units import Units
from reglab.core.checks import Check
from reglab.core.streams import Moment
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.reference_problems import regression
from reglab.training.regularizer import Regularizer

AWAY = 0.001  # standard deviation of the start from the example, where the divergence has no slope


@dataclass(frozen=True)
class Trades(Regularizer):
    """Minimises J + strength E max over max_i |d_i| <= epsilon of KL(p(x) || p(x + d)), p in evaluation mode.

    The maximum is approached by `steps` steps of projected gradient ascent. Inputs in a box, as pixels in [0, 1],
    stay in it; epsilon is as in `adversarial_training`.
    Evaluation mode: the penalty concerns the network as it is evaluated, and runs no other technique's hooks.

    Source: Zhang et al., Theoretically Principled Trade-off between Robustness and Accuracy, 2019, eq. 5 and algorithm
    1; strength is their 1/lambda.
    """

    lecture: ClassVar[str] = "adversarial_training"
    topic: ClassVar[str] = "adversarial"
    off: ClassVar[dict] = {"strength": 0.0}
    needs: ClassVar[tuple] = ("unit_range", "classes")

    strength: Annotated[float, Ge(0)] = 6.0
    epsilon: Annotated[float, Ge(0)] = 0.1
    steps: Annotated[int, Ge(1), Le(10_000)] = 7

    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor | None:
        if self.strength == 0 or self.epsilon == 0:
            return None
        random = network.moment.generator("trades", batch.inputs.device)
        aside = AWAY * torch.randn(batch.inputs.shape, generator=random, device=batch.inputs.device)
        units = Units.of(batch.inputs, network.spread)
        inputs, model = units.standard(batch.inputs), units.model(network)
        ball = Ball.around(inputs, self.epsilon, bounds=network.bounds)
        with evaluation_mode(network):
            scores = network(batch.inputs)
            attacked = ascend(model, ball.project(inputs + aside), ball, divergence, scores.detach(), self.steps)
            return self.strength * batch.mean(divergence(model(attacked), scores))

    @classmethod
    def checks(cls) -> list[Check]:
        inputs, strength = 0.5 + regression()[0].clamp(-3, 3) / 10, 2.0  # 0.2 to 0.8: no ball meets the range
        network = build(MLP(depth=0), (4,), 2, seed=0).double()
        network.moment = Moment(seed=0, epoch=0, step=0)
        weight = network.head.weight.detach()
        reach = 0.1 * (weight[0] - weight[1]).sign() * inputs.new_tensor([[1.0], [-1.0]])  # both ends of every margin
        clean, ends = network(inputs).detach(), network((inputs[:, None] + reach).flatten(0, 1)).detach()
        apart = strength * divergence(ends, clean.repeat_interleave(2, 0)).view(-1, 2)
        batches = (Batch(example[None], None, None) for example in inputs)
        penalties = torch.stack(
            [cls(strength, epsilon=0.1).penalty(network, batch, None).detach() for batch in batches]
        )
        from_an_end = (penalties[:, None] - apart).abs().amin(1)
        return [
            Check("strength times KL at an end of the margins", from_an_end.max().item(), 1e-12),
            Check("never above the larger end", (penalties - apart.amax(1)).max().item(), 1e-12),
        ]
