"""Sixteen constrained problems whose optimum is in a textbook, under their numbers there.

The book writes inequalities as c(x) >= 0; here they are -c(x) <= 0. Optima are exact where the book gives a formula,
else with the book's digits.

Source: Hock and Schittkowski, Test Examples for Nonlinear Programming Codes, 1981.
"""

from math import sqrt
from typing import NamedTuple

from reglab.experiments.theory.multipliers import Function, Problem


class Known(NamedTuple):
    """A problem, its optimum x and the least value f."""

    problem: Problem
    x: tuple[float, ...]
    value: float


def at_least(bounds: dict[int, float]) -> dict[str, Function]:
    """x_i >= bound, for the numbers i from 1 on."""
    return {f"x{i} >= {bound:g}": lambda *x, i=i, bound=bound: bound - x[i - 1] for i, bound in bounds.items()}


def at_most(bounds: dict[int, float]) -> dict[str, Function]:
    """x_i <= bound."""
    return {f"x{i} <= {bound:g}": lambda *x, i=i, bound=bound: x[i - 1] - bound for i, bound in bounds.items()}


KNOWN = {
    6: Known(Problem(lambda a, b: (1 - a) ** 2, (-1.2, 1), {"parabola": lambda a, b: 10 * (b - a**2)}), (1, 1), 0.0),
    10: Known(
        Problem(lambda a, b: a - b, (-10, 10), {}, {"ellipse": lambda a, b: 3 * a**2 - 2 * a * b + b**2 - 1}),
        (0, 1),
        -1.0,
    ),
    12: Known(
        Problem(
            lambda a, b: a**2 / 2 + b**2 - a * b - 7 * a - 7 * b,
            (0, 0),
            {},
            {"ellipse": lambda a, b: 4 * a**2 + b**2 - 25},
        ),
        (2, 3),
        -30.0,
    ),
    14: Known(
        Problem(
            lambda a, b: (a - 2) ** 2 + (b - 1) ** 2,
            (2, 2),
            {"line": lambda a, b: a - 2 * b + 1},
            {"ellipse": lambda a, b: a**2 / 4 + b**2 - 1},
        ),
        ((sqrt(7) - 1) / 2, (sqrt(7) + 1) / 4),
        9 - 23 * sqrt(7) / 8,
    ),
    22: Known(
        Problem(
            lambda a, b: (a - 2) ** 2 + (b - 1) ** 2,
            (2, 2),
            {},
            {"half-plane": lambda a, b: a + b - 2, "parabola": lambda a, b: a**2 - b},
        ),
        (1, 1),
        1.0,
    ),
    27: Known(
        Problem(
            lambda a, b, c: (a - 1) ** 2 / 100 + (b - a**2) ** 2, (2, 2, 2), {"cylinder": lambda a, b, c: a + c**2 + 1}
        ),
        (-1, 1, 0),
        0.04,
    ),
    29: Known(
        Problem(
            lambda a, b, c: -a * b * c,
            (1, 1, 1),
            {},
            {"ellipsoid": lambda a, b, c: a**2 + 2 * b**2 + 4 * c**2 - 48},
        ),
        (4, 2 * sqrt(2), 2),
        -16 * sqrt(2),
    ),
    35: Known(
        Problem(
            lambda a, b, c: 9 - 8 * a - 6 * b - 4 * c + 2 * a**2 + 2 * b**2 + c**2 + 2 * a * b + 2 * a * c,
            (0.5, 0.5, 0.5),
            {},
            {"half-space": lambda a, b, c: a + b + 2 * c - 3} | at_least({1: 0, 2: 0, 3: 0}),
        ),
        (4 / 3, 7 / 9, 4 / 9),
        1 / 9,
    ),
    39: Known(
        Problem(
            lambda a, b, c, d: -a,
            (2, 2, 2, 2),
            {"first": lambda a, b, c, d: b - a**3 - c**2, "second": lambda a, b, c, d: a**2 - b - d**2},
        ),
        (1, 1, 0, 0),
        -1.0,
    ),
    40: Known(
        Problem(
            lambda a, b, c, d: -a * b * c * d,
            (0.8, 0.8, 0.8, 0.8),
            {
                "first": lambda a, b, c, d: a**3 + b**2 - 1,
                "second": lambda a, b, c, d: a**2 * d - c,
                "third": lambda a, b, c, d: d**2 - b,
            },
        ),
        (2 ** (-1 / 3), 2 ** (-1 / 2), 2 ** (-11 / 12), 2 ** (-1 / 4)),
        -0.25,
    ),
    43: Known(
        Problem(
            lambda a, b, c, d: a**2 + b**2 + 2 * c**2 + d**2 - 5 * a - 5 * b - 21 * c + 7 * d,
            (0, 0, 0, 0),
            {},
            {
                "first": lambda a, b, c, d: a**2 + b**2 + c**2 + d**2 + a - b + c - d - 8,
                "second": lambda a, b, c, d: a**2 + 2 * b**2 + c**2 + 2 * d**2 - a - d - 10,
                "third": lambda a, b, c, d: 2 * a**2 + b**2 + c**2 + 2 * a - b - d - 5,
            },
        ),
        (0, 1, 2, -1),
        -44.0,
    ),
    52: Known(
        Problem(
            lambda a, b, c, d, e: (4 * a - b) ** 2 + (b + c - 2) ** 2 + (d - 1) ** 2 + (e - 1) ** 2,
            (2, 2, 2, 2, 2),
            {
                "first": lambda a, b, c, d, e: a + 3 * b,
                "second": lambda a, b, c, d, e: c + d - 2 * e,
                "third": lambda a, b, c, d, e: b - e,
            },
        ),
        (-33 / 349, 11 / 349, 180 / 349, -158 / 349, 11 / 349),
        1859 / 349,
    ),
    71: Known(
        Problem(
            lambda a, b, c, d: a * d * (a + b + c) + c,
            (1, 5, 5, 1),
            {"sphere": lambda a, b, c, d: a**2 + b**2 + c**2 + d**2 - 40},
            {"product": lambda a, b, c, d: 25 - a * b * c * d}
            | at_least(dict.fromkeys((1, 2, 3, 4), 1))
            | at_most(dict.fromkeys((1, 2, 3, 4), 5)),
        ),
        (1, 4.7429994, 3.8211503, 1.3794082),
        17.0140173,
    ),
    76: Known(
        Problem(
            lambda a, b, c, d: a**2 + b**2 / 2 + c**2 + d**2 / 2 - a * c + c * d - a - 3 * b + c - d,
            (0.5, 0.5, 0.5, 0.5),
            {},
            {
                "first": lambda a, b, c, d: a + 2 * b + c + d - 5,
                "second": lambda a, b, c, d: 3 * a + b + 2 * c - d - 4,
                "third": lambda a, b, c, d: 1.5 - b - 4 * c,
            }
            | at_least(dict.fromkeys((1, 2, 3, 4), 0)),
        ),
        (3 / 11, 23 / 11, 0, 6 / 11),
        -4.681818181,
    ),
    78: Known(
        Problem(
            lambda a, b, c, d, e: a * b * c * d * e,
            (-2, 1.5, 2, -1, -1),
            {
                "sphere": lambda a, b, c, d, e: a**2 + b**2 + c**2 + d**2 + e**2 - 10,
                "second": lambda a, b, c, d, e: b * c - 5 * d * e,
                "third": lambda a, b, c, d, e: a**3 + b**3 + 1,
            },
        ),
        (-1.717142, 1.595708, 1.827248, -0.7636429, -0.7636435),
        -2.91970041,
    ),
    100: Known(
        Problem(
            lambda a, b, c, d, e, f, g: (
                (a - 10) ** 2
                + 5 * (b - 12) ** 2
                + c**4
                + 3 * (d - 11) ** 2
                + 10 * e**6
                + 7 * f**2
                + g**4
                - 4 * f * g
                - 10 * f
                - 8 * g
            ),
            (1, 2, 0, 4, 0, 1, 1),
            {},
            {
                "first": lambda a, b, c, d, e, f, g: 2 * a**2 + 3 * b**4 + c + 4 * d**2 + 5 * e - 127,
                "second": lambda a, b, c, d, e, f, g: 7 * a + 3 * b + 10 * c**2 + d - e - 282,
                "third": lambda a, b, c, d, e, f, g: 23 * a + b**2 + 6 * f**2 - 8 * g - 196,
                "fourth": lambda a, b, c, d, e, f, g: 4 * a**2 + b**2 - 3 * a * b + 2 * c**2 + 5 * f - 11 * g,
            },
        ),
        (2.330499, 1.951372, -0.4775414, 4.365726, -0.6244870, 1.038131, 1.594227),
        680.6300573,
    ),
}
