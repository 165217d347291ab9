"""The square attack: random search that uses the scores alone."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from reglab.attacks.ball import Ball, Norm
from reglab.attacks.base import Model, attackable, evaluation_mode, is_amounts
from reglab.attacks.objectives import margin, squared_error
from reglab.core.streams import generator
from reglab.data.inputs import UNIT_RANGE

FIRST_SHARE = 0.8  # of the pixels that a window covers at first, and at which of 10,000 queries that share is halved
HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


def share_of_pixels(query: int, queries: int) -> float:
    """The share of pixels in the window of a query: halved at 0.1, 0.5, 2, 5, 10, 20, 40, 60 and 80 % of the queries."""
    return FIRST_SHARE / 2 ** sum(query / queries * 10_000 > halving for halving in HALVINGS)


def window_of(share: float, height: int, width: int) -> tuple[int, int]:
    """The height and width of a window with this share of the pixels: a square, or of one row a stretch."""
    area = share * height * width
    side = max(1, round(math.sqrt(area)))
    if side <= min(height, width):
        return side, side
    return min(height, round(area / min(side, width))), min(width, round(area / min(side, height)))


def odd_window_of(share: float, height: int, width: int) -> tuple[int, int]:
    """The same with odd sides of at least 3 where they fit."""
    tall, wide = window_of(share, height, width)
    return min(height, max(3, tall + 1 - tall % 2)), min(width, max(3, wide + 1 - wide % 2))


def bump(height: int, width: int) -> Tensor:
    """A bump of length 1 on the middle: r pixels away, in the larger of both directions, sum_(k >= r) 1/(k + 1)^2."""
    down, across = ((torch.arange(size) - size // 2).abs() for size in (height, width))
    away = torch.maximum(down[:, None], across)
    rings = max(height, width) // 2 + 1
    heights = (1 / torch.arange(1, rings + 1) ** 2).flip(0).cumsum(0).flip(0)[away]
    return heights / torch.linalg.vector_norm(heights)


def bump_and_hollow(height: int, width: int) -> Tensor:
    """A bump above a hollow, in one row beside it, of length 1 together: (height, width)."""
    if height * width == 1:
        return torch.ones(1, 1)
    if height == 1:
        return bump_and_hollow(width, 1).T
    return torch.cat([bump(height // 2, width), -bump(height - height // 2, width)]) / math.sqrt(2)


@dataclass(frozen=True)
class Windows:
    """Random draws for all examples, as images (channels, height, width): they do not depend on which are still correct."""

    examples: int
    channels: int
    height: int
    width: int
    device: torch.device

    def signs(self, *axes: int, random: torch.Generator) -> Tensor:
        """+1 or -1: (examples, *axes)."""
        return (2.0 * torch.randint(2, (self.examples, *axes), generator=random) - 1).to(self.device)

    def at(self, tall: int, wide: int, standing: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Of a window for each example, every pixel's row and column in it, of the examples `standing` (n,):
        (n, 1, height, 1) and (n, 1, 1, width).
        """
        top, left = (
            torch.randint(size - side + 1, (self.examples, 1, 1, 1), generator=random).to(self.device)[standing]
            for size, side in ((self.height, tall), (self.width, wide))
        )
        rows, columns = (torch.arange(size, device=self.device) for size in (self.height, self.width))
        return rows[:, None] - top, columns - left


def covered(rows: Tensor, columns: Tensor, tall: int, wide: int) -> Tensor:
    """Which pixels lie in the window: (examples, 1, height, width)."""
    return (rows >= 0) & (rows < tall) & (columns >= 0) & (columns < wide)


class Corners:
    """Proposals within epsilon in the maximum norm: stripes, then windows, whose every pixel is changed by +-epsilon."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def first(self, random: torch.Generator) -> Tensor:
        """Directions (examples, channels, height or 1, width), of which each example's radius is taken."""
        return self.windows.signs(self.windows.channels, 1, self.windows.width, random=random)

    def next(self, offsets: Tensor, radius: Tensor, standing: Tensor, share: float, random: torch.Generator) -> Tensor:
        """Changed offsets (n, channels, height, width) of the examples `standing` (n,), among all of them."""
        tall, wide = window_of(share, self.windows.height, self.windows.width)
        rows, columns = self.windows.at(tall, wide, standing, random)
        signs = self.windows.signs(self.windows.channels, 1, 1, random=random)[standing]
        return torch.where(covered(rows, columns, tall, wide), radius * signs, offsets)


