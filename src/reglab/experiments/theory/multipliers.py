"""A constrained problem solved by unconstrained ones: the method of multipliers for the generalized Lagrangian.

    minimise f(x) subject to g_i(x) = 0 and h_j(x) <= 0,    L(x, lambda, alpha) = f + sum lambda_i g_i + sum alpha_j h_j

At an optimum (x, lambda, alpha) the conditions of Karush, Kuhn and Tucker hold, under a constraint qualification:

    stationarity               grad f + sum lambda_i grad g_i + sum alpha_j grad h_j = 0
    feasibility                g_i = 0, h_j <= 0
    complementary slackness    alpha_j h_j = 0
    dual feasibility           alpha_j >= 0

Each iteration minimises, without constraints, the augmented Lagrangian of penalty rho

    f + sum (lambda_i g_i + rho/2 g_i^2) + 1/(2 rho) sum (max(0, alpha_j + rho h_j)^2 - alpha_j^2)

and ascends in the multipliers: lambda += rho g, alpha = max(0, alpha + rho h). Steps of Newton on the conditions, with
the constraints that bind as equations, end it at rounding.

Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 4.4; Rockafellar, Augmented Lagrange Multiplier
Functions and Duality in Nonconvex Programming, 1974; Nocedal and Wright, Numerical Optimization, 2006, algorithm 17.4.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor
from torch.autograd.functional import hessian, jacobian

from reglab.core.errors import UserError

LARGEST_PENALTY = 1e9
FAR = 1e6  # an inner minimisation that moves x so much further is falling without bound

Function = Callable[..., Tensor]


@dataclass(frozen=True)
class Problem:
    """Functions of the coordinates x1, x2, ... as scalar float64 tensors; constraints bear names for messages."""

    objective: Function
    start: tuple[float, ...]
    equalities: dict[str, Function] = field(default_factory=dict)
    inequalities: dict[str, Function] = field(default_factory=dict)

    def values(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """f (), g (equalities,) and h (inequalities,) at x (n,)."""
        coordinates = x.unbind()

        def stacked(constraints: dict[str, Function]) -> Tensor:
            return torch.stack([c(*coordinates) for c in constraints.values()]) if constraints else x.new_zeros(0)

        return self.objective(*coordinates), stacked(self.equalities), stacked(self.inequalities)


class PrimalDualPoint(NamedTuple):
    """x (n,) and the multipliers lambda (equalities,) and alpha (inequalities,)."""

    x: Tensor
    equality: Tensor
    inequality: Tensor


class Residuals(NamedTuple):
    """How far the four conditions are from holding, each as its largest entry."""

    stationarity: float
    feasibility: float
    complementary_slackness: float
    dual_feasibility: float


@dataclass(frozen=True)
class Solution:
    """Where the solver ended, the residuals there, and where it was after each iteration, the start first."""

    point: PrimalDualPoint
    residuals: Residuals
    path: tuple[PrimalDualPoint, ...] = field(repr=False)


def lagrangian(problem: Problem, point: PrimalDualPoint) -> Tensor:
    """f + lambda . g + alpha . h."""
    value, equal, unequal = problem.values(point.x)
    return value + point.equality @ equal + point.inequality @ unequal


def slope_at(problem: Problem, point: PrimalDualPoint) -> Tensor:
    """The gradient of L in x."""
    x = point.x.clone().requires_grad_()
    return torch.autograd.grad(lagrangian(problem, point._replace(x=x)), x)[0]


def residuals(problem: Problem, point: PrimalDualPoint) -> Residuals:
    """Of the conditions at the point."""
    _, equal, unequal = problem.values(point.x)
    slope = slope_at(problem, point)

    def largest(entries: Tensor) -> float:
        return max(entries.tolist(), default=0.0)

    return Residuals(
        largest(slope.abs()),
        max(largest(equal.abs()), largest(unequal.clamp(min=0))),
        largest((point.inequality * unequal).abs()),
        largest((-point.inequality).clamp(min=0)),
    )


def minimise(problem: Problem, *, penalty: float = 10.0, tolerance: float = 1e-6, iterations: int = 60) -> Solution:
    """A local optimum, its multipliers and residuals.

    `penalty` is the first rho; it grows tenfold where the constraints do not come four times nearer in an iteration.
    Where no multipliers exist, as for x^2 <= 0, a residual above `tolerance` says so. UserError with a line for each
    constraint that cannot be met, by how much, and where the objective falls without bound.
    """
    x = torch.tensor(problem.start, dtype=torch.float64)
    value, equal, unequal = problem.values(x)
    if not all(bool(part.isfinite().all()) for part in (value, equal, unequal)):
        raise UserError(f"the start {shown(x)}: the objective or a constraint is no finite number; start elsewhere")
    path, missed = [PrimalDualPoint(x, torch.zeros_like(equal), torch.zeros_like(unequal))], float("inf")
    for _ in range(iterations):
        last = path[-1]
        x = inner_minimum(problem, last, penalty)
        if x is None:
            penalty *= 10
            if penalty > LARGEST_PENALTY:
                raise UserError(f"the objective falls without bound from {shown(last.x)}; bound it by a constraint")
            continue
        _, equal, unequal = problem.values(x)
        slack = unequal.maximum(-last.inequality / penalty)
        path.append(PrimalDualPoint(x, last.equality + penalty * equal, last.inequality + penalty * slack))
        if max(residuals(problem, path[-1])) < tolerance:
            break
        before, missed = missed, max([*equal.abs().tolist(), *slack.abs().tolist()], default=0.0)
        if missed > before / 4:
            penalty *= 10
        if penalty > LARGEST_PENALTY:
            break
    if residuals(problem, path[-1]).feasibility > tolerance:
        refuse(problem, path[-1].x, tolerance)
    point = newton(problem, path[-1])
    return Solution(point, residuals(problem, point), (*path, point))


def inner_minimum(problem: Problem, last: PrimalDualPoint, penalty: float) -> Tensor | None:
    """The x that minimises the augmented Lagrangian, from the last; None where it falls without bound."""

    def augmented(x: Tensor) -> Tensor:
        value, equal, unequal = problem.values(x)
        pushed = (last.inequality + penalty * unequal).clamp(min=0)
        return (
            value
            + (last.equality * equal + penalty / 2 * equal.square()).sum()
            + (pushed.square() - last.inequality.square()).sum() / (2 * penalty)
        )

    limit = FAR * (1 + last.x.abs().max().item())
    x = descend(augmented, last.x, limit)
    return x if x.abs().max() < limit else None


def descend(function: Callable[[Tensor], Tensor], start: Tensor, limit: float = np.inf) -> Tensor:
    """The nearest minimum without constraints, or a point beyond the limit, by SciPy's BFGS with exact gradients."""

    def with_gradient(x: np.ndarray) -> tuple[float, np.ndarray]:
        point = torch.from_numpy(x).requires_grad_()
        value = function(point)
        if not value.isfinite():  # outside of the domain, as of log x
            return np.inf, np.zeros_like(x)
        return value.item(), torch.autograd.grad(value, point)[0].numpy()

    def watch(x: np.ndarray) -> None:
        if not np.abs(x).max() < limit:
            raise StopIteration

    with np.errstate(all="ignore"):
        result = minimize(with_gradient, start.numpy(), jac=True, callback=watch, options={"gtol": 1e-9})
    return torch.from_numpy(result.x)


