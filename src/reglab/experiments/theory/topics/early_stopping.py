"""Early stopping compared with ridge: the share of the least-squares solution that t steps of gradient descent reach.

The loss is J(w) = 1/(2n) |Xw - y|^2 = J(w*) + 1/2 (w - w*)^T H (w - w*) with H = X^T X / n = Q Lambda Q^T. Gradient
descent starts at w = 0; ridge adds alpha/2 |w|^2. In the direction of eigenvalue lambda both return a share of w*:

    gradient descent, t steps of rate eps    1 - (1 - eps lambda)^t
    ridge                                    lambda / (lambda + alpha)

With a separate strength in each direction the two are equal. When eps lambda t is small, these strengths are all close
to alpha = 1/(eps t), the lecture's rule. For larger x = eps lambda t and small rates the shares are
1 - e^(-x) and x/(1 + x), which differ by at most 0.204, at x = 2.51. Above eps lambda = 1 gradient descent overshoots at
odd steps, with a share above one, which ridge never has; from eps lambda = 2 on it does not converge.

Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, eqs. 7.33 to 7.45; Ali, Kolter and Tibshirani, A
Continuous-Time View of Early Stopping for Least Squares, 2019, lemma 3 (a separate strength in each direction).
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le
from matplotlib.figure import Figure

from reglab.core.checks import Check
from reglab.core.errors import UserError
from reglab.core.figures import COLORS, INK, canvas
from reglab.experiments.theory.base import Finding, Topic

PAIR = ("s1", "s2")  # total and low-density cholesterol: correlated at 0.90, so that the path bends


def diabetes(names: tuple[str, ...] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """H (d, d) and w* (d,) of least squares on 442 patients; inputs have mean 0 and std 1, targets mean 0.

    Source: Efron, Hastie, Johnstone and Tibshirani, Least Angle Regression, 2004; shipped with scikit-learn.
    """
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    columns = [data.feature_names.index(name) for name in names or data.feature_names]
    inputs = data.data[:, columns] * len(data.data) ** 0.5
    hessian = inputs.T @ inputs / len(inputs)
    return hessian, np.linalg.solve(hessian, inputs.T @ (data.target - data.target.mean()) / len(inputs))


def iterated(hessian: np.ndarray, optimum: np.ndarray, rate: float, steps: int) -> np.ndarray:
    """The iterates w_0 = 0 ... w_t (steps + 1, d) of w <- w - rate H (w - w*), one after the other."""
    path = np.zeros((steps + 1, len(optimum)))
    for step in range(steps):
        path[step + 1] = path[step] - rate * hessian @ (path[step] - optimum)
    return path


def descent_share(eigenvalues: np.ndarray, rate: float, steps: np.ndarray | int) -> np.ndarray:
    """1 - (1 - rate lambda)^t."""
    return 1 - (1 - rate * eigenvalues) ** steps


def ridge_share(eigenvalues: np.ndarray, strength: np.ndarray | float) -> np.ndarray:
    """lambda / (lambda + strength)."""
    return eigenvalues / (eigenvalues + strength)


def equal_strength(eigenvalues: np.ndarray, rate: float, steps: np.ndarray | int) -> np.ndarray:
    """alpha = lambda (1 - rate lambda)^t / (1 - (1 - rate lambda)^t), at which the two shares are equal."""
    left = (1 - rate * eigenvalues) ** steps
    return eigenvalues * left / (1 - left)


def nearest_strength(eigenvalues: np.ndarray, weights: np.ndarray, rate: float, steps: int) -> float:
    """The one alpha whose ridge solution is nearest to the t-step iterate; `weights` (d,) is Q^T w*."""
    from scipy.optimize import minimize_scalar

    def distance(logarithm: float) -> float:
        gap = descent_share(eigenvalues, rate, steps) - ridge_share(eigenvalues, np.exp(logarithm))
        return float(np.linalg.norm(gap * weights))

    grid = np.linspace(-14, 3, 200) - np.log(rate * steps)
    start = int(np.argmin([distance(point) for point in grid]))
    bounds = grid[max(start - 1, 0)], grid[min(start + 1, len(grid) - 1)]
    return float(np.exp(minimize_scalar(distance, bounds=bounds, method="bounded", options={"xatol": 1e-10}).x))


@dataclass(frozen=True)
class EarlyStopping(Topic):
    """Gradient descent of `steps` steps beside ridge, on the real Hessian of the diabetes data.

    UserError when the rate is 2 / lambda_max or more, for then gradient descent does not converge.
    """

    lecture: ClassVar[str] = "early_stopping"

    learning_rate: Annotated[float, Ge(1e-6), Le(0.49)] = 0.1
    steps: Annotated[int, Ge(1), Le(10_000)] = 100

    def run(self) -> Finding:
        rate, steps = self.learning_rate, self.steps
        hessian, optimum = diabetes()
        eigenvalues, vectors = np.linalg.eigh(hessian)
        if rate >= 2 / eigenvalues[-1]:
            raise UserError(
                f"params.yaml: theory.early_stopping.learning_rate: found {rate:g}; allowed: below 2 / lambda_max = "
                f"{2 / eigenvalues[-1]:.4g}, from where on gradient descent does not converge; lower it"
            )
        weights, length = vectors.T @ optimum, float(np.linalg.norm(optimum))
        every = np.arange(steps + 1)[:, None]
        path = iterated(hessian, optimum, rate, steps)
        closed = descent_share(eigenvalues, rate, every) * weights @ vectors.T

        penalty_matrix = (vectors * equal_strength(eigenvalues, rate, steps)) @ vectors.T
        equal = np.linalg.solve(hessian + penalty_matrix, hessian @ optimum)

        def apart(step: int, strength: float) -> float:
            gap = descent_share(eigenvalues, rate, step) - ridge_share(eigenvalues, strength)
            return float(np.linalg.norm(gap * weights)) / length

        visited = np.unique(np.geomspace(1, steps, 30).round().astype(int))
        nearest = {int(step): nearest_strength(eigenvalues, weights, rate, step) for step in visited}
        by_rule = {step: apart(step, 1 / (rate * step)) for step in nearest}
        at_best = {step: apart(step, strength) for step, strength in nearest.items()}

        small = 1e-4 / (eigenvalues[-1] * steps)
        limit = np.abs(equal_strength(eigenvalues, small, steps) * small * steps - 1).max()
        reach = np.linalg.norm(path, axis=1) - rate * np.arange(steps + 1) * np.linalg.norm(hessian @ optimum)
        checks = [
            Check(
                "Q [I - (I - eps Lambda)^t] Q^T w* = the iterates, all steps",
                np.abs(path - closed).max() / length,
                1e-10,
            ),
            Check(
                "ridge with a strength in each direction = the last iterate",
                np.abs(equal - path[-1]).max() / length,
                1e-10,
            ),
            Check("alpha eps t -> 1 in every direction, at eps lambda t = 0.0001", limit, 2e-4),
            Check("t steps stay within eps t |gradient at the start|", max(reach) / length, 1e-10),
        ]
        numbers = {
            "largest_rate_that_converges": 2 / eigenvalues[-1],
            "condition_number": eigenvalues[-1] / eigenvalues[0],
            "rule_strength": 1 / (rate * steps),
            "nearest_strength": nearest[steps],
            "distance_at_rule_strength": by_rule[steps],
            "distance_at_nearest_strength": at_best[steps],
            "largest_distance_of_rule_on_path": max(by_rule.values()),
            "largest_distance_of_nearest_on_path": max(at_best.values()),
        }
        return Finding(
            {name: float(value) for name, value in numbers.items()}, checks, self.draw(eigenvalues, nearest[steps])
        )

    def draw(self, eigenvalues: np.ndarray, nearest: float) -> Figure:
        """Both paths in two weights, and the shares against the eigenvalue with those of the data marked."""
        figure, (plane, shares) = canvas(7.2, 3.4, columns=2)
        hessian, optimum = diabetes(PAIR)
        path = iterated(hessian, optimum, self.learning_rate, self.steps)
        values, vectors = np.linalg.eigh(hessian)

        def ridge(strengths: np.ndarray) -> np.ndarray:
            return ridge_share(values, strengths[:, None]) * (vectors.T @ optimum) @ vectors.T

        line = ridge(np.geomspace(1e-4, 1e3, 400) / (self.learning_rate * self.steps))
        marked = np.unique(np.geomspace(1, self.steps, 7).round().astype(int))
        partner = ridge(1 / (self.learning_rate * marked))
        low, high = np.vstack([path, line]).min(0) - 3, np.vstack([path, line]).max(0) + 3
        first, second = np.meshgrid(*(np.linspace(a, b, 120) for a, b in zip(low, high, strict=True)))
        away = np.stack([first, second], -1) - optimum
        height = np.einsum("...i,ij,...j", away, hessian, away) / 2
        levels = height.max() * np.linspace(0.05, 1, 9) ** 2
        plane.contour(first, second, height, levels=levels, colors=INK, alpha=0.25, linewidths=0.7)
        drawn = np.unique(np.geomspace(1, self.steps + 1, 100).round().astype(int)) - 1
        plane.plot(
            *path[drawn].T, "o-", color=COLORS[0], markersize=2, linewidth=0.8, label="gradient descent, t steps"
        )
        plane.plot(*line.T, color=COLORS[1], label="ridge, every α")
        for step, one, other in zip(marked, path[marked], partner, strict=True):
            plane.plot(*zip(one, other, strict=True), color=INK, linewidth=0.8, zorder=4)
            plane.plot(*other, "o", color=COLORS[1], markersize=4, zorder=5)
            plane.plot(*one, "o", color=COLORS[0], markersize=4, zorder=5)
            right, up = (one - path[step - 1]) / (high - low)
            aside = np.array([-up, right]) * 10 / np.hypot(right, up)
            plane.annotate(
                f"{step}", one, aside, textcoords="offset points", fontsize=7, ha="center", va="center", color=INK
            )
        plane.plot(*optimum, "*", color=COLORS[2], markersize=10, zorder=6)
        plane.annotate("w*", optimum, (0, 7), textcoords="offset points", ha="center", color=INK)
        plane.grid(False)
        plane.set(xlabel="weight of total cholesterol (points per std)", ylabel="weight of LDL cholesterol (same)")
        plane.set_title("Joined: t steps and ridge at α = 1/(εt)", fontsize=9)
        plane.legend(fontsize=7, loc="upper right")

        curve = np.geomspace(eigenvalues[0] / 4, eigenvalues[-1], 300)
        rule = 1 / (self.learning_rate * self.steps)
        for color, style, label, share in (
            (
                COLORS[0],
                "-",
                f"gradient descent, t = {self.steps}",
                lambda x: descent_share(x, self.learning_rate, self.steps),
            ),
            (COLORS[1], "-", f"ridge, α = 1/(εt) = {rule:.3g}", lambda x: ridge_share(x, rule)),
            (COLORS[1], "--", f"ridge, nearest α = {nearest:.3g}", lambda x: ridge_share(x, nearest)),
        ):
            shares.semilogx(curve, share(curve), style, color=color, label=label)
            shares.plot(eigenvalues, share(eigenvalues), "o", color=color, markersize=3)
        shares.set(xlabel="eigenvalue λ of the Hessian", ylabel="share of w* reached", ylim=(0, None))
        shares.set_title("Dots: the ten directions of the diabetes data", fontsize=9)
        shares.legend(fontsize=7, loc="lower right")
        return figure
