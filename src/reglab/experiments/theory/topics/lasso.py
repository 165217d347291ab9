"""Sparse weights by an L1 penalty: the lecture's equation, the path of the lasso, and inputs that are pure noise.

    lasso   J(w) = 1/(2n) |Xw - y|^2 + alpha |w|_1      ridge   J(w) = 1/(2n) |Xw - y|^2 + alpha/2 |w|^2

One equation a^T w = b has infinitely many solutions. That of least L1 norm, |b| / max |a|, puts all weight on the
largest coefficient; that of least L2 norm, |b| / |a|, is a b / |a|^2 and has no zero. With uncorrelated inputs
(X^T X = n I) the lasso is soft thresholding: a weight z ~ N(0, 1) of least squares becomes zero with probability
erf(alpha / sqrt 2), and at least one of p weights with probability 1 - erfc(alpha / sqrt 2)^p, which is close to 1 in
many dimensions.

In general w is optimal if and only if the correlations c = X^T (y - Xw) / n are alpha sign(w) where w is not zero, and
within alpha where it is. So the weight of an input stays zero as long as its correlation with the residual is below
alpha. Independent inputs and targets with standard deviation 1 have correlations of about 1 / sqrt n; the largest of m
such numbers stays below alpha = sqrt(2 log(m) / n), the universal threshold, which therefore excludes noise.

Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.1.2; Tibshirani, Regression Shrinkage and
Selection via the Lasso, 1996; Donoho and Johnstone, Ideal Spatial Adaptation by Wavelet Shrinkage, 1994 (threshold).
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Le
from matplotlib.axes import Axes
from scipy.optimize import linprog
from scipy.special import erfc

from reglab.core import streams
from reglab.core.checks import Check
from reglab.core.errors import UserError
from reglab.core.figures import COLORS, INK, canvas
from reglab.data import load_source
from reglab.experiments.theory.base import Finding, Topic
from reglab.training.penalties import soft_threshold

EQUATION, RIGHT = np.array([[10.0, 1.0]]), np.array([5.0])  # 10 w1 + w2 = 5
CLASSES, SIDE, PIXELS = 10, 8, 64


def need_finite(**arrays: np.ndarray) -> None:
    """Raise UserError for the first of the arrays that holds NaN or an infinity."""
    for name, values in arrays.items():
        if wrong := int((~np.isfinite(values)).sum()):
            raise UserError(f"lasso: {name}: found {wrong} not finite; allowed: finite numbers; leave out such rows")


def smallest_l1(equations: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A w (p,) of least |w|_1 with A w = b, as the linear programme over w = u - v with u, v >= 0.

    It is a vertex: at most as many weights are not zero as A has rows. Raises UserError when the equations contradict.
    """
    need_finite(equations=equations, right=right)
    size = equations.shape[1]
    result = linprog(np.ones(2 * size), A_eq=np.hstack([equations, -equations]), b_eq=right)
    if not result.success:
        raise UserError("lasso: equations: found none that solves them all; allowed: equations that do not contradict")
    return result.x[:size] - result.x[size:]


def lasso(inputs: np.ndarray, targets: np.ndarray, strengths: np.ndarray, tolerance: float = 1e-11) -> np.ndarray:
    """The weights (len(strengths), p) of the lasso, by the proximal step of the regularizer `l1`, all strengths at once.

    w <- soft_threshold(w + rate X^T (y - Xw) / n, rate alpha) until no optimality condition fails by more than
    tolerance max |X^T y| / n. UserError when a number is not finite or a strength negative.
    """
    strengths = np.asarray(strengths, float)
    need_finite(inputs=inputs, targets=targets, strengths=strengths)
    if (strengths < 0).any():
        raise UserError(f"lasso: strengths: found {strengths.min():g}; allowed: at least 0")
    hessian, moment = (torch.as_tensor(inputs.T @ other / len(inputs)) for other in (inputs, targets))
    rate, alpha = 1 / torch.linalg.matrix_norm(hessian, 2), torch.as_tensor(strengths)[:, None]
    goal = tolerance * float(moment.abs().max())
    weights = torch.zeros(len(strengths), len(moment), dtype=torch.float64)
    for step in range(200_000):
        slope = moment - weights @ hessian
        if step % 100 == 0 and violation(*(part.numpy() for part in (weights, slope, alpha))) <= goal:
            return weights.numpy()
        weights = soft_threshold(weights + rate * slope, rate * alpha)
    raise UserError(
        "lasso: inputs: found columns that nearly depend on each other; allowed: columns that do not; drop some"
    )


