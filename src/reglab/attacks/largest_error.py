"""The strong attack on amounts: ascents on the error and on both signs of the output, then random search."""

from torch import Tensor

from reglab.attacks.ball import Ball, Norm
from reglab.attacks.base import Model, attackable, under_attack
from reglab.attacks.objectives import squared_error
from reglab.attacks.projected_gradient import highest
from reglab.attacks.square import square
from reglab.attacks.strong import QUERIES, adaptive_ascent
from reglab.core.streams import generator
from reglab.data.inputs import UNIT_RANGE


def upwards(outputs: Tensor, targets: Tensor) -> Tensor:
    """z, whatever the targets."""
    return outputs.sum(1)


def downwards(outputs: Tensor, targets: Tensor) -> Tensor:
    """-z, whatever the targets."""
    return -outputs.sum(1)


def largest_error(
    model: Model,
    inputs: Tensor,  # (n, *shape), within the bounds
    amounts: Tensor,  # (n, 1), as the loss takes them
    epsilon: float | Tensor,
    *,
    norm: Norm = "linf",
    seed: int = 0,
    bounds: tuple[float, float] = UNIT_RANGE,
) -> Tensor:
    """The inputs (n, *shape) of the largest squared error that several attacks find, or the example itself.

    Adaptive ascents on (z - t)², on z and on -z, each from a random point, then the square attack on all examples. (z - t)²
    is largest where z is largest or smallest, so that the last two ascents are to an amount what the nearest wrong classes
    are to a class; the way to the nearest boundary has no counterpart, for there is no boundary between amounts. UserError
    as in `base` and `Ball.around`.

    Source: as for `adaptive_ascent`; section 4, of which this is the form for one output.
    """
    ball = Ball.around(inputs, epsilon, norm, bounds)
    with under_attack(model):
        attackable(model, inputs, amounts)
        candidates = [inputs]
        for number, objective in enumerate((squared_error, upwards, downwards)):
            start = ball.random(generator(seed, "largest_error", number))
            candidates.append(adaptive_ascent(model, ball, start, amounts, objective, amounts))
        settings = {"norm": norm, "queries": QUERIES, "seed": seed, "bounds": bounds}
        candidates.append(square(model, inputs, amounts, ball.radius.flatten(), **settings))
        return highest(model, candidates, squared_error, amounts)
