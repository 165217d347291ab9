"""The fast gradient method: one step to the border of the ball."""

import torch
from torch import Tensor

from reglab.attacks.ball import Ball, Norm
from reglab.attacks.base import Model, Objective, attackable, gradient, under_attack
from reglab.attacks.objectives import loss
from reglab.data.inputs import UNIT_RANGE


def step_to_border(model: Model, ball: Ball, objective: Objective, targets: Tensor) -> Tensor:
    """One step of the ball's radius from its center, for every example, right or wrong: (n, *shape).

    The inner maximisation of adversarial training.
    """
    with under_attack(model):
        _, _, slope = gradient(model, ball.center, objective, targets)
    return ball.project(ball.center + ball.radius * ball.steepest(slope))


def fast_gradient(
    model: Model,
    inputs: Tensor,  # (n, *shape), within the bounds
    labels: Tensor,  # (n,) int64, or amounts (n, 1)
    epsilon: float | Tensor,
    *,
    norm: Norm = "linf",
    objective: Objective = loss,
    bounds: tuple[float, float] = UNIT_RANGE,
) -> Tensor:
    """x + epsilon sign(dJ/dx), for l2 x + epsilon (dJ/dx) / ||dJ/dx||, brought into the range: (n, *shape).

    Exact for a linear model with two classes, and for a linear model w . x + b of amounts, whose residual r becomes
    |r| + epsilon ||w||_1, for l2 |r| + epsilon ||w||_2. UserError as in `base` and `Ball.around`.

    Source: Goodfellow, Shlens and Szegedy, Explaining and Harnessing Adversarial Examples, 2015, section 3.
    """
    ball = Ball.around(inputs, epsilon, norm, bounds)
    with under_attack(model):
        attacked = attackable(model, inputs, labels)
        moved = step_to_border(model, ball, objective, labels)
    return torch.where(attacked.view(ball.radius.shape), moved, inputs)