def violation(weights: np.ndarray, correlations: np.ndarray, strengths: np.ndarray | float) -> float:
    """The largest violation of the optimality conditions of the lasso: zero at its minimum and nowhere else."""
    active, idle = np.abs(correlations - strengths * np.sign(weights)), np.abs(correlations) - strengths
    return float(max(0.0, np.where(weights == 0, idle, active).max()))


def noisy_digits(examples: int, noise_pixels: int) -> tuple[np.ndarray, ...]:
    """Training and held-out inputs (n, 64 + noise) and labels (n,) of the digits.

    The noise inputs are copies of varying pixels whose values are shuffled among the images. Inputs are scaled to mean 0
    and standard deviation 1 on the training images; a pixel that is constant there stays 0.
    """
    images, labels = load_source("digits")
    random = np.random.default_rng(streams.seed_of("lasso"))
    pixels = images.reshape(len(images), -1).astype(float)
    train, held = np.split(random.permutation(len(pixels)), [examples])
    copied = np.resize(random.permutation(np.flatnonzero(pixels[train].std(0) > 0)), noise_pixels)
    inputs = np.hstack([pixels, random.permuted(pixels[:, copied], axis=0)])
    std = inputs[train].std(0)
    inputs = (inputs - inputs[train].mean(0)) / np.where(std > 0, std, np.inf)
    return inputs[train], labels[train], inputs[held], labels[held]


def universal_threshold(examples: int, numbers: int) -> float:
    """sqrt(2 log(numbers) / examples), which the largest of that many chance correlations hardly ever exceeds."""
    return float(np.sqrt(2 * np.log(numbers) / examples))


@dataclass(frozen=True)
class Lasso(Topic):
    """L1 compared with L2: one equation, the diabetes data, and `examples` digits with `noise_pixels` added to each."""

    lecture: ClassVar[str] = "l1"

    examples: Annotated[int, Ge(400), Le(1500)] = 500
    noise_pixels: Annotated[int, Ge(1), Le(256)] = 192

    def run(self) -> Finding:
        figure, ((diamond, circle, choice), (l1_path, l2_path, maps)) = canvas(7.6, 5.4, rows=2, columns=3)
        parts = (one_equation(diamond, circle), chances(), paths(l1_path, l2_path), self.select(choice, maps))
        numbers = {name: float(value) for part, _ in parts for name, value in part.items()}
        return Finding(numbers, [check for _, checks in parts for check in checks], figure)

    def select(self, choice: Axes, maps: Axes) -> tuple[dict, list[Check]]:
        """Least squares on the classes: the inputs that L1 keeps for any of them, and L2 at the same strength."""
        from sklearn.linear_model import Ridge, lasso_path

        inputs, labels, held, wanted = noisy_digits(self.examples, self.noise_pixels)
        targets = np.eye(CLASSES)[labels]
        level, scale = targets.mean(0), targets.std(0)
        targets = (targets - level) / scale
        threshold = universal_threshold(self.examples, CLASSES * inputs.shape[1])
        strengths = np.sort(np.append(np.geomspace(1, 0.001, 50), threshold))[::-1]
        at = int(np.flatnonzero(strengths == threshold)[0])
        settings = {"alphas": strengths, "precompute": True, "tol": 1e-10, "max_iter": 10**5}
        sparse = np.stack([lasso_path(inputs, target, **settings)[1].T for target in targets.T], 1)
        dense = Ridge(self.examples * threshold, fit_intercept=False).fit(inputs, targets).coef_

        kept, varies = (sparse != 0).any(1), inputs[:, :PIXELS].std(0) > 0
        precision = kept[:, :PIXELS].sum(1) / np.maximum(kept.sum(1), 1)
        recall = kept[:, :PIXELS].sum(1) / varies.sum()
        refitted = np.zeros_like(dense)
        refitted[:, kept[at]] = np.linalg.lstsq(inputs[:, kept[at]], targets)[0].T

        def accuracy(weights: np.ndarray) -> np.ndarray:
            return ((held @ weights.swapaxes(-1, -2) * scale + level).argmax(-1) == wanted).mean(-1)

        lines = {"precision": precision, "recall": recall, "held-out accuracy": accuracy(sparse)}
        for color, (label, line) in zip(COLORS, lines.items(), strict=False):
            choice.semilogx(strengths, np.where(kept.any(1), line, np.nan), color=color, label=label)
        choice.axvline(threshold, color=INK, linestyle=":", linewidth=1, label="√(2 log m / n)")
        choice.set(xlabel="strength α (a correlation)", ylabel="share", ylim=(0, 1.05))
        choice.set_title(f"{PIXELS} pixels, {self.noise_pixels} of noise", fontsize=9)
        choice.legend(fontsize=6, loc="center left", handlelength=1.2)
        draw_maps(maps, sparse[at], dense)

        correlations = np.einsum("nk,np->kp", targets - inputs @ sparse[at].T, inputs) / self.examples
        dropped = (dense[:, inputs.std(0) > 0] == 0).mean()
        noise = kept[at, PIXELS:].sum()
        numbers = {
            "universal_threshold": threshold,
            "l1_precision": precision[at],
            "l1_recall": recall[at],
            "l1_noise_pixels_kept": noise,
            "l2_precision": varies.sum() / (dense != 0).any(0).sum(),
            "l2_noise_pixels_kept": (dense != 0).any(0)[PIXELS:].sum(),
            "l1_accuracy": accuracy(sparse[at]),
            "l1_accuracy_refitted": accuracy(refitted),
            "l2_accuracy": accuracy(dense),
            "least_squares_accuracy": accuracy(np.linalg.lstsq(inputs, targets)[0].T),
        }
        return numbers, [
            Check("digits: the weights are optimal", violation(sparse[at], correlations, threshold), 1e-9),
            Check("digits: share of the noise pixels that L1 keeps", noise / self.noise_pixels, 0.02),
            Check("digits: share of the varying inputs that L2 drops", dropped, 0.0),
        ]


