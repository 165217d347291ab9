"""Constrained optimization with the generalized Lagrangian, and the conditions at its saddle point.

    L(x, lambda, alpha) = f(x) + sum lambda_i g_i(x) + sum alpha_j h_j(x),    g = 0, h <= 0, alpha >= 0

The example minimises the loss 1/2 (w - w*)^T H (w - w*) of two weights whose sum is `total`, whose norm is at most
`radius`, and of which the first is not negative. At the optimum the negative gradient of the loss, -grad f, equals
lambda grad g + alpha grad h. The multiplier of an inactive constraint is zero (complementary slackness). A multiplier is
the rate at which the loss falls when its constraint is relaxed. Along the line of the equality the loss is a parabola,
so the optimum is known: the bottom of the parabola or, if that is outside, the end of the feasible segment next to it.

With least squares as f and 1/2 (|w|^2 - radius^2) <= 0 as the only constraint, alpha is the strength of weight decay that
gives the same weights.

Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, sections 4.4 and 7.2.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Le
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from reglab.core.checks import Check, distance
from reglab.core.errors import UserError
from reglab.core.figures import COLORS, INK, canvas
from reglab.core.streams import generator
from reglab.experiments.theory.base import Finding, Topic
from reglab.experiments.theory.multipliers import PrimalDualPoint, Problem, Solution, minimise, residuals
from reglab.training import reference_problems

HESSIAN = torch.tensor([[1.0, 0.3], [0.3, 1.6]], dtype=torch.float64)
FREE = torch.tensor([3.2, 1.0], dtype=torch.float64)  # w*, where the loss is least without constraints
STRENGTH = 0.5  # of the weight decay that a norm constraint is compared with


def loss(first, second):
    """1/2 (w - w*)^T H (w - w*) of numbers, arrays or tensors."""
    (a, b), ((c, d), (_, e)) = FREE.tolist(), HESSIAN.tolist()
    return (c * (first - a) ** 2 + 2 * d * (first - a) * (second - b) + e * (second - b) ** 2) / 2


def problem(total: float, radius: float) -> Problem:
    """The example: one equality and two inequalities, of which w1 >= 0 is never active."""
    return Problem(
        loss,
        tuple(FREE.tolist()),
        {"w1 + w2 = total": lambda a, b: a + b - total},
        {"|w| <= radius": lambda a, b: a**2 + b**2 - radius**2, "w1 >= 0": lambda a, b: -a},
    )


def known(total: float, radius: float) -> PrimalDualPoint:
    """The optimum of the example and its multipliers, in closed form: w = (t, total - t)."""
    along = torch.tensor([1.0, -1.0], dtype=torch.float64)
    bottom = along @ HESSIAN @ (FREE - torch.tensor([0.0, total])) / (along @ HESSIAN @ along)
    end = total / 2 + sqrt(radius**2 / 2 - total**2 / 4)
    x = torch.stack([bottom.clamp(max=end), total - bottom.clamp(max=end)])
    pull = HESSIAN @ (FREE - x)  # = lambda (1, 1) + 2 alpha w
    alpha = ((pull[0] - pull[1]) / (2 * (x[0] - x[1]))).clamp(min=0) if bottom > end else x.new_zeros(())
    return PrimalDualPoint(x, (pull[1] - 2 * alpha * x[1]).reshape(1), torch.stack([alpha, x.new_zeros(())]))


def dual(total: float, radius: float, equality: Tensor, inequality: Tensor) -> Tensor:
    """q(lambda, alpha) = min over w of L, for multipliers (..., 1) and (..., 2): (...)."""
    curvature = HESSIAN + 2 * inequality[..., :1, None] * torch.eye(2, dtype=HESSIAN.dtype)
    normal = torch.tensor([1.0, 0.0], dtype=HESSIAN.dtype)
    x = torch.linalg.solve(curvature, HESSIAN @ FREE - equality + inequality[..., 1:] * normal)
    first, second = x.unbind(-1)
    g, h = x.sum(-1) - total, torch.stack([x.square().sum(-1) - radius**2, -first], -1)
    return loss(first, second) + equality[..., 0] * g + (inequality * h).sum(-1)


@dataclass(frozen=True)
class Lagrangian(Topic):
    """Two weights whose sum is `total` and whose norm is at most `radius`; `penalty` is the solver's first rho.

    Raises UserError when the circle does not reach the line.
    """

    lecture: ClassVar[str] = "constrained_optimization"

    total: Annotated[float, Ge(0), Le(3)] = 2.0
    radius: Annotated[float, Ge(0.1), Le(5)] = 1.6
    penalty: Annotated[float, Ge(0.01), Le(1000)] = 0.1

    def run(self) -> Finding:
        least = 1.01 * self.total / sqrt(2)
        if self.radius < least:
            raise UserError(
                f"params.yaml: theory.lagrangian.radius: found {self.radius:g}; allowed: at least {least:.4g}, a "
                f"hundredth more than the distance of the line w1 + w2 = {self.total:g} from the origin; raise it or "
                "lower total"
            )
        solution = minimise(problem(self.total, self.radius), penalty=self.penalty)
        point = solution.point
        numbers = {
            "first_weight": point.x[0],
            "second_weight": point.x[1],
            "loss": loss(*point.x),
            "multiplier_of_the_sum": point.equality[0],
            "multiplier_of_the_norm": point.inequality[0],
            "multiplier_of_the_sign": point.inequality[1],
            "iterations": len(solution.path) - 2,
        }
        checks = [*self.checks(solution), *weight_decay_checks()]
        return Finding({name: float(value) for name, value in numbers.items()}, checks, self.draw(solution))

    def checks(self, solution: Solution) -> list[Check]:
        point, exact = solution.point, known(self.total, self.radius)
        size = 1 + max(multiplier.abs().max().item() for multiplier in point[1:])
        shift = 1e-4 * min(1.0, self.radius**2 - self.total**2 / 2)

        def least_loss(total: float, squared_radius: float) -> float:
            return loss(*minimise(problem(total, sqrt(squared_radius)), penalty=self.penalty).point.x).item()

        price_of_sum = least_loss(self.total - shift, self.radius**2) - least_loss(self.total + shift, self.radius**2)
        price_of_norm = least_loss(self.total, self.radius**2 - shift) - least_loss(self.total, self.radius**2 + shift)
        prices = torch.tensor([price_of_sum, price_of_norm]) / (2 * shift)
        multipliers = torch.cat([point.equality, point.inequality])
        random = torch.randn(1000, 3, generator=generator("lagrangian", "multipliers"), dtype=torch.float64)
        bounds = dual(self.total, self.radius, 3 * random[:, :1], 3 * random[:, 1:].abs())
        value, best = loss(*point.x), dual(self.total, self.radius, *point[1:])
        above = (bounds - value).clamp(min=0).max().item()
        return [
            Check("the weights are those of the closed form", distance(point.x, exact.x), 1e-8),
            Check(
                "the multipliers are those of the closed form", distance(multipliers, torch.cat(exact[1:])) / size, 1e-8
            ),
            Check("the residuals of the four conditions", max(solution.residuals), 1e-6),
            Check("strong duality: max min L = min max L", abs(best - value).item() / size, 1e-8),
            Check("weak duality: min over w of L is not larger, 1,000 multipliers", above, 1e-12),
            Check(
                "what a unit of either constraint is worth = its multiplier",
                distance(prices, multipliers[:2]) / size,
                1e-5,
            ),
        ]

    def draw(self, solution: Solution) -> Figure:
        """Draw the plane with the path, the multipliers and the residuals of the conditions per iteration."""
        figure, (plane, multipliers, conditions) = canvas(
            7.6, 3.1, columns=3, gridspec_kw={"width_ratios": (1.6, 1, 1)}
        )
        self.draw_plane(plane, solution)
        exact, steps = known(self.total, self.radius), len(solution.path) - 1
        for color, label, values, best in (
            (COLORS[0], f"λ of w₁ + w₂ = {self.total:g}", [p.equality[0] for p in solution.path], exact.equality[0]),
            (COLORS[1], f"α of ‖w‖ ≤ {self.radius:g}", [p.inequality[0] for p in solution.path], exact.inequality[0]),
            (COLORS[4], "α of w₁ ≥ 0", [p.inequality[1] for p in solution.path], exact.inequality[1]),
        ):
            multipliers.axhline(float(best), color=color, linestyle=":", linewidth=1)
            multipliers.plot([float(value) for value in values[:steps]], "o-", color=color, markersize=3, label=label)
        multipliers.set(xlabel="iteration", ylabel="multiplier", ylim=(None, 1.5 * multipliers.get_ylim()[1]))
        multipliers.set_title("Ascent; dotted: closed form", fontsize=9)
        multipliers.legend(fontsize=7, loc="upper left")
        gaps = [residuals(problem(self.total, self.radius), point) for point in solution.path]
        for color, label, values in (
            (COLORS[0], "stationarity", [gap.stationarity for gap in gaps]),
            (COLORS[1], "feasibility", [gap.feasibility for gap in gaps]),
            (COLORS[4], "slackness", [gap.complementary_slackness for gap in gaps]),
        ):
            conditions.semilogy(np.maximum(values, 1e-16), "o-", color=color, markersize=3, linewidth=1, label=label)
        conditions.axhline(1e-6, color=INK, linestyle=":", linewidth=1)
        conditions.set(xlabel="iteration; last: Newton", ylabel="residual", ylim=(1e-17, 1e7))
        conditions.set_title("Conditions; dotted: 10⁻⁶", fontsize=9)
        conditions.legend(fontsize=7, loc="upper right")
        return figure

    def draw_plane(self, panel: Axes, solution: Solution) -> None:
        """Draw contours of the loss, the feasible set, the path, and the gradients at its end."""
        x = solution.point.x
        low, high = -0.4, max(self.radius, *FREE.tolist(), self.total) + 0.4
        span = np.linspace(low, high, 160)
        height = loss(*np.meshgrid(span, span))
        levels = height.max() * np.linspace(0.06, 1, 10) ** 2
        panel.contour(span, span, height, levels=levels, colors=INK, alpha=0.25, linewidths=0.7)
        turn = np.linspace(-np.pi / 2, np.pi / 2, 100)
        panel.fill(self.radius * np.cos(turn), self.radius * np.sin(turn), color=COLORS[2], alpha=0.15, linewidth=0)
        half = sqrt(self.radius**2 / 2 - self.total**2 / 4)
        ends = np.array([max(0.0, self.total / 2 - half), self.total / 2 + half])
        panel.plot(span, self.total - span, color=COLORS[2], linewidth=0.8)
        panel.plot(ends, self.total - ends, color=COLORS[2], linewidth=3, label="all constraints met")
        path = torch.stack([point.x for point in solution.path]).numpy()
        panel.plot(*path.T, "o-", color=COLORS[3], markersize=3, linewidth=1, label="iterates, from w*")
        panel.annotate("w*", FREE.tolist(), (4, 4), textcoords="offset points", color=INK)

        pull, of_sum = HESSIAN @ (FREE - x), solution.point.equality * torch.ones(2)
        of_norm = 2 * solution.point.inequality[0] * x
        scale = 1.6 / max(float(arrow.norm()) for arrow in (pull, of_sum, of_norm))
        for color, arrow, label, aside in (
            (COLORS[0], of_sum, "λ∇g", (-16, 2)),
            (COLORS[1], of_norm, "α∇h", (0, -10)),
            (INK, pull, "−∇f", (3, 3)),
        ):
            if scale * arrow.norm() > 0.05:
                tip = (x + scale * arrow).tolist()
                panel.annotate("", tip, x.tolist(), arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": 1.4})
                panel.annotate(label, tip, aside, textcoords="offset points", fontsize=8, color=color)
                if arrow is not pull:
                    panel.plot(*zip(tip, (x + scale * pull).tolist(), strict=True), ":", color=INK, linewidth=0.8)
        panel.set(xlabel="w₁", ylabel="w₂", aspect="equal", xlim=(low, high), ylim=(low, high))
        panel.set_title("−∇f = λ∇g + α∇h", fontsize=9)
        panel.grid(False)
        panel.legend(fontsize=7, loc="upper right")


def weight_decay_checks() -> list[Check]:
    """min 1/(2n) |X w - y|^2 where |w| is at most that of ridge regression."""
    inputs, targets, _ = reference_problems.regression()
    decayed = reference_problems.ridge(inputs, targets, STRENGTH)
    inputs, targets = inputs - inputs.mean(0), (targets - targets.mean(0)).flatten()
    least_squares = Problem(
        lambda *w: (inputs @ torch.stack(w) - targets).square().mean() / 2,
        (0.0,) * len(decayed),
        inequalities={"|w| <= radius": lambda *w: (torch.stack(w).square().sum() - decayed.square().sum()) / 2},
    )
    point = minimise(least_squares).point
    return [
        Check("norm constraint: alpha is the strength of weight decay", abs(point.inequality.item() - STRENGTH), 1e-8),
        Check("norm constraint: the weights are those of weight decay", distance(point.x, decayed), 1e-8),
    ]
