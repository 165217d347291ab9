"""Least squares where it is well posed and where it is not, and ridge, which always is.

    ordinary       J(w) = |Xw - y|^2                 w = (X^T X)^-1 X^T y, if X^T X has an inverse
    ridge          J(w) = |Xw - y|^2 + alpha |w|^2   w = (X^T X + alpha I)^-1 X^T y, always
    Moore-Penrose  X^+ = lim (X^T X + alpha I)^-1 X^T, alpha -> 0

With the singular values s of X, the factors are s / (s^2 + alpha), and 1 / s in the limit where s > 0. So ridge lies
alpha / (s_r (s_r^2 + alpha)) from X^+ in the spectral norm, s_r the smallest singular value above zero: the distance
falls linearly with alpha. Computed as it is written, the formula follows until rounding has eaten alpha: X^T X + alpha I
is invertible on paper always, in double precision from alpha of about 1e-16 s_1^2 on.

Ridge is the mode of the posterior of w ~ N(0, prior variance I) when y = Xw + noise: alpha = noise / prior variance.

Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, sections 2.9, 5.6.1 and 7.3; Bishop, Pattern Recognition
and Machine Learning, 2006, section 3.3 (posterior) and 3.5 (evidence); Efron, Hastie, Johnstone and Tibshirani, Least
Angle Regression, 2004 (the diabetes data).
"""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from annotated_types import Ge, Le
from matplotlib.axes import Axes
from scipy.linalg import LinAlgError, cho_factor, cho_solve, null_space

from reglab import streams
from reglab.errors import UserError
from reglab.figures import COLORS, INK, canvas
from reglab.oracle import Check
from reglab.theory.base import Finding, Topic

ROUNDING = np.finfo(float).eps
SPLITS = 30
PAIR = ("s1", "s2")  # total and LDL cholesterol, correlated at 0.90: the likelihood is a long valley


class Answer(NamedTuple):
    """Weights (p,), or (p, k) for k columns of targets; the rank of X; and how well the problem is posed, in words."""

    weights: np.ndarray
    rank: int
    words: str


def solve(inputs: np.ndarray, targets: np.ndarray, strength: float = 0.0) -> Answer:
    """The w that minimises |Xw - y|^2 + strength |w|^2; at strength 0 the shortest of all that do, X^+ y.

    By the singular values of X (n, p), without those that are rounding: X^T X is never formed or inverted. UserError
    when the shapes of X and y do not fit, a number is not finite, or the strength is negative.
    """
    inputs, targets = np.asarray(inputs, float), np.asarray(targets, float)
    if inputs.ndim != 2 or not inputs.size or targets.shape[:1] != inputs.shape[:1]:
        shapes = f"found inputs {inputs.shape} and targets {targets.shape}"
        raise UserError(f"least squares: {shapes}; allowed: inputs (n, p) and n targets, n and p at least 1")
    for name, values in (("inputs", inputs), ("targets", targets)):
        if len(wrong := np.argwhere(~np.isfinite(values))):
            found = f"found {len(wrong)} values that are not finite, the first in row {wrong[0][0]}"
            raise UserError(f"least squares: {name}: {found}; allowed: finite numbers; fill in or leave out these rows")
    if not 0 <= strength < np.inf:
        raise UserError(f"least squares: strength: found {strength:g}; allowed: a finite number of at least 0")
    left, scales, right = np.linalg.svd(inputs, full_matrices=False)
    rank = int((scales > scales[0] * ROUNDING * max(inputs.shape)).sum())
    scales = scales[:rank]
    factors = scales / (scales**2 + strength)
    weights = right[:rank].T @ ((factors * left[:, :rank]).T @ targets)
    return Answer(weights, rank, in_words(*inputs.shape, rank, scales[0] / scales[-1] if rank else 1.0))


