"""The fast adaptive boundary attack: finds the nearest input beyond a boundary by linear models of the boundary."""

import torch
from torch import Tensor

from reglab.attacks.ball import Norm, rowwise_norm
from reglab.attacks.base import Model, gradient
from reglab.attacks.linear import least_offset
from reglab.data.inputs import UNIT_RANGE

STEPS = 100
PULL, OVERSHOOT, RETREAT = 0.1, 1.05, 0.9  # alpha_max, eta and beta of algorithm 1


def difference(scores: Tensor, labels_and_aims: Tensor) -> Tensor:
    """z_t - z_y for rows (y, t): 0 on the boundary between both."""
    true_score, aim_score = scores.gather(1, labels_and_aims).unbind(1)
    return aim_score - true_score


def fast_boundary(
    model: Model,
    inputs: Tensor,  # (n, *shape), right and within the bounds
    labels: Tensor,  # (n,) int64
    aims: Tensor,  # (n,) int64: the class beyond the boundary
    epsilon: Tensor,  # (n,)
    *,
    norm: Norm = "linf",
    bounds: tuple[float, float] = UNIT_RANGE,
    steps: int = STEPS,
) -> Tensor:
    """For each example the first adversarial input within epsilon, else the example itself: (n, *shape).

    At a point x the boundary is taken for the plane f + g . (x' - x) = 0, with f = z_t - z_y and g its gradient. With d
    the offset from x to the nearest point of that plane within the range, and e the one from the example x_0,

        x <- (1 - a)(x + 1.05 d) + a (x_0 + 1.05 e),   a = min(||d|| / (||d|| + ||e||), 0.1)

    brought into the range; a point that is wrong but too far goes back to x_0 + 0.9 (x - x_0).

    Source: Croce and Hein, Minimally Distorted Adversarial Examples with a Fast Adaptive Boundary Attack, 2020,
    algorithm 1, with the targets of Croce and Hein, Reliable Evaluation of Adversarial Robustness, 2020, section 4.
    """
    adversarial, rows = inputs.clone(), torch.arange(len(inputs), device=inputs.device)
    start, point = inputs, inputs
    for _ in range(steps):
        if not len(rows):
            break
        _, value, slope = gradient(model, point, difference, torch.stack([labels, aims], 1))
        flat, from_start, slope = point.flatten(1), start.flatten(1), slope.flatten(1)
        nearest = least_offset(slope, -value, flat, norm=norm, bounds=bounds)[0]
        missing = -value - (slope * (from_start - flat)).sum(1)
        other = least_offset(slope, missing, from_start, norm=norm, bounds=bounds)[0]
        length, length_of_other = (rowwise_norm(offset, norm)[:, None].clamp(min=1e-8) for offset in (nearest, other))
        pull = (length / (length + length_of_other)).clamp(max=PULL)
        point = (1 - pull) * (flat + OVERSHOOT * nearest) + pull * (from_start + OVERSHOOT * other)
        point = point.clamp(*bounds).view(start.shape)
        with torch.no_grad():
            wrong = model(point).argmax(1) != labels
        met = wrong & (rowwise_norm(point - start, norm) <= epsilon)
        adversarial[rows[met]] = point[met]
        back = start + RETREAT * (point - start)
        point = torch.where(wrong.view(-1, *[1] * (start.ndim - 1)), back, point)
        rows, labels, aims, epsilon, start, point = (
            values[~met] for values in (rows, labels, aims, epsilon, start, point)
        )
    return adversarial
