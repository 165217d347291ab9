"""Least squares, well posed and ill posed, and ridge, which is always well posed.

    ordinary       J(w) = |Xw - y|^2                 w = (X^T X)^-1 X^T y, if X^T X has an inverse
    ridge          J(w) = |Xw - y|^2 + alpha |w|^2   w = (X^T X + alpha I)^-1 X^T y, always
    Moore-Penrose  X^+ = lim (X^T X + alpha I)^-1 X^T, alpha -> 0

Along a singular vector of X the factors are s / (s^2 + alpha), and in the limit 1 / s where s > 0, else 0. So ridge
lies alpha / (s (s^2 + alpha)) from X^+ in the spectral norm, s the smallest singular value above zero: the distance
falls linearly with alpha. Computed literally, the formula of ridge does so until rounding dominates, and
without full rank X^T X + alpha I has an inverse in double precision only from alpha of about 1e-16 |X|^2 on.

Ridge is also the most probable w after seeing y = Xw + noise, when w ~ N(0, prior variance I): alpha is the noise
variance over the prior variance.

Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, sections 2.9, 5.6.1 and 7.3; Bishop, Pattern Recognition
and Machine Learning, 2006, sections 2.3.3 (posterior) and 3.5 (evidence); Efron, Hastie, Johnstone and Tibshirani,
Least Angle Regression, 2004 (the diabetes data).
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from annotated_types import Ge, Le
from matplotlib.axes import Axes
from scipy.linalg import LinAlgError, cho_factor, cho_solve, null_space, pinv

from reglab.core import streams
from reglab.core.checks import Check
from reglab.core.errors import UserError
from reglab.core.figures import COLORS, INK, canvas
from reglab.experiments.theory.base import Finding, Topic, relative_difference

SPLITS = 20  # of the patients into training and held out
STRENGTHS = np.geomspace(1e-20, 1e4, 37)
PAIR = ("s2", "s4")  # LDL cholesterol, and total over HDL: correlated at 0.66, so that the likelihood is a valley


class Answer(NamedTuple):
    """Weights (p,), or (p, k) for k columns of targets; the rank of X; how well the problem is posed, in words."""

    weights: np.ndarray
    rank: int
    words: str


def solve(inputs: np.ndarray, targets: np.ndarray, strength: float = 0.0) -> Answer:
    """The w that minimises |Xw - y|^2 + strength |w|^2; at strength 0 the one of least norm, X^+ y.

    By the singular values of X (n, p), less those that are rounding: X^T X is neither formed nor inverted, and small
    strengths are safe at every rank. UserError when the shapes of X and y do not fit, a number is not finite, or the
    strength is negative.
    """
    inputs, targets = np.asarray(inputs, float), np.asarray(targets, float)
    if inputs.ndim != 2 or not inputs.size or targets.shape[:1] != inputs.shape[:1]:
        shapes = f"inputs {inputs.shape} and targets {targets.shape}"
        raise UserError(f"least squares: found {shapes}; allowed: inputs (n, p) and n targets, n and p at least 1")
    for name, values in (("inputs", inputs), ("targets", targets)):
        if len(wrong := np.argwhere(~np.isfinite(values))):
            found = f"{len(wrong)} not finite, the first in row {wrong[0][0]} (counted from 0)"
            raise UserError(f"least squares: {name}: found {found}; allowed: finite numbers; leave out such rows")
    if not 0 <= strength < np.inf:
        raise UserError(f"least squares: strength: found {strength:g}; allowed: a finite number of at least 0")
    left, scales, right = np.linalg.svd(inputs, full_matrices=False)
    rank = int((scales > scales[0] * np.finfo(float).eps * max(inputs.shape)).sum())
    scales = scales[:rank]
    factors = scales / (scales**2 + strength)
    weights = right[:rank].T @ ((left[:, :rank] * factors).T @ targets)
    return Answer(weights, rank, in_words(*inputs.shape, rank, scales[0] / scales[-1] if rank else 1.0))


def in_words(examples: int, features: int, rank: int, condition: float) -> str:
    """Whether |Xw - y|^2 alone has one minimum; if not why, and which is meant."""
    if rank == features:
        singular = f"; condition {condition:.0e}: XᵀX has no inverse in double precision" if condition > 6e7 else ""
        return f"well posed: rank {rank} = p{singular}"
    reason = f"n = {examples} < p = {features}, rank {rank}" if examples < features else f"rank {rank} < p = {features}"
    return f"ill-posed: {reason}; of infinitely many solutions this is the shortest"


def ridge_inverse(inputs: np.ndarray, strength: float) -> np.ndarray:
    """(X^T X + strength I)^-1 X^T (p, n), computed literally, by Cholesky's decomposition.

    UserError when the matrix is not positive definite in double precision; `solve` gets by without it.
    """
    try:
        return cho_solve(cho_factor(inputs.T @ inputs + strength * np.eye(inputs.shape[1])), inputs.T)
    except LinAlgError:
        found = f"strength: found {strength:g}, where X^T X + strength I has no inverse in double precision"
        raise UserError(f"least squares: {found}; take a larger one, or `solve`, which needs no inverse") from None


def distances(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """|X(alpha) - X^+| / |X^+| for all STRENGTHS, of `solve` and of the formula, NaN where that has no inverse.

    X^+ is SciPy's: the cut of NumPy's pinv at 1e-15 of the largest singular value is too low for rounding in 442 rows.
    """
    limit, identity = pinv(inputs), np.eye(len(inputs))
    stable, formula = np.full((2, len(STRENGTHS)), np.nan)
    for place, strength in enumerate(STRENGTHS):
        stable[place] = np.linalg.norm(solve(inputs, identity, strength).weights - limit, 2)
        try:
            formula[place] = np.linalg.norm(ridge_inverse(inputs, strength) - limit, 2)
        except UserError:
            continue
    return stable / np.linalg.norm(limit, 2), formula / np.linalg.norm(limit, 2)


def posterior(
    inputs: np.ndarray, targets: np.ndarray, noise_variance: float, prior_variance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean (p,) and covariance (p, p) of w ~ N(0, prior I) given y = Xw + N(0, noise I).

    By conditioning the joint Gaussian of w and y: n equations, that share nothing with the formula of ridge.
    """
    evidence = prior_variance * inputs @ inputs.T + noise_variance * np.eye(len(inputs))
    gain = prior_variance * np.linalg.solve(evidence, inputs).T
    return gain @ targets, prior_variance * (np.eye(inputs.shape[1]) - gain @ inputs)