def in_words(examples: int, features: int, rank: int, condition: float) -> str:
    """Whether least squares without a penalty has one solution, why not, and what then is returned."""
    if rank < features:
        why = (
            f"n = {examples} < p = {features}, rank {rank}" if examples < features else f"rank {rank} < p = {features}"
        )
        return f"ill-posed ({why}): of infinitely many equally good solutions, the shortest"
    if condition**2 * ROUNDING > 1:
        return (
            f"rank {rank} = p: one solution, but at condition {condition:.1g} rounding would spoil the inverse of XᵀX"
        )
    return f"well posed (rank {rank} = p): one solution"


def ridge_inverse(inputs: np.ndarray, strength: float) -> np.ndarray:
    """(X^T X + strength I)^-1 X^T (p, n) as it is written, by Cholesky's decomposition.

    UserError when the matrix is not positive definite in double precision: at strength 0 without full rank, say.
    """
    gram = inputs.T @ inputs + strength * np.eye(inputs.shape[1])
    try:
        return cho_solve(cho_factor(gram), inputs.T)
    except LinAlgError:
        lost = f"X^T X + {strength:g} I has no inverse in double precision"
        raise UserError(f"least squares: {lost}; use a larger strength, or `solve`") from None


def from_limit(scale: np.ndarray | float, strength: np.ndarray | float) -> np.ndarray:
    """alpha / (s (s^2 + alpha)): how far ridge's factor lies from 1 / s."""
    return strength / (scale * (scale**2 + strength))


