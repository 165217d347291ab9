"""Why an L1 penalty makes weights zero: the lecture's equation, the path of the lasso, and inputs that are pure noise.

    lasso   J(w) = 1/(2n) |Xw - y|^2 + alpha |w|_1      ridge   J(w) = 1/(2n) |Xw - y|^2 + alpha/2 |w|^2

One equation a^T w = b has infinitely many solutions. That of least L1 norm, |b| / max |a|, puts all weight on the
largest coefficient; that of least L2 norm, |b| / |a|, is a b / |a|^2 and has no zero. With inputs that do not interact
(X^T X = n I) the lasso is soft thresholding: a weight z ~ N(0, 1) of least squares becomes zero with probability
erf(alpha / sqrt 2), so that one of p is with 1 - erfc(alpha / sqrt 2)^p: not always, but likely in many dimensions.

In general w is optimal if and only if the correlations c = X^T (y - Xw) / n are alpha sign(w) where w is not zero, and
within alpha where it is. So an input stays out for as long as its correlation with what is left of y is below alpha.
Inputs and targets of deviation one and no relation correlate by 1 / sqrt n; the largest of m such numbers stays below
alpha = sqrt(2 log(m) / n), the universal threshold, which therefore keeps noise out.

Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.1.2; Tibshirani, Regression Shrinkage and
Selection via the Lasso, 1996; Donoho and Johnstone, Ideal Spatial Adaptation by Wavelet Shrinkage, 1994 (threshold).
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Le
from matplotlib.axes import Axes
from scipy.optimize import linprog
from scipy.special import erf, erfc

from reglab import streams
from reglab.data import source
from reglab.errors import UserError
from reglab.figures import COLORS, INK, canvas
from reglab.oracle import Check
from reglab.penalties import soft_threshold
from reglab.theory.base import Finding, Topic

EQUATION, RIGHT = np.array([[10.0, 1.0]]), np.array([5.0])  # 10 w1 + w2 = 5
CLASSES, PIXELS = 10, 64


def smallest_l1(equations: np.ndarray, right: np.ndarray) -> np.ndarray:
    """A w (p,) of least |w|_1 with A w = b, as the linear programme over w = u - v with u, v >= 0.

    It is a vertex: at most as many weights are not zero as A has rows. UserError when the equations contradict.
    """
    size = equations.shape[1]
    found = linprog(np.ones(2 * size), A_eq=np.hstack([equations, -equations]), b_eq=right)
    if not found.success:
        raise UserError(f"lasso: equations: found no solution ({found.message}); allowed: finite and consistent ones")
    return found.x[:size] - found.x[size:]


def lasso(inputs: np.ndarray, targets: np.ndarray, strengths: np.ndarray, tolerance: float = 1e-11) -> np.ndarray:
    """The weights (len(strengths), p) of the lasso, by the proximal step of the regularizer `l1`, all strengths at once.

    w <- soft_threshold(w + rate X^T (y - Xw) / n, rate alpha) until no optimality condition fails by more than
    tolerance max |X^T y| / n. UserError when a number is not finite or a strength negative.
    """
    strengths = np.asarray(strengths, float)
    if not (np.isfinite(inputs).all() and np.isfinite(targets).all()):
        raise UserError("lasso: data: found numbers that are not finite; allowed: finite ones; leave out their rows")
    if not (strengths >= 0).all() or np.isinf(strengths).any():
        raise UserError(f"lasso: strengths: found {strengths.min():g}; allowed: finite numbers of at least 0")
    hessian, moment = (torch.as_tensor(inputs.T @ other / len(inputs)) for other in (inputs, targets))
    rate, alpha = 1 / torch.linalg.matrix_norm(hessian, 2), torch.as_tensor(strengths)[:, None]
    goal = tolerance * float(moment.abs().max())
    weights = torch.zeros(len(strengths), len(moment), dtype=torch.float64)
    for step in range(200_000):
        slope = moment - weights @ hessian
        if step % 100 == 0 and violation(*(t.numpy() for t in (weights, slope, alpha))) <= goal:
            return weights.numpy()
        weights = soft_threshold(weights + rate * slope, rate * alpha)
    raise UserError("lasso: inputs: found columns too dependent for proximal steps; allowed: independent ones")


def violation(weights: np.ndarray, correlations: np.ndarray, strengths: np.ndarray | float) -> float:
    """By how much the optimality conditions of the lasso fail at most: zero at its minimum and nowhere else."""
    excess = np.where(weights == 0, np.abs(correlations) - strengths, np.abs(correlations - strengths * np.sign(weights)))
    return float(max(0.0, excess.max()))


def noisy_digits(examples: int, noise_pixels: int) -> tuple[np.ndarray, ...]:
    """Training and held-out inputs (n, 64 + noise) and labels (n,) of the digits.

    The noise looks like ink: pixels that vary, each with its values shuffled among the images. Inputs are scaled to mean
    0 and deviation 1 of the training images; a pixel that is constant there stays 0.
    """
    images, labels = source("digits")
    random = np.random.default_rng(streams.seed_of("lasso"))
    pixels = images.reshape(len(images), -1).astype(float)
    train, held = np.split(random.permutation(len(pixels)), [examples])
    copied = np.resize(random.permutation(np.flatnonzero(pixels[train].std(0) > 0)), noise_pixels)
    inputs = np.hstack([pixels, random.permuted(pixels[:, copied], axis=0)])
    deviation = inputs[train].std(0)
    inputs = (inputs - inputs[train].mean(0)) / np.where(deviation > 0, deviation, np.inf)
    return inputs[train], labels[train], inputs[held], labels[held]


@dataclass(frozen=True)
class Selection:
    """Which inputs a linear classifier of `noisy_digits` keeps (features,): those with a weight for any class."""

    weights: np.ndarray  # (classes, features), for targets of deviation one

    @property
    def kept(self) -> np.ndarray:
        return (self.weights != 0).any(0)

