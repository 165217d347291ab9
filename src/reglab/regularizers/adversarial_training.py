"""Adversarial training: inputs are replaced by those within a ball around them that have the largest loss."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Le
from torch import Tensor
from torch.nn.functional import softplus

from reglab.attacks.ball import Ball
from reglab.attacks.fast_gradient import step_to_border
from reglab.attacks.objectives import cross_entropy
from reglab.attacks.projected_gradient import ascend
from reglab.attacks.units import Units
from reglab.core.checks import Check, distance
from reglab.core.streams import Moment
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.reference_problems import regression
from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class AdversarialTraining(Regularizer):
    """Minimises E max over ||d|| <= epsilon of J(x + d), the maximum approached by an attack on the current network.

    `share` of each batch is attacked. The fast gradient takes one step from the example itself, the projected gradient
    `steps` from a random point of the ball. Inputs in a box, as pixels in [0, 1], stay in it; those of a table have none, and
    epsilon is in their units after scaling, or in standard deviations of the training part where nothing scales them.

    Sources: Goodfellow, Shlens and Szegedy, Explaining and Harnessing Adversarial Examples, 2015, section 6; Madry et
    al., Towards Deep Learning Models Resistant to Adversarial Attacks, 2018, eq. 2.1.
    """

    lecture: ClassVar[str] = "adversarial_training"
    topic: ClassVar[str] = "adversarial"
    off: ClassVar[dict] = {"epsilon": 0.0}
    needs: ClassVar[tuple] = ("unit_range",)

    attack: Literal["fast_gradient", "projected_gradient"] = "projected_gradient"
    norm: Literal["linf", "l2"] = "linf"
    epsilon: Annotated[float, Ge(0)] = 0.1
    steps: Annotated[int, Ge(1), Le(10_000)] = 7
    share: Annotated[float, Ge(0), Le(1)] = 1.0

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        attacked = round(self.share * len(batch.inputs))  # the first of a batch, whose order is random
        if self.epsilon == 0 or attacked == 0:
            return batch
        inputs, targets = batch.inputs[:attacked], batch.targets[:attacked]
        units = Units.of(inputs, network.spread)
        ball, model = Ball.around(units.standard(inputs), self.epsilon, self.norm, network.bounds), units.model(network)
        if self.attack == "fast_gradient":
            moved = step_to_border(model, ball, network.task.losses, targets)
        else:
            start = ball.random(network.moment.generator("adversarial_training"))
            moved = ascend(model, start, ball, network.task.losses, targets, self.steps)
        return batch._replace(inputs=torch.cat([units.original(moved), batch.inputs[attacked:]]))

    @classmethod
    def checks(cls) -> list[Check]:
        inputs, targets, indices = regression()
        inputs, right = 0.5 + inputs.clamp(-3, 3) / 10, (targets > 0).double()  # 0.2 to 0.8: no ball meets the range
        batch, network = Batch(inputs, torch.cat([right, 1 - right], 1), indices), build(MLP(depth=0), (4,), 2, seed=0)
        network.double().moment = Moment(seed=0, epoch=0, step=0)
        direction = (network.head.weight[0] - network.head.weight[1]).detach()
        margins = (network(inputs) * (2 * batch.targets - 1)).sum(1).detach()

        def gap(attack: str, norm: str, length: Tensor) -> float:
            attacked = cls(attack, norm, epsilon=0.1).transform_batch(batch, network)
            return distance(cross_entropy(network(attacked.inputs), batch.targets), softplus(0.1 * length - margins))

        half = cls(share=0.5).transform_batch(batch, network).inputs
        return [
            Check("fast gradient: log(1 + exp(eps |w|_1 - m))", gap("fast_gradient", "linf", direction.norm(1)), 1e-12),
            Check("projected: the same", gap("projected_gradient", "linf", direction.norm(1)), 1e-12),
            Check("in the L2 norm log(1 + exp(eps |w|_2 - m))", gap("fast_gradient", "l2", direction.norm(2)), 1e-12),
            Check("half the batch stays as it was", distance(half[20:], inputs[20:]), 0.0),
        ]
