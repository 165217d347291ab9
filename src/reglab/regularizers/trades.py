"""TRADES: a penalty on how far the worst input near by moves the prediction, which trades accuracy for robustness."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from reglab.attacks.ball import Ball
from reglab.attacks.base import evaluation_mode
from reglab.attacks.objectives import divergence
from reglab.attacks.projected_gradient import ascend
from reglab.data.loader import Batch
from reglab.models.base import Network
from reglab.oracle import Check
from reglab.regularizers.base import Regularizer

AWAY = 0.001  # deviation of the start from the example, where the divergence has no slope


@dataclass(frozen=True)
class Trades(Regularizer):
    """Minimises J + strength E max over max_i |d_i| <= epsilon of KL(p(x) || p(x + d)), p as the network will be judged.

    The maximum is approached by `steps` steps of projected gradient ascent. Inputs must lie in [0, 1], and stay there. A
    network with dropout or batch normalisation is in evaluation mode in the penalty, with its gradient.

    Source: Zhang et al., Theoretically Principled Trade-off between Robustness and Accuracy, 2019, eq. 5 and algorithm 1;
    strength is their 1/lambda.
    """

    strength: Annotated[float, Ge(0)] = 6.0
    epsilon: Annotated[float, Ge(0)] = 0.1
    steps: Annotated[int, Ge(1)] = 7

    topic: ClassVar[str] = "adversarial"

    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor | None:
        if self.strength == 0 or self.epsilon == 0:
            return None
        random = network.moment.generator("trades", batch.inputs.device)
        aside = AWAY * torch.randn(batch.inputs.shape, generator=random, device=batch.inputs.device)
        ball = Ball.around(batch.inputs, self.epsilon)
        with evaluation_mode(network):
            scores = network(batch.inputs)
            found = ascend(network, ball.project(batch.inputs + aside), ball, divergence, scores.detach(), self.steps)
            return self.strength * divergence(network(found), scores).mean()

    @classmethod
    def checks(cls) -> list[Check]:
        return []