def one_equation(diamond: Axes, circle: Axes) -> tuple[dict, list[Check]]:
    """10 w1 + w2 = 5, and the smallest ball of each norm that touches the line of its solutions."""
    sparse, dense = smallest_l1(EQUATION, RIGHT), np.linalg.lstsq(EQUATION, RIGHT)[0]
    turn = np.linspace(0, 2 * np.pi, 401)
    directions = np.stack([np.cos(turn), np.sin(turn)])
    solutions = np.stack([(RIGHT[0] - EQUATION[0, 1] * np.array([-2, 2])) / EQUATION[0, 0], [-2, 2]])
    for panel, order, point, name in ((diamond, 1, sparse, "‖w‖₁"), (circle, 2, dense, "‖w‖₂")):
        ball = directions / np.linalg.norm(directions, order, axis=0)
        for share in (1 / 3, 2 / 3, 1):
            radius = share * np.linalg.norm(point, order)
            panel.plot(*radius * ball, color=COLORS[0], linewidth=1.6 if share == 1 else 0.7)
        panel.plot(*solutions, color=COLORS[1])
        panel.plot(*point, "o", color=COLORS[2], zorder=5)
        at = "\n".join(f"w{'₁₂'[place]} = {value:.3g}" for place, value in enumerate(point))
        panel.annotate(at, point, (8, 5), textcoords="offset points", fontsize=7, color=INK)
        panel.set(xlim=(-0.75, 1.25), ylim=(-1, 1), aspect="equal", xlabel="w₁", ylabel="w₂")
        panel.set_title(f"10 w₁ + w₂ = 5, least {name}", fontsize=9)
    names = [f"smallest_{norm}_{which}_weight" for norm in ("l1", "l2") for which in ("first", "second")]
    return dict(zip(names, [*sparse, *dense], strict=True)), [
        Check("10 w1 + w2 = 5: least L1 norm at (1/2, 0)", np.abs(sparse - [0.5, 0]).max(), 1e-12),
        Check("10 w1 + w2 = 5: least L2 norm at (50/101, 5/101)", np.abs(dense - np.array([50, 5]) / 101).max(), 1e-12),
    ]


def chances(strength: float = 0.1, draws: int = 20_000) -> tuple[dict, list[Check]]:
    """How often soft thresholding of standard normal weights makes at least one zero, in 2 and in 64 dimensions."""
    numbers, checks = {}, []
    for size in (2, 64):
        normal = torch.randn(draws, size, generator=streams.generator("lasso", size), dtype=torch.float64)
        share = float((soft_threshold(normal, strength) == 0).any(1).double().mean())
        chance = 1 - erfc(strength / np.sqrt(2)) ** size
        numbers[f"chance_of_a_zero_among_{size}"] = chance
        off = abs(share - chance) / np.sqrt(chance * (1 - chance) / draws)
        checks.append(Check(f"a zero among {size} weights: frequency - chance, in standard errors", off, 5.0))
    return numbers, checks


