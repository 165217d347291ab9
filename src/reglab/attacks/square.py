"""The square attack: random search that sees nothing but the scores."""

import math

import torch
from torch import Tensor

from reglab.attacks.ball import Ball
from reglab.attacks.base import Model, evaluation_mode, right
from reglab.attacks.objectives import margin
from reglab.streams import generator

FIRST_SHARE = 0.8  # of the pixels that a window covers at first, and at which of 10,000 queries that share is halved
HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


def share_of_pixels(query: int, queries: int) -> float:
    """What the window of a query covers: halved at 0.1, 0.5, 2, 5, 10, 20, 40, 60 and 80 % of the queries."""
    return FIRST_SHARE / 2 ** sum(query / queries * 10_000 > halving for halving in HALVINGS)


def window_of(share: float, height: int, width: int) -> tuple[int, int]:
    """The height and width of a window with this share of the pixels: a square, or of one row a stretch."""
    area = share * height * width
    side = max(1, round(math.sqrt(area)))
    if side <= min(height, width):
        return side, side
    return min(height, round(area / min(side, width))), min(width, round(area / min(side, height)))


@torch.no_grad()
def square(
    model: Model,
    inputs: Tensor,  # (n, channels, height, width) or (n, features), within the bounds
    labels: Tensor,  # (n,) int64
    epsilon: float | Tensor,
    *,
    queries: int = 1000,
    seed: int = 0,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Tensor:
    """From stripes of +-epsilon on, sets windows at random to +-epsilon and keeps what brings an error nearer.

    Returns inputs (n, *shape) within epsilon in the maximum norm. Every example has its own windows, keyed by (seed,
    query); one that is fooled goes no further. UserError as in `base` and `Ball.around`.

    Source: Andriushchenko et al., Square Attack: a Query-efficient Black-box Adversarial Attack via Random Search,
    2020, algorithms 1 and 2, with the first share that Croce and Hein (2020) chose.
    """
    ball = Ball.around(inputs, epsilon, "linf", bounds)
    examples, shape = len(inputs), inputs.shape[1:]
    channels, height, width = shape if len(shape) == 3 else (1, 1, math.prod(shape))

    def signs(*axes: int, random: torch.Generator) -> Tensor:
        return (2 * torch.randint(2, (examples, *axes), generator=random) - 1).to(inputs)

    def at(near: Ball, directions: Tensor) -> Tensor:
        directions = directions.expand(-1, channels, height, width).reshape(-1, *shape)
        return near.project(near.center + near.radius * directions)

    found = inputs.clone()
    with evaluation_mode(model):
        rows = right(model, inputs, labels).nonzero()[:, 0]
        stripes = signs(channels, 1, width, random=generator(seed, "square", "stripes"))
        near, aims = ball[rows], labels[rows]
        best = at(near, stripes[rows])
        value = margin(model(best), aims)
        for query in range(1, queries):
            found[rows] = best
            standing = value <= 0
            if not standing.all():
                rows, best, value, near, aims = (held[standing] for held in (rows, best, value, near, aims))
            if not len(rows):
                return found
            random = generator(seed, "square", query)
            tall, wide = window_of(share_of_pixels(query, queries), height, width)
            top = torch.randint(height - tall + 1, (examples, 1, 1, 1), generator=random)[rows.cpu()].to(inputs.device)
            left = torch.randint(width - wide + 1, (examples, 1, 1, 1), generator=random)[rows.cpu()].to(inputs.device)
            line = torch.arange(height, device=inputs.device).view(1, 1, -1, 1)
            column = torch.arange(width, device=inputs.device).view(1, 1, 1, -1)
            inside = (line >= top) & (line < top + tall) & (column >= left) & (column < left + wide)
            inside = inside.expand(-1, channels, -1, -1).reshape(best.shape)
            proposal = torch.where(inside, at(near, signs(channels, 1, 1, random=random)[rows]), best)
            proposed = margin(model(proposal), aims)
            better = proposed > value
            best = torch.where(better.view(near.radius.shape), proposal, best)
            value = torch.where(better, proposed, value)
        found[rows] = best
    return found
