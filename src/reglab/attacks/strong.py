"""An attack without parameters to tune: adaptive ascents on several objectives, then random search on the rest."""

import itertools
from typing import NamedTuple

import torch
from torch import Tensor

from reglab.attacks.ball import Ball, Norm
from reglab.attacks.base import Model, Objective, correct, gradient, standing, under_attack
from reglab.attacks.fast_boundary import fast_boundary
from reglab.attacks.objectives import cross_entropy, targeted
from reglab.attacks.square import square
from reglab.core.streams import generator
from reglab.data.inputs import UNIT_RANGE

STEPS, TARGETS, QUERIES = 100, 9, 1000
MOMENTUM, RISING = 0.75, 0.75  # alpha and rho of algorithm 1


def checkpoints(steps: int) -> list[int]:
    """The steps after which the step size is checked: ceil(p_j steps).

    p_0 = 0, p_1 = 0.22, p_(j+1) = p_j + max(p_j - p_(j-1) - 0.03, 0.06).
    """
    percent, interval, checked_at = 0, 22, []
    while (percent := percent + interval) < 100:
        checked_at.append(-(-percent * steps // 100))
        interval = max(interval - 3, 6)
    return checked_at


class Climb(NamedTuple):
    """The state of the ascents of the examples (n) that are still correct."""

    rows: Tensor
    labels: Tensor
    targets: Tensor
    point: Tensor
    previous: Tensor
    slope: Tensor
    value: Tensor
    best_point: Tensor
    best_slope: Tensor
    best_value: Tensor
    value_before: Tensor  # the best at the last checkpoint
    rises: Tensor  # steps since then that raised the value
    halved: Tensor  # whether the step size was halved there
    size: Tensor  # of a step, (n, 1, ..., 1)

    def only(self, kept: Tensor) -> "Climb":
        return Climb(*(values[kept] for values in self))

    def halve_stalled(self, steps: int) -> "Climb":
        """At a checkpoint, `steps` after the last: a stalled ascent goes back to its best point with half the step.

        It has stalled when fewer than three quarters of the steps rose, or when neither step size nor best value changed.
        """
        stalled = (self.rises < RISING * steps) | (~self.halved & (self.best_value == self.value_before))
        wide = stalled.view(self.size.shape)
        return self._replace(
            size=torch.where(wide, self.size / 2, self.size),
            point=torch.where(wide, self.best_point, self.point),
            slope=torch.where(wide, self.best_slope, self.slope),
            value=torch.where(stalled, self.best_value, self.value),
            value_before=self.best_value,
            rises=torch.zeros_like(self.rises),
            halved=stalled,
        )


def adaptive_ascent(
    model: Model, ball: Ball, start: Tensor, labels: Tensor, objective: Objective, targets: Tensor, steps: int = STEPS
) -> Tensor:
    """Gradient ascent with momentum that adapts its step size, from points (n, *shape).

    Returns for each example the first point found that is wrong, else the one of the highest value; of amounts the latter.

    Source: Croce and Hein, Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free
    Attacks, 2020, algorithm 1.
    """
    checked_at = [0, *checkpoints(steps)]
    intervals = {after: after - before for before, after in itertools.pairwise(checked_at)}
    adversarial = start.clone()
    rows = torch.arange(len(labels), device=labels.device)
    least = torch.full(rows.shape, -torch.inf, dtype=start.dtype, device=start.device)
    climb = Climb(
        rows=rows,
        labels=labels,
        targets=targets,
        point=start,
        previous=start,
        slope=start,
        value=least,
        best_point=start,
        best_slope=start,
        best_value=least,
        value_before=least,
        rises=torch.full_like(rows, -1),  # the start counts as one
        halved=torch.ones_like(rows, dtype=torch.bool),  # so that the first checkpoint considers the rises alone
        size=2 * ball.radius,
    )
    for step in range(steps + 1):
        scores, value, slope = gradient(model, climb.point, objective, climb.targets)
        better = value > climb.best_value
        wide = better.view(climb.size.shape)
        climb = climb._replace(
            slope=slope,
            value=value,
            rises=climb.rises + (value > climb.value),
            best_point=torch.where(wide, climb.point, climb.best_point),
            best_slope=torch.where(wide, slope, climb.best_slope),
            best_value=torch.where(better, value, climb.best_value),
        )
        kept = standing(scores, climb.labels)
        if not kept.all():
            adversarial[climb.rows] = climb.point
            climb, ball = climb.only(kept), ball[kept]
        if not len(climb.rows) or step == steps:
            break
        if step in intervals:
            climb = climb.halve_stalled(intervals[step])
        momentum = MOMENTUM if step else 1.0
        ahead = ball.project(climb.point + climb.size * ball.steepest(climb.slope))
        along = momentum * (ahead - climb.point) + (1 - momentum) * (climb.point - climb.previous)
        climb = climb._replace(point=ball.project(climb.point + along), previous=climb.point)
    adversarial[climb.rows] = climb.best_point
    return adversarial


def strong(
    model: Model,
    inputs: Tensor,  # (n, *shape), within the bounds
    labels: Tensor,  # (n,) int64
    epsilon: float | Tensor,
    *,
    norm: Norm = "linf",
    seed: int = 0,
    bounds: tuple[float, float] = UNIT_RANGE,
) -> Tensor:
    """Adaptive ascents on the cross-entropy and towards each of the nine nearest wrong classes, then towards each the
    nearest point beyond the boundary, then the square attack: the four parts of AutoAttack.

    Returns inputs (n, *shape). Each part gets the examples that those before it did not fool; within a part all classes
    are tried side by side, and the nearest that is reached counts. UserError as in `base` and `Ball.around`.

    Source: as for `adaptive_ascent`; section 4.
    """
    ball = Ball.around(inputs, epsilon, norm, bounds)
    adversarial = inputs.clone()
    with under_attack(model):
        right = correct(model, inputs, labels)
        with torch.no_grad():
            scores = model(inputs)
        aims = scores.scatter(1, labels[:, None], -torch.inf).argsort(1, descending=True)[:, :-1][:, :TARGETS]

        def start(number: int, rows: Tensor) -> Tensor:
            return ball.random(generator(seed, "strong", number))[rows]

        def by_cross_entropy(rows: Tensor) -> Tensor:
            return adaptive_ascent(model, ball[rows], start(0, rows), labels[rows], cross_entropy, labels[rows])

        def by_targets(rows: Tensor) -> Tensor:
            starts = torch.cat([start(number + 1, rows) for number in range(aims.shape[1])])
            every, classes = towards_each(rows, aims)
            pairs = torch.stack([labels[every], classes], 1)
            moved = adaptive_ascent(model, ball[every], starts, labels[every], targeted, pairs)
            return first_wrong(model, moved, labels[rows])

        def by_boundaries(rows: Tensor) -> Tensor:
            every, classes = towards_each(rows, aims)
            near = ball.radius.flatten()[every]
            moved = fast_boundary(model, inputs[every], labels[every], classes, near, norm=norm, bounds=bounds)
            return first_wrong(model, moved, labels[rows])

        def by_squares(rows: Tensor) -> Tensor:
            near, settings = ball.radius.flatten()[rows], {"norm": norm, "queries": QUERIES, "seed": seed}
            return square(model, inputs[rows], labels[rows], near, bounds=bounds, **settings)

        for part in (by_cross_entropy, by_targets, by_boundaries, by_squares):
            rows = right.nonzero()[:, 0]
            if len(rows):
                adversarial[rows] = part(rows)
                right = correct(model, adversarial, labels)
    return adversarial


def towards_each(rows: Tensor, aims: Tensor) -> tuple[Tensor, Tensor]:
    """The rows (n,) once for each of their aims (all, k), and the aims: (k n,) twice, the first aim of all rows first."""
    return rows.repeat(aims.shape[1]), aims[rows].T.flatten()


def first_wrong(model: Model, points: Tensor, labels: Tensor) -> Tensor:
    """Of the points (k n, *shape) for labels (n,), the first of each that the model gets wrong, else the first of all."""
    tries = len(points) // len(labels)
    wrong = ~correct(model, points, labels.repeat(tries)).view(tries, -1)
    columns = torch.arange(len(labels), device=labels.device)
    return points.view(tries, len(labels), *points.shape[1:])[wrong.byte().argmax(0), columns]
