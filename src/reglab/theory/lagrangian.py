"""A constrained problem solved without constraints: the generalized Lagrangian and the conditions at its saddle.

    L(x, lambda, alpha) = f(x) + sum lambda_i g_i(x) + sum alpha_j h_j(x),    g = 0, h <= 0, alpha >= 0

The example is a loss in two weights, 1/2 (w - w*)^T H (w - w*), to be minimised where the weights add up to `total`,
their norm is at most `radius` and the first is not negative. At the optimum the pull of the loss, -grad f, is balanced
by lambda grad g + alpha grad h: a constraint that is not felt does not pull (complementary slackness), and a multiplier
is what the loss falls by for each unit by which its constraint is loosened. Along the line of the equality the loss is
a parabola, so that the optimum is known: the bottom of the parabola, or the end of the feasible segment next to it.

The solver (constrained/multipliers.py) is held to problems of a textbook too. With least squares as f and
1/2 (|w|^2 - radius^2) <= 0 as the only constraint, alpha is the strength of weight decay that gives the same weights.

Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, sections 4.4 and 7.2.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt, Le
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reglab import oracle
from reglab.errors import UserError
from reglab.figures import COLORS, INK, canvas
from reglab.oracle import Check
from reglab.theory.base import Finding, Topic
from reglab.theory.constrained.hock_schittkowski import KNOWN
from reglab.theory.constrained.multipliers import Problem, Solution, minimise, residuals

HESSIAN = np.array([[1.0, 0.3], [0.3, 1.6]])
FREE = np.array([2.6, 1.1])  # w*, the weights of least loss without constraints
START = (-0.5, -0.8)
SHIFT = 1e-4  # of a constraint, for the price of a unit of it


def loss(first, second):
    """1/2 (w - w*)^T H (w - w*), for numbers, arrays or tensors."""
    (a, b), (c, d) = FREE, (first - FREE[0], second - FREE[1])
    return (HESSIAN[0, 0] * c**2 + 2 * HESSIAN[0, 1] * c * d + HESSIAN[1, 1] * d**2) / 2
