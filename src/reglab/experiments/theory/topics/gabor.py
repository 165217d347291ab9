"""The effect of a penalty on a loss surface with many local minima, after Prince's figure 9.1.

The Gabor model has two parameters, an offset and a frequency, phi = (phi0, phi1):

    f(x, phi) = sin(u) exp(-u^2 / 32), u = phi0 + 0.06 phi1 x      L(phi) = sum_i (f(x_i, phi) - y_i)^2

The penalty strength |phi - centre|^2 favours the centre of the plot, (0, 12.5). Two things then hold exactly. Where the
strength exceeds half the most negative curvature of L, the sum is convex and one minimum is left. And as the strength
grows, the global minimum never moves away from the centre, nor to a smaller L: of two strengths s < t with minima
a, b, the sums L(a) + s R(a) <= L(b) + s R(b) and L(b) + t R(b) <= L(a) + t R(a) give R(b) <= R(a) and L(a) <= L(b).

All stationary points are searched by Newton's method from a grid. A check detects a missed point: the number of minima
and maxima minus that of saddles equals the number of turns of the gradient along the border of the plot (Poincaré and
Hopf). It does not detect a minimum and a saddle that are both missed.

Sources: Prince, Understanding Deep Learning, 2023, section 6.1.2, figures 6.4, 6.5 and 9.1 (the model, the plot's
limits and the penalty; the 28 examples here are drawn anew); Milnor, Topology from the Differentiable Viewpoint, 1965.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from annotated_types import Ge, Le
from matplotlib.axes import Axes

from reglab.core import streams
from reglab.core.checks import Check
from reglab.core.figures import COLORS, INK, canvas
from reglab.experiments.theory.base import Finding, Topic

LOW, HIGH = np.array([-10.0, 2.5]), np.array([10.0, 22.5])
CENTRE = (LOW + HIGH) / 2
TRUTH = np.array([0.0, 16.6])  # draws the examples
EXAMPLES, LINES = 28, 101  # lines of the grid along each axis
STRENGTHS = np.geomspace(0.01, 10, 25)


@dataclass(frozen=True)
class Surface:
    """L(phi) + strength |phi - CENTRE|^2 for inputs and targets (n,)."""

    inputs: np.ndarray
    targets: np.ndarray
    strength: float = 0.0

    def loss(self, points: np.ndarray) -> np.ndarray:
        """L (...,) at points (..., 2), without the penalty."""
        return np.square(gabor(self.inputs, points) - self.targets).sum(-1)

    def value(self, points: np.ndarray) -> np.ndarray:
        """The sum (...,) of loss and penalty."""
        return self.loss(points) + self.strength * penalty(points)

    def slopes(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The gradient (..., 2) and the Hessian (..., 2, 2) of the sum."""
        u = points[..., :1] + 0.06 * points[..., 1:] * self.inputs
        sine, cosine, bell = np.sin(u), np.cos(u), np.exp(-np.square(u) / 32)
        first = (cosine - u / 16 * sine) * bell
        second = (np.square(u / 16) * sine - 17 / 16 * sine - u / 8 * cosine) * bell
        residual = sine * bell - self.targets
        direction = np.stack([np.ones_like(self.inputs), 0.06 * self.inputs], -1)
        products = (direction[:, :, None] * direction[:, None, :]).reshape(-1, 4)
        gradient = 2 * (residual * first) @ direction + 2 * self.strength * (points - CENTRE)
        hessian = (2 * (np.square(first) + residual * second) @ products).reshape(*points.shape, 2)
        return gradient, hessian + 2 * self.strength * np.eye(2)


def gabor(inputs: np.ndarray, points: np.ndarray) -> np.ndarray:
    """f (..., n) of inputs (n,) at parameters (..., 2)."""
    u = points[..., :1] + 0.06 * points[..., 1:] * inputs
    return np.sin(u) * np.exp(-np.square(u) / 32)


def penalty(points: np.ndarray) -> np.ndarray:
    """|phi - CENTRE|^2 (...,)."""
    return np.square(points - CENTRE).sum(-1)