class Bumps:
    """Proposals within epsilon in the Euclidean norm: bumps and hollows, and length that moves from window to window."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    def first(self, random: torch.Generator) -> Tensor:
        """Directions (examples, channels, height, width) of length 1: tiles of a fifth of the image each way."""
        height, width = self.windows.height, self.windows.width
        tall, wide = max(1, height // 5), max(1, width // 5)
        rows, columns = torch.arange(height)[:, None], torch.arange(width)
        signs = self.windows.signs(self.windows.channels, -(-height // tall), -(-width // wide), random=random)
        tiles = bump_and_hollow(tall, wide).to(signs)[rows % tall, columns % wide]
        return unit(tiles * signs[:, :, rows // tall, columns // wide], (1, 2, 3))

    def next(self, offsets: Tensor, radius: Tensor, standing: Tensor, share: float, random: torch.Generator) -> Tensor:
        """As above: one window gets its own direction and a bump, and the length of both windows; the other gets 0."""
        tall, wide = odd_window_of(share, self.windows.height, self.windows.width)
        places = [self.windows.at(tall, wide, standing, random) for _ in range(2)]
        raised, emptied = (covered(*each, tall, wide) for each in places)
        shape = bump_and_hollow(tall, wide).to(offsets)
        if tall == wide and torch.rand((), generator=random) > 0.5:
            shape = shape.T
        rows, columns = places[0]
        signs = self.windows.signs(self.windows.channels, 1, 1, random=random)[standing]
        shape = shape[rows.clamp(0, tall - 1), columns.clamp(0, wide - 1)] * signs
        direction = unit((shape + unit(offsets * raised, (2, 3))) * raised, (2, 3))
        spare = (radius**2 - offsets.square().sum((1, 2, 3), keepdim=True)).clamp(min=0) / self.windows.channels
        length = (spare + (offsets * (raised | emptied)).square().sum((2, 3), keepdim=True)).sqrt()
        return radius * unit(torch.where(raised, direction * length, offsets * ~emptied), (1, 2, 3))


def unit(offsets: Tensor, axes: tuple[int, ...]) -> Tensor:
    return offsets / torch.linalg.vector_norm(offsets, dim=axes, keepdim=True).clamp(min=1e-12)


@torch.no_grad()
def square(
    model: Model,
    inputs: Tensor,  # (n, channels, height, width) or (n, features), within the bounds
    labels: Tensor,  # (n,) int64, or amounts (n, 1)
    epsilon: float | Tensor,
    *,
    norm: Norm = "linf",
    queries: int = 1000,
    seed: int = 0,
    bounds: tuple[float, float] = UNIT_RANGE,
) -> Tensor:
    """Changes windows at random, as `Corners` or `Bumps` propose, and keeps changes that raise the margin, or the squared
    error of amounts.

    Returns inputs (n, *shape). Every example has its own windows, keyed by (seed, query); one that is fooled goes no
    further, and no amount is. UserError as in `base` and `Ball.around`.

    Source: Andriushchenko et al., Square Attack: a Query-efficient Black-box Adversarial Attack via Random Search,
    2020, algorithms 1 to 3, with the first share that Croce and Hein (2020) chose.
    """
    ball = Ball.around(inputs, epsilon, norm, bounds)
    shape = inputs.shape[1:]
    as_image = tuple(shape) if len(shape) == 3 else (1, 1, math.prod(shape))
    windows = Windows(len(inputs), *as_image, inputs.device)
    objective, fooled = (squared_error, torch.inf) if is_amounts(labels) else (margin, 0.0)
    proposals = Corners(windows) if norm == "linf" else Bumps(windows)

    def at(near: Ball, offsets: Tensor) -> Tensor:
        return near.project(near.center + offsets.expand(-1, *as_image).reshape(-1, *shape))

    adversarial = inputs.clone()
    with evaluation_mode(model):
        rows = attackable(model, inputs, labels).nonzero()[:, 0]
        near, aims = ball[rows], labels[rows]
        radius = near.radius.view(-1, 1, 1, 1)
        best = at(near, radius * proposals.first(generator(seed, "square", "first"))[rows])
        value = objective(model(best), aims)
        for query in range(1, queries):
            standing = value <= fooled
            if not standing.all():
                adversarial[rows] = best
                rows, best, value, near, aims = (values[standing] for values in (rows, best, value, near, aims))
                radius = near.radius.view(-1, 1, 1, 1)
            if not len(rows):
                return adversarial
            offsets = (best - near.center).view(-1, *as_image)
            random = generator(seed, "square", query)
            proposal = at(near, proposals.next(offsets, radius, rows, share_of_pixels(query, queries), random))
            proposed = objective(model(proposal), aims)
            better = proposed > value
            best = torch.where(better.view(near.radius.shape), proposal, best)
            value = torch.where(better, proposed, value)
        adversarial[rows] = best
    return adversarial
