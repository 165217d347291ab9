"""Adversarial training: the network learns from the worst inputs near by instead of the given ones."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Le

from reglab.attacks.ball import Ball
from reglab.attacks.base import evaluation_mode
from reglab.attacks.fast_gradient import farthest
from reglab.attacks.objectives import cross_entropy
from reglab.attacks.projected_gradient import ascend
from reglab.data.loader import Batch
from reglab.models.base import Network
from reglab.oracle import Check
from reglab.regularizers.base import Regularizer


@dataclass(frozen=True)
class AdversarialTraining(Regularizer):
    """Minimises E max over ||d|| <= epsilon of J(x + d), the maximum approached by an attack on the network as it stands.

    `share` of each batch is attacked. The fast gradient takes one step from the example itself, the projected gradient
    `steps` from a random point of the ball. Inputs must lie in [0, 1], and stay there.

    Sources: Goodfellow, Shlens and Szegedy, Explaining and Harnessing Adversarial Examples, 2015, section 6; Madry et al.,
    Towards Deep Learning Models Resistant to Adversarial Attacks, 2018, eq. 2.1.
    """

    attack: Literal["fast_gradient", "projected_gradient"] = "projected_gradient"
    norm: Literal["linf", "l2"] = "linf"
    epsilon: Annotated[float, Ge(0)] = 0.1
    steps: Annotated[int, Ge(1)] = 7
    share: Annotated[float, Ge(0), Le(1)] = 1.0

    topic: ClassVar[str] = "adversarial"

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        attacked = round(self.share * len(batch.inputs))  # the first of a batch, whose order is random
        if self.epsilon == 0 or attacked == 0:
            return batch
        inputs, targets = batch.inputs[:attacked], batch.targets[:attacked]
        ball = Ball.around(inputs, self.epsilon, self.norm)
        with evaluation_mode(network):
            if self.attack == "fast_gradient":
                found = farthest(network, ball, cross_entropy, targets)
            else:
                start = ball.random(network.moment.generator("adversarial_training"))
                found = ascend(network, start, ball, cross_entropy, targets, self.steps)
        return batch._replace(inputs=torch.cat([found, batch.inputs[attacked:]]))

    @classmethod
    def checks(cls) -> list[Check]:
        return []