def newton(problem: Problem, point: PrimalDualPoint) -> PrimalDualPoint:
    """Newton's method on grad L = 0, g = 0 and h_j = 0 for the j with alpha_j + h_j > 0, for as long as it helps."""
    _, _, unequal = problem.values(point.x)
    fixed = len(point.equality)
    binding = torch.cat([torch.ones_like(point.equality), point.inequality + unequal]) > 0

    def everything(x: Tensor) -> Tensor:
        value, equal, unequal = problem.values(x)
        return torch.cat([value[None], equal, unequal])

    gap = max(residuals(problem, point))
    for _ in range(20):
        multipliers = torch.cat([point.equality, point.inequality]) * binding
        now = PrimalDualPoint(point.x, *split(multipliers, fixed))
        curvature = hessian(lambda x, now=now: lagrangian(problem, now._replace(x=x)), now.x)
        normals = jacobian(everything, now.x)[1:][binding]
        zeros = normals.new_zeros(len(normals), len(normals))
        matrix = torch.cat([torch.cat([curvature, normals.T], 1), torch.cat([normals, zeros], 1)])
        left = torch.cat([slope_at(problem, now), everything(now.x)[1:][binding]])
        step = torch.linalg.lstsq(matrix, -left, driver="gelsd").solution
        multipliers[binding] += step[len(now.x) :]
        moved = PrimalDualPoint(now.x + step[: len(now.x)], *split(multipliers, fixed))
        if not max(residuals(problem, moved)) < gap:
            break
        point, gap = moved, max(residuals(problem, moved))
    return point


def split(multipliers: Tensor, equalities: int) -> tuple[Tensor, Tensor]:
    return multipliers[:equalities], multipliers[equalities:]


def refuse(problem: Problem, x: Tensor, tolerance: float) -> None:
    """UserError about the constraints missed at the point near x where the sum of squared violations is least."""

    def violations(x: Tensor) -> Tensor:
        _, equal, unequal = problem.values(x)
        return torch.cat([equal.abs(), unequal.clamp(min=0)])

    nearest = descend(lambda x: violations(x).square().sum(), x)
    missed = dict(zip((*problem.equalities, *problem.inequalities), violations(nearest).tolist(), strict=True))
    broken = {name: gap for name, gap in missed.items() if gap > tolerance}
    if not broken:
        raise UserError(
            f"no optimum was found from this start, yet {shown(nearest)} meets all constraints; start there"
        )
    together = "" if len(missed) == 1 else " together with the others"
    raise UserError(
        *(
            f"the constraint {name} cannot be met{together}: missed by at least {gap:.4g} around {shown(nearest)}; "
            "loosen it by that, leave it out or start elsewhere"
            for name, gap in broken.items()
        )
    )


def shown(x: Tensor) -> str:
    return f"x = ({', '.join(f'{coordinate:.4g}' for coordinate in x.tolist())})"