def posterior(
    inputs: np.ndarray, targets: np.ndarray, noise_variance: float, prior_variance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean (p,) and covariance (p, p) of w ~ N(0, prior I) given y = Xw + N(0, noise I).

    By conditioning the joint Gaussian of w and y, a system of n equations that shares nothing with the formula of ridge.
    """
    joint = prior_variance * inputs @ inputs.T + noise_variance * np.eye(len(inputs))
    gain = prior_variance * np.linalg.solve(joint, inputs).T
    return gain @ targets, prior_variance * (np.eye(inputs.shape[1]) - gain @ inputs)


def evidence(inputs: np.ndarray, targets: np.ndarray):
    """scikit-learn's BayesianRidge: noise and prior variance under which the data are most probable, and the mean."""
    from sklearn.linear_model import BayesianRidge

    return BayesianRidge(fit_intercept=False, max_iter=3000, tol=1e-8).fit(inputs, targets)


def diabetes(degree: int, names: tuple[str, ...] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """All products of up to `degree` features, each column of mean 0 and deviation 1, and the progression (442,)."""
    from sklearn.datasets import load_diabetes
    from sklearn.preprocessing import PolynomialFeatures

    data = load_diabetes()
    columns = [data.feature_names.index(name) for name in names or data.feature_names]
    inputs = PolynomialFeatures(degree, include_bias=False).fit_transform(data.data[:, columns] * len(data.data) ** 0.5)
    return (inputs - inputs.mean(0)) / inputs.std(0), data.target


def drawn(inputs: np.ndarray, targets: np.ndarray, patients: int, split: int) -> tuple[np.ndarray, ...]:
    """Training inputs and targets, held-out inputs and targets, all centred at the training means (so: no bias)."""
    order = np.random.default_rng(streams.seed_of("least_squares", split)).permutation(len(inputs))
    train, rest = order[:patients], order[patients:]
    center, level = inputs[train].mean(0), targets[train].mean()
    return inputs[train] - center, targets[train] - level, inputs[rest] - center, targets[rest] - level


def relative(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference in parts of the largest wanted value."""
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def errors(inputs: np.ndarray, targets: np.ndarray, patients: int, strengths: np.ndarray) -> np.ndarray:
    """Mean squared error in training and held out (2, strengths), mean over the splits."""
    found = []
    for split in range(SPLITS):
        x, y, held, wanted = drawn(inputs, targets, patients, split)
        weights = np.stack([solve(x, y, strength).weights for strength in strengths], 1)
        found.append([np.square(x @ weights - y[:, None]).mean(0), np.square(held @ weights - wanted[:, None]).mean(0)])
    return np.mean(found, 0)


def distances(inputs: np.ndarray, strengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """|X(alpha) - X^+| / |X^+| in the spectral norm, of `solve` and of the formula; NaN where that has no inverse."""
    limit, identity = np.linalg.pinv(inputs), np.eye(len(inputs))
    stable, formula = [], []
    for strength in strengths:
        stable.append(np.linalg.norm(solve(inputs, identity, strength).weights - limit, 2))
        try:
            formula.append(np.linalg.norm(ridge_inverse(inputs, strength) - limit, 2))
        except UserError:
            formula.append(np.nan)
    return np.array([stable, formula]) / np.linalg.norm(limit, 2)


@dataclass(frozen=True)
class LeastSquares(Topic):
    """Disease progression by all products of up to `degree` of ten features, from `patients`: fewer than features."""

    degree: Annotated[int, Ge(2), Le(3)] = 2
    patients: Annotated[int, Ge(20), Le(60)] = 40

    def run(self) -> Finding:
        (plain, progression), (products, _) = diabetes(1), diabetes(self.degree)
        few = drawn(products, progression, self.patients, 0)[:2]
        centred = progression - progression.mean()
        figure, ((limit, valley), (path, sizes)) = canvas(7.6, 6.2, rows=2, columns=2)
        held, numbers = self.bayes(*few)
        strength = numbers["strength_by_evidence"]
        self.draw_valley(valley, *drawn(*diabetes(1, PAIR), self.patients, 0)[:2])
        for color, (name, data) in zip(
            COLORS,
            {"full_rank": (plain, centred), "dependent": (products, centred), "few_patients": few}.items(),
            strict=False,
        ):
            checks, found = self.posed(name, *data, limit, color)
            held, numbers = held + checks, numbers | found
        numbers |= self.draw_path(path, products, progression, strength)
        self.draw_sizes(sizes, products, progression, strength)
        return Finding({name: float(value) for name, value in numbers.items()}, held, figure)

    def posed(
        self, name: str, inputs: np.ndarray, targets: np.ndarray, panel: Axes, color: str
    ) -> tuple[list[Check], dict]:
        """Ordinary least squares on one problem, and ridge's way to it."""
        label, answer = name.replace("_", " "), solve(inputs, targets)
        smallest = np.linalg.svd(inputs, compute_uv=False)[answer.rank - 1]
        strengths = np.geomspace(1e-20, 1e4, 37)
        stable, formula = distances(inputs, strengths)
        closed = smallest * from_limit(smallest, strengths)
        linear = (closed > 1e-8) & (closed < 1e-4)
        slope = np.polyfit(np.log(strengths[linear]), np.log(stable[linear]), 1)[0]

        n, p = inputs.shape
        panel.loglog(strengths, stable, color=color, label=f"n = {n}, p = {p}, rank {answer.rank}")
        panel.loglog(strengths, formula, "x", color=color, markersize=4, markeredgewidth=0.9)
        residual, free = inputs @ answer.weights - targets, null_space(inputs)
        checks = [
            Check(
                f"{label}: = numpy.linalg.lstsq", relative(answer.weights, np.linalg.lstsq(inputs, targets)[0]), 1e-8
            ),
            Check(
                f"{label}: X^T (Xw - y) = 0",
                float(np.abs(inputs.T @ residual).max() / np.abs(inputs.T @ targets).max()),
                1e-8,
            ),
            Check(
                f"{label}: nothing of w in the null space of X",
                float(np.linalg.norm(free.T @ answer.weights) / np.linalg.norm(answer.weights)),
                1e-8,
            ),
            Check(
                f"{label}: ridge lies alpha / (s (s^2 + alpha)) from X^+",
                float(np.abs(stable / closed - 1)[closed > 1e-8].max()),
                1e-5,
            ),
            Check(f"{label}: the distance falls linearly with alpha", abs(slope - 1), 1e-3),
        ]
        return checks, {f"{name}_rank": answer.rank, f"{name}_features": p, f"{name}_slope": slope}