def paths(sparse: Axes, dense: Axes) -> tuple[dict, list[Check]]:
    """The weights of ten features of 442 diabetes patients against the strength of either penalty."""
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import lars_path, lasso_path

    data = load_diabetes()
    inputs, targets = data.data * len(data.data) ** 0.5, data.target - data.target.mean()
    hessian, moment = inputs.T @ inputs / len(inputs), inputs.T @ targets / len(inputs)
    largest = np.abs(moment).max()
    strengths = largest * np.geomspace(1, 1e-3, 80)
    solutions = lasso(inputs, targets, strengths)
    theirs = lasso_path(inputs, targets, alphas=strengths, tol=1e-13, max_iter=10**6)[1].T
    knots, _, corners = lars_path(inputs, targets, method="lasso")
    exact = np.stack([np.interp(strengths, knots[::-1], corner[::-1]) for corner in corners], 1)
    ridges = np.geomspace(1e-3, 1e3, 80)
    shrunk = np.stack([np.linalg.solve(hessian + alpha * np.eye(10), moment) for alpha in ridges])
    for panel, axis, weights, name in (
        (sparse, strengths, solutions, "Diabetes, L1: exact zeros"),
        (dense, ridges, shrunk, "Diabetes, L2: small, not zero"),
    ):
        panel.axhline(0, color=INK, linewidth=0.6)
        panel.semilogx(axis, np.where(weights == 0, np.nan, weights))
        panel.set(xlabel="strength α", ylabel="weight (points per std)")
        panel.set_title(name, fontsize=9)
        name_lines(panel, axis, weights[axis.argmin()], data.feature_names)
    numbers = {
        "largest_strength_on_l1_path": largest,
        "share_of_zeros_on_l1_path": (solutions == 0).mean(),
        "share_of_zeros_on_l2_path": (shrunk == 0).mean(),
    }
    at_most, below = (lasso(inputs, targets, largest * np.array([1, 1 - 1e-6])) != 0).sum(1)
    return numbers, [
        Check("diabetes: proximal steps = scikit-learn's lasso_path", np.abs(solutions - theirs).max(), 1e-6),
        Check("diabetes: proximal steps = scikit-learn's lars_path", np.abs(solutions - exact).max(), 1e-6),
        Check("diabetes: the zeros are those of lasso_path", float(((solutions == 0) != (theirs == 0)).sum()), 0.0),
        Check("diabetes: weights at max |X^T y| / n, where the first one enters", float(at_most + abs(below - 1)), 0.0),
    ]


def name_lines(panel: Axes, axis: np.ndarray, heights: np.ndarray, names: list[str]) -> None:
    """Write the names left of the lines at these heights, moved apart where they would overlap."""
    order, places = np.argsort(heights), np.sort(heights)
    for _ in range(100):
        overlap = np.maximum(np.ptp(heights) / 14 - np.diff(places), 0) / 2
        places[:-1] -= overlap
        places[1:] += overlap
    for place, line in zip(places, order, strict=True):
        drawn = panel.get_lines()[line + 1]
        drawn.set_linestyle("-" if line < len(COLORS) else "--")
        beside = {"fontsize": 6, "ha": "right", "va": "center", "color": drawn.get_color()}
        panel.annotate(names[line], (axis.min(), place), (-3, 0), textcoords="offset points", **beside)
    panel.set_xlim(axis.min() * (axis.min() / axis.max()) ** 0.15, None)


def draw_maps(panel: Axes, sparse: np.ndarray, dense: np.ndarray) -> None:
    """The size of each input's weights, over all classes: the image left, the noise pixels right of it."""
    columns = -(-sparse.shape[1] // SIDE)
    for row, weights in enumerate((dense, sparse)):
        size = np.full(columns * SIDE, np.nan)
        size[: weights.shape[1]] = np.abs(weights).sum(0) / np.abs(weights).sum(0).max()
        image, noise = size[:PIXELS].reshape(SIDE, SIDE), size[PIXELS:].reshape(-1, SIDE).T
        for start, part in ((0, image), (SIDE + 1, noise)):
            edges = start + np.arange(part.shape[1] + 1), (SIDE + 2) * row + np.arange(SIDE + 1)
            panel.pcolormesh(*edges, part[::-1], cmap="viridis", vmin=0, vmax=1, edgecolors="face", linewidth=0.5)
    panel.set(xticks=[SIDE / 2, (SIDE + columns + 2) / 2], xticklabels=["pixels", "noise"], aspect="equal")
    panel.set(yticks=[SIDE / 2, SIDE * 3 / 2 + 2], yticklabels=["L2", "L1"])
    panel.set_title("Σ |weight| over the classes", fontsize=9)
    panel.grid(False)
    panel.spines[:].set_visible(False)
    panel.tick_params(length=0)
