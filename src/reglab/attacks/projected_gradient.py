"""Projected gradient ascent: many small steps, each followed by a projection into the ball."""

import torch
from torch import Tensor

from reglab.attacks.ball import Ball, Norm
from reglab.attacks.base import Model, Objective, attackable, correct, gradient, is_amounts, under_attack
from reglab.attacks.objectives import loss
from reglab.core.streams import generator
from reglab.data.inputs import UNIT_RANGE

TRAVEL = 2.5  # length of all steps together, in radii: enough to cross the ball from any start


def ascend(model: Model, start: Tensor, ball: Ball, objective: Objective, targets: Tensor, steps: int) -> Tensor:
    """x <- project(x + 2.5 radius/steps steepest(dJ/dx)), `steps` times, for every example, right or wrong.

    The inner maximisation of adversarial training: from points (n, *shape) to points (n, *shape).

    Source: Madry et al., Towards Deep Learning Models Resistant to Adversarial Attacks, 2018, section 2.1.
    """
    points, size = start, ball.radius * (TRAVEL / steps)
    with under_attack(model):
        for _ in range(steps):
            _, _, slope = gradient(model, points, objective, targets)
            points = ball.project(points + size * ball.steepest(slope))
    return points


def highest(model: Model, points: list[Tensor], objective: Objective, targets: Tensor) -> Tensor:
    """Of several points (n, *shape) for each example the one of the highest objective, the first of equal ones."""
    with torch.no_grad():
        values = torch.stack([objective(model(each), targets) for each in points])
    return torch.stack(points)[values.argmax(0), torch.arange(len(targets), device=targets.device)]


def ascend_to_highest(
    model: Model, start: Tensor, ball: Ball, objective: Objective, targets: Tensor, steps: int
) -> Tensor:
    """The point of the highest objective that `ascend` passes, its start and its end included."""
    point, best, most = start, start, torch.full((len(start),), -torch.inf, dtype=start.dtype, device=start.device)
    for step in range(steps + 1):
        _, value, slope = gradient(model, point, objective, targets)
        better = value > most
        best, most = torch.where(better.view(ball.radius.shape), point, best), torch.where(better, value, most)
        if step < steps:
            point = ball.project(point + ball.radius * (TRAVEL / steps) * ball.steepest(slope))
    return best


def projected_gradient(
    model: Model,
    inputs: Tensor,  # (n, *shape), within the bounds
    labels: Tensor,  # (n,) int64, or amounts (n, 1)
    epsilon: float | Tensor,
    *,
    norm: Norm = "linf",
    steps: int = 20,
    restarts: int = 1,
    objective: Objective = loss,
    seed: int = 0,
    bounds: tuple[float, float] = UNIT_RANGE,
) -> Tensor:
    """The first point found that the model gets wrong, else where the last ascent ended: (n, *shape).

    Each restart begins at a random point of the ball, keyed by (seed, restart); an example that is fooled goes no
    further. Of amounts the point of the highest objective on the way of all ascents, of which the first begins at the
    example: at a random point the error may have the other sign, and the ascent may lead to the lower of its two maxima.
    UserError as in `base` and `Ball.around`.

    Source: as for `ascend`.
    """
    ball = Ball.around(inputs, epsilon, norm, bounds)
    adversarial = inputs.clone()
    with under_attack(model):
        rows = attackable(model, inputs, labels).nonzero()[:, 0]
        if is_amounts(labels):
            starts = (ball.random(generator(seed, "projected_gradient", restart)) for restart in range(1, restarts))
            ends = [ascend_to_highest(model, start, ball, objective, labels, steps) for start in (inputs, *starts)]
            return highest(model, ends, objective, labels)
        for restart in range(restarts):
            points = ball.random(generator(seed, "projected_gradient", restart))[rows]
            near, aims = ball[rows], labels[rows]
            for _ in range(steps):
                if not len(rows):
                    return adversarial
                scores, _, slope = gradient(model, points, objective, aims)
                standing = scores.argmax(1) == aims
                if not standing.all():
                    adversarial[rows] = points
                    rows, points, slope, near, aims = (values[standing] for values in (rows, points, slope, near, aims))
                points = near.project(points + near.radius * (TRAVEL / steps) * near.steepest(slope))
            adversarial[rows] = points
            rows = rows[correct(model, points, aims)]
    return adversarial