def examples(noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Inputs, uniform in [-15, 15], and targets f(x, TRUTH) + noise N(0, 1); the same draws at every noise."""
    random = np.random.default_rng(streams.seed_of("gabor"))
    inputs, error = random.uniform(-15, 15, EXAMPLES), random.standard_normal(EXAMPLES)
    return inputs, gabor(inputs, TRUTH) + noise * error


def plot_grid(lines: int = LINES) -> np.ndarray:
    """Points (lines, lines, 2) all over the plot; rows are frequencies."""
    return np.stack(np.meshgrid(*(np.linspace(*ends, lines) for ends in zip(LOW, HIGH, strict=True))), -1)


class Stationary(NamedTuple):
    """The points (k, 2) of gradient zero within the plot, by rising value (k,), with their curvatures (k, 2), rising."""

    points: np.ndarray
    values: np.ndarray
    curvatures: np.ndarray

    @property
    def minima(self) -> np.ndarray:
        """Points (m, 2), the global minimum first."""
        return self.points[self.curvatures[:, 0] > 0]

    @property
    def index(self) -> int:
        """Minima and maxima less saddles."""
        return int(np.sign(self.curvatures.prod(1)).sum())


def stationary(surface: Surface) -> Stationary:
    """Newton's method from each point of the grid whose first step is shorter than two cells."""
    points = plot_grid().reshape(-1, 2)
    points = points[np.abs(newton(surface, points)).max(1) < 2 * (HIGH - LOW)[0] / (LINES - 1)]
    for _ in range(20):
        points = points + np.clip(newton(surface, points), -0.3, 0.3)
    flat = np.abs(surface.slopes(points)[0]).max(1) < 1e-9
    inside = ((points > LOW) & (points < HIGH)).all(1)
    points = points[flat & inside]
    points = points[np.unique(points.round(5), axis=0, return_index=True)[1]]
    points = points[np.argsort(surface.value(points))]
    return Stationary(points, surface.value(points), np.linalg.eigvalsh(surface.slopes(points)[1]))


def newton(surface: Surface, points: np.ndarray) -> np.ndarray:
    """The steps -H^-1 g (k, 2)."""
    gradient, hessian = surface.slopes(points)
    return -np.linalg.solve(hessian, gradient[..., None])[..., 0]


def turns(surface: Surface, steps: int = 4000) -> float:
    """The number of full turns of the gradient along the border of the plot, counter-clockwise."""
    corners = np.array([LOW, [HIGH[0], LOW[1]], HIGH, [LOW[0], HIGH[1]], LOW])
    way = np.linspace(0, 1, steps)[:, None]
    border = np.concatenate([start + (end - start) * way for start, end in pairwise(corners)])
    angle = np.unwrap(np.arctan2(*surface.slopes(border)[0].T[::-1]))
    return float((angle[-1] - angle[0]) / (2 * np.pi))


@dataclass(frozen=True)
class Gabor(Topic):
    """The surface before and after a penalty of `strength`, for examples with Gaussian `noise`.

    From strength 0.15 on there are fewer minima than without a penalty; weaker penalties tilt flat parts, which adds minima.
    """

    lecture: ClassVar[str] = "norm_penalties"

    strength: Annotated[float, Ge(0.15), Le(100)] = 0.3
    noise: Annotated[float, Ge(0), Le(0.3)] = 0.1

    def run(self) -> Finding:
        before = Surface(*examples(self.noise))
        after = replace(before, strength=self.strength)
        path = [replace(before, strength=strength) for strength in STRENGTHS]
        start, end, *between = map(stationary, (before, after, *path))
        source, target = start.minima[0], end.minima[0]
        best = np.stack([each.minima[0] for each in (start, *between)])
        grid = plot_grid()
        convex = -np.linalg.eigvalsh(before.slopes(grid)[1]).min() / 2
        left = len(stationary(replace(before, strength=1.01 * convex)).minima)

        pairs = zip((before, after, *path), (start, end, *between), strict=True)
        gap = max(abs(each.index - turns(surface)) for surface, each in pairs)
        below = max(before.value(source) - before.value(grid).min(), after.value(target) - after.value(grid).min())
        backwards = max(0.0, *np.diff(penalty(best)), *-np.diff(before.loss(best)))
        moved = float(np.linalg.norm(target - source))
        checks = [
            Check("minima + maxima - saddles = turns of the gradient along the border", gap, 1e-9),
            Check("height of the global minimum above the lowest point of the grid", float(below), 1e-12),
            Check("local minima: after less before", len(end.minima) - len(start.minima), -1),
            Check("the global minimum moves (gap: 0.1 less the distance)", 0.1 - moved, 0.0),
            Check("with the strength it comes nearer to the centre and its loss rises", float(backwards), 1e-9),
            Check("minima beyond the first where the sum is convex", left - 1, 0),
        ]
        numbers = {
            "local_minima_before": len(start.minima),
            "local_minima_after": len(end.minima),
            "most_local_minima_on_path": max(len(each.minima) for each in between),
            "convex_from_strength": convex,
            "distance_moved": moved,
        }
        for when, point in (("before", source), ("after", target)):
            numbers |= {f"offset_{when}": point[0], f"frequency_{when}": point[1], f"loss_{when}": before.loss(point)}

        figure, ((first, second, third), (fits, counts, moves)) = canvas(7.6, 5.2, rows=2, columns=3)
        draw_surface(first, before, f"Loss: {len(start.minima)} minima", start.minima)
        draw_surface(second, Surface(np.empty(0), np.empty(0), self.strength), f"Penalty, strength {self.strength:g}")
        draw_surface(third, after, f"Sum: {len(end.minima)} minima", end.minima)
        arrow = {"arrowstyle": "->", "color": "white", "shrinkA": 0, "shrinkB": 3}
        third.annotate("", target, source, arrowprops=arrow)
        draw_fits(fits, before, source, target)
        counts.step(STRENGTHS, [len(each.minima) for each in between], where="mid", color=COLORS[0], label="minima")
        counts.axhline(len(start.minima), color=INK, linestyle=":", linewidth=1, label="without penalty")
        counts.set_title("More of them first, then fewer", fontsize=9)
        counts.yaxis.get_major_locator().set_params(integer=True)
        moves.plot(STRENGTHS, np.sqrt(penalty(best[1:])), color=COLORS[0], label="|φ − centre|")
        moves.plot(STRENGTHS, before.loss(best[1:]), color=COLORS[1], label="loss L(φ)")
        moves.set_title("At the global minimum", fontsize=9)
        for panel, corner in ((counts, "lower left"), (moves, "upper right")):
            panel.axvline(self.strength, color=INK, linestyle="--", linewidth=1)
            panel.set(xscale="log", xlabel="strength", ylim=(0, None))
            panel.legend(fontsize=7, loc=corner, handlelength=1.2)
        counts.set_ylabel("local minima")
        return Finding({name: float(value) for name, value in numbers.items()}, checks, figure)


def draw_surface(panel: Axes, surface: Surface, title: str, minima: np.ndarray = ()) -> None:
    """Draw the surface, dark where it is low, and its minima, of which the first is the global one."""
    grid = plot_grid(61)
    panel.contourf(grid[..., 0], grid[..., 1], surface.value(grid), 10, cmap="copper")
    if len(minima):
        panel.plot(*minima[1:].T, "o", color=COLORS[5], markersize=5, markeredgecolor="white", markeredgewidth=0.6)
        panel.plot(*minima[0], "o", color=COLORS[2], markersize=7, markeredgecolor="white", markeredgewidth=0.8)
    panel.set(xlabel="offset φ₀", ylabel="frequency φ₁", aspect="equal")
    panel.set_title(title, fontsize=9)
    panel.grid(False)


def draw_fits(panel: Axes, surface: Surface, before: np.ndarray, after: np.ndarray) -> None:
    """The examples and the model at both global minima."""
    inputs = np.linspace(-15, 15, 300)
    panel.plot(surface.inputs, surface.targets, "o", color=INK, markersize=2.5)
    panel.plot(inputs, gabor(inputs, before), color=COLORS[1], label="least loss")
    panel.plot(inputs, gabor(inputs, after), color=COLORS[2], label="least sum")
    panel.set(xlabel="x", ylabel="y")
    panel.set_title("The model at either minimum", fontsize=9)
    panel.legend(fontsize=7)