def diabetes(degree: int, names: tuple[str, ...] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """All products of up to `degree` features (442, p), of mean 0 and std 1, and the disease progression (442,).

    With degree 2 the rank is 64 of 65: sex has two values, so that its square says nothing new.
    """
    from sklearn.datasets import load_diabetes
    from sklearn.preprocessing import PolynomialFeatures

    data = load_diabetes()
    columns = [data.feature_names.index(name) for name in names or data.feature_names]
    inputs = PolynomialFeatures(degree, include_bias=False).fit_transform(data.data[:, columns] * len(data.data) ** 0.5)
    return (inputs - inputs.mean(0)) / inputs.std(0), data.target


def drawn(inputs: np.ndarray, targets: np.ndarray, patients: int, split: int) -> tuple[np.ndarray, ...]:
    """Training inputs and targets, held-out inputs and targets, centred at the training means: there is no bias."""
    order = np.random.default_rng(streams.seed_of("least_squares", split)).permutation(len(inputs))
    train, rest = order[:patients], order[patients:]
    center, level = inputs[train].mean(0), targets[train].mean()
    return inputs[train] - center, targets[train] - level, inputs[rest] - center, targets[rest] - level


def errors(inputs: np.ndarray, targets: np.ndarray, patients: int, strengths: np.ndarray) -> np.ndarray:
    """Mean squared error in training and held out (2, strengths), mean over the splits."""
    values = []
    for split in range(SPLITS):
        x, y, held, wanted = drawn(inputs, targets, patients, split)
        weights = np.stack([solve(x, y, strength).weights for strength in strengths], 1)
        values.append(
            [np.square(x @ weights - y[:, None]).mean(0), np.square(held @ weights - wanted[:, None]).mean(0)]
        )
    return np.mean(values, 0)


@dataclass(frozen=True)
class LeastSquares(Topic):
    """Disease progression by all products of up to `degree` of ten features, from `patients`: fewer than features."""

    lecture: ClassVar[str] = "least_squares"

    degree: Annotated[int, Ge(2), Le(3)] = 2
    patients: Annotated[int, Ge(20), Le(60)] = 40

    def run(self) -> Finding:
        figure, ((limit, valley), (path, sizes)) = canvas(7.6, 6.2, rows=2, columns=2)
        data = diabetes(self.degree)
        few = drawn(*data, self.patients, 0)[:2]
        problems = {"full_rank": diabetes(1), "dependent": diabetes(2), "few_patients": few}
        numbers, checks = {}, []
        for color, (name, (inputs, targets)) in zip(COLORS, problems.items(), strict=False):
            result, held = pose(name, inputs, targets - targets.mean(), limit, color)
            numbers, checks = numbers | result, checks + held
        result, held = believe(*few)
        strength = result["strength_by_evidence"]
        draw_valley(valley, *drawn(*diabetes(1, PAIR), self.patients, 0)[:2])
        numbers |= result | draw_path(path, *data, self.patients, strength)
        draw_sizes(sizes, *data, strength)
        limit.set(xlabel="strength α", ylabel="|X(α) − X⁺| / |X⁺|", ylim=(1e-17, 10))
        limit.set_title("Ridge on its way to X⁺. ×: by the formula as written", fontsize=9)
        limit.legend(fontsize=7, loc="lower right")
        return Finding({name: float(value) for name, value in numbers.items()}, checks + held, figure)


def pose(name: str, inputs: np.ndarray, targets: np.ndarray, panel: Axes, color: str) -> tuple[dict, list[Check]]:
    """Ordinary least squares on a problem, and ridge on the way to it."""
    answer, (stable, formula) = solve(inputs, targets), distances(inputs)
    smallest = np.linalg.svd(inputs, compute_uv=False)[answer.rank - 1]
    closed = STRENGTHS / (smallest**2 + STRENGTHS)
    straight = (closed > 1e-8) & (closed < 1e-4)
    slope = np.polyfit(np.log(STRENGTHS[straight]), np.log(stable[straight]), 1)[0]
    panel.loglog(STRENGTHS, stable, color=color, label=answer.words.partition(";")[0])
    panel.loglog(STRENGTHS, formula, "x", color=color, markersize=4, markeredgewidth=0.9)

    rest, moment = inputs @ answer.weights - targets, np.abs(inputs.T @ targets).max()
    idle = np.linalg.norm(null_space(inputs).T @ answer.weights) / np.linalg.norm(answer.weights)
    gaps = (
        ("w = numpy.linalg.lstsq", relative_difference(answer.weights, np.linalg.lstsq(inputs, targets)[0]), 1e-8),
        ("X^T (Xw - y) = 0", np.abs(inputs.T @ rest).max() / moment, 1e-8),
        ("w has no part in the null space of X", idle, 1e-8),
        ("|X(alpha) - X^+| = alpha / (s (s^2 + alpha))", np.abs(stable / closed - 1)[closed > 1e-8].max(), 1e-5),
        ("that distance falls linearly with alpha", abs(slope - 1), 1e-3),
    )
    checks = [Check(f"{name.replace('_', ' ')}: {claim}", float(gap), tolerance) for claim, gap, tolerance in gaps]
    return {f"{name}_features": inputs.shape[1], f"{name}_rank": answer.rank, f"{name}_slope": slope}, checks


def believe(inputs: np.ndarray, targets: np.ndarray) -> tuple[dict, list[Check]]:
    """Ridge as the mode of a posterior, under the variances that make the data most probable."""
    from sklearn.linear_model import BayesianRidge, Ridge

    fit = BayesianRidge(fit_intercept=False, max_iter=3000, tol=1e-8).fit(inputs, targets)
    noise, prior = 1 / fit.alpha_, 1 / fit.lambda_
    strength = noise / prior
    weights, (mean, covariance) = solve(inputs, targets, strength).weights, posterior(inputs, targets, noise, prior)
    theirs = Ridge(strength, fit_intercept=False, solver="cholesky").fit(inputs, targets).coef_
    gram = inputs.T @ inputs + strength * np.eye(inputs.shape[1])
    checks = [
        Check("ridge at alpha = noise / prior variance = the posterior mean", relative_difference(weights, mean), 1e-8),
        Check("ridge = scikit-learn's Ridge", relative_difference(weights, theirs), 1e-8),
        Check("ridge = scikit-learn's BayesianRidge at its variances", relative_difference(weights, fit.coef_), 1e-8),
        Check("ridge = its closed form", relative_difference(ridge_inverse(inputs, strength) @ targets, weights), 1e-8),
        Check(
            "noise (X^T X + alpha I)^-1 = the covariance",
            relative_difference(noise * np.linalg.inv(gram), covariance),
            1e-8,
        ),
        Check("X^T X + alpha I: smallest eigenvalue alpha", abs(np.linalg.eigvalsh(gram)[0] / strength - 1), 1e-8),
    ]
    return {"noise_variance": noise, "prior_variance": prior, "strength_by_evidence": strength}, checks


def draw_valley(panel: Axes, inputs: np.ndarray, targets: np.ndarray) -> None:
    """Likelihood, prior and posterior of two weights, an ellipse each at one and two standard deviations."""
    beliefs = believe(inputs, targets)[0]
    noise, prior = beliefs["noise_variance"], beliefs["prior_variance"]
    best, (mode, spread) = solve(inputs, targets).weights, posterior(inputs, targets, noise, prior)
    turn = np.linspace(0, 2 * np.pi, 200)
    circle = np.stack([np.cos(turn), np.sin(turn)])
    for color, label, centre, covariance in (
        (COLORS[0], "likelihood: least squares", best, noise * np.linalg.inv(inputs.T @ inputs)),
        (COLORS[1], "prior: 0", np.zeros(2), prior * np.eye(2)),
        (COLORS[2], "posterior: ridge", mode, spread),
    ):
        for deviations in (1, 2):
            ring = centre[:, None] + deviations * np.linalg.cholesky(covariance) @ circle
            panel.plot(*ring, color=color, linewidth=1.6 / deviations)
        panel.plot(*centre, "o", color=color, markersize=5, label=label)
    panel.set_aspect("equal", adjustable="datalim")
    panel.set(xlabel="weight of LDL cholesterol (points per std)", ylabel="weight of total / HDL (same)")
    panel.set_title(f"Ridge as a posterior, {len(inputs)} patients", fontsize=9)
    panel.legend(fontsize=7)


def draw_path(panel: Axes, inputs: np.ndarray, targets: np.ndarray, patients: int, strength: float) -> dict:
    """Errors against the strength, from the shortest solution on."""
    strengths = np.geomspace(1e-3, 1e5, 25)
    train, held = errors(inputs, targets, patients, strengths)
    shortest, chosen = errors(inputs, targets, patients, np.array([0.0, strength]))[1]
    panel.loglog(strengths, held, color=COLORS[0], label="held out")
    panel.loglog(strengths, train, color=COLORS[4], label="training")
    panel.axhline(shortest, color=COLORS[3], linestyle=":", label="held out, X⁺ (α → 0)")
    panel.plot(strength, chosen, "o", color=COLORS[2], label="α = noise / prior variance")
    panel.set(xlabel="strength α", ylabel="mean squared error (points²)", ylim=(10, None))
    panel.set_title(f"{patients} patients, {inputs.shape[1]} features", fontsize=9)
    panel.legend(fontsize=7)
    names = ("held_out_error_of_pseudo_inverse", "held_out_error_of_ridge", "variance_of_targets")
    return dict(zip(names, (shortest, chosen, targets.var()), strict=True))


def draw_sizes(panel: Axes, inputs: np.ndarray, targets: np.ndarray, strength: float) -> None:
    """Draw errors against the number of patients; without a penalty they peak where it equals that of the features."""
    sizes = np.array([20, 30, 40, 50, 56, 60, 64, 66, 70, 80, 100, 140, 200])
    held = np.array([errors(inputs, targets, size, np.array([0.0, strength]))[1] for size in sizes]).T
    panel.semilogy(sizes, held[0], ".-", color=COLORS[3], label="least squares, X⁺")
    panel.semilogy(sizes, held[1], ".-", color=COLORS[2], label=f"ridge, α = {strength:.3g}")
    panel.axhline(targets.var(), color=INK, linestyle=":", linewidth=1, label="the mean for everyone")
    panel.set(xlabel="patients", ylabel="held-out mean squared error (points²)")
    panel.axvline(inputs.shape[1], color=INK, linestyle="--", linewidth=1, label=f"n = p = {inputs.shape[1]}")
    panel.set_title("Least squares goes astray towards n = p", fontsize=9)
    panel.legend(fontsize=7, loc="upper right")
