"""The worst-case perturbation of a linear model in closed form, for logistic regression of two digits.

With labels y = +-1, margins m = y (w . x + b) and the loss log(1 + e^(-m)), the worst perturbation with entries of at
most epsilon is d = -epsilon y sign(w), the fast gradient sign. It lowers the margin by epsilon |w|_1, while random signs
change it by about epsilon |w|_2. So adversarial training minimises

mean log(1 + exp(epsilon |w|_1 - m))

Unlike an L1 penalty that is added to the loss, |w|_1 here has almost no effect on examples with a large margin. The
limits of the pixel range are ignored here.

Source: Goodfellow, Shlens and Szegedy, Explaining and Harnessing Adversarial Examples, 2015, sections 3 and 5.
"""

from dataclasses import dataclass
from itertools import product
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt, Le
from matplotlib.figure import Figure
from scipy.optimize import minimize
from scipy.special import expit

from reglab.core.checks import Check
from reglab.core.figures import COLORS, canvas
from reglab.data.sources import digits
from reglab.experiments.theory.base import Finding, Topic

PAIR = (3, 7)
RIDGE = 1e-3  # keeps the weights finite where the two digits are linearly separable
CORNERS = 12  # pixels whose 2^12 sign patterns are tried one by one


def pair_of_digits() -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 64) of threes and sevens in [0, 1], and +1 for a three, -1 for a seven."""
    images, labels = digits.load()
    rows = np.isin(labels, PAIR)
    return images[rows].reshape(-1, 64).astype(float), np.where(labels[rows] == PAIR[0], 1.0, -1.0)


def softplus(score: np.ndarray) -> np.ndarray:
    """log(1 + e^z)."""
    return np.logaddexp(0, score)


def margins(weight: np.ndarray, bias: float, inputs: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """m = y (w . x + b) for inputs (..., n, features): (..., n)."""
    return signs * (inputs @ weight + bias)


def worst(weight: np.ndarray, inputs: np.ndarray, signs: np.ndarray, epsilon: float) -> np.ndarray:
    """x - epsilon y sign(w): the fast gradient sign, for the slope of the loss at x has the sign of -y w."""
    return inputs - epsilon * signs[:, None] * np.sign(weight)


def adversarial_loss(weight: np.ndarray, bias: float, inputs: np.ndarray, signs: np.ndarray, epsilon: float) -> float:
    """mean log(1 + exp(epsilon |w|_1 - m))."""
    return softplus(epsilon * np.abs(weight).sum() - margins(weight, bias, inputs, signs)).mean()


def trained(inputs: np.ndarray, signs: np.ndarray, epsilon: float) -> tuple[np.ndarray, float]:
    """The w (features,) and b that minimise the adversarial loss + RIDGE/2 |w|^2.

    w = u - v with u, v >= 0 makes |w|_1 smooth, and at the minimum u v = 0.
    """
    features = inputs.shape[1]

    def loss(parts: np.ndarray) -> tuple[float, np.ndarray]:
        positive, negative, bias = parts[:features], parts[features:-1], parts[-1]
        weight = positive - negative
        score = epsilon * (positive + negative).sum() - margins(weight, bias, inputs, signs)
        pull = expit(score) / len(inputs)
        slope = RIDGE * weight - inputs.T @ (pull * signs)
        gradient = np.concatenate([slope + epsilon * pull.sum(), epsilon * pull.sum() - slope, [-(pull * signs).sum()]])
        return softplus(score).mean() + RIDGE / 2 * weight @ weight, gradient

    bounds = [(0, None)] * (2 * features) + [(None, None)]
    options = {"maxiter": 20_000, "maxfun": 40_000, "ftol": 1e-15, "gtol": 1e-9}
    parts = minimize(loss, np.zeros(2 * features + 1), jac=True, bounds=bounds, method="L-BFGS-B", options=options).x
    return parts[:features] - parts[features:-1], parts[-1]


def gradient(weight: np.ndarray, bias: float, inputs: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """d/dw of mean log(1 + e^(-m)) with the inputs held: -mean sigma(-m) y x."""
    return -(expit(-margins(weight, bias, inputs, signs)) * signs) @ inputs / len(inputs)


@dataclass(frozen=True)
class Adversarial(Topic):
    """Threes against sevens, trained without and with perturbations of size `epsilon`; half of the images are for testing."""

    lecture: ClassVar[str] = "adversarial_training"

    epsilon: Annotated[float, Gt(0), Le(1)] = 0.1

    def run(self) -> Finding:
        inputs, signs = pair_of_digits()
        train, test = (inputs[::2], signs[::2]), (inputs[1::2], signs[1::2])
        plain, hardened = trained(*train, 0.0), trained(*train, self.epsilon)
        weight = plain[0]
        length, here = np.abs(weight).sum(), margins(*plain, *test)
        harm = softplus(self.epsilon * length - here) - softplus(-here)

        numbers = {"l1_norm": length, "l1_norm_over_l2_norm": length / np.linalg.norm(weight)}
        for name, model in (("plain", plain), ("hardened", hardened)):
            numbers[f"{name}_accuracy"] = accuracy(*model, *test, 0.0)
            numbers[f"{name}_robust_accuracy"] = accuracy(*model, *test, self.epsilon)
        numbers["hardened_l1_norm"] = np.abs(hardened[0]).sum()
        numbers["share_of_l1_penalty_felt"] = harm.mean() / (self.epsilon * length)
        numbers = {name: float(number) for name, number in numbers.items()}
        return Finding(numbers, self.checks(plain, *test), self.draw(plain, hardened, *test))

    def checks(self, model: tuple[np.ndarray, float], inputs: np.ndarray, signs: np.ndarray) -> list[Check]:
        weight, bias = model
        moved, length = worst(weight, inputs, signs, self.epsilon), np.abs(weight).sum()
        loss = softplus(-margins(weight, bias, moved, signs)).mean()
        closed = adversarial_loss(weight, bias, inputs, signs, self.epsilon)

        heaviest = np.argsort(-np.abs(weight))[:CORNERS]
        patterns = np.array(list(product((-1.0, 1.0), repeat=CORNERS)))
        here = margins(weight, bias, inputs, signs)
        corners = softplus(-(here + self.epsilon * np.outer(patterns @ weight[heaviest], signs)))  # (2^12, n)
        best = softplus(self.epsilon * np.abs(weight[heaviest]).sum() - here)

        least = here / length  # the smallest epsilon that flips an example
        right = here > 0
        flips = [
            margins(weight, bias, inputs - (share * least * signs)[:, None] * np.sign(weight), signs)[right] > 0
            for share in (1 - 1e-9, 1 + 1e-9)
        ]
        step = 1e-6 * np.eye(len(weight))
        numeric = [
            adversarial_loss(weight + h, bias, inputs, signs, self.epsilon)
            - adversarial_loss(weight - h, bias, inputs, signs, self.epsilon)
            for h in step
        ]
        bend = np.abs(np.array(numeric) / 2e-6 - gradient(weight, bias, moved, signs))
        bend = bend[np.abs(weight) > 1e-5]  # elsewhere |w|_1 has a corner
        excess = softplus(self.epsilon * length - here) - softplus(-here) - self.epsilon * length
        return [
            Check("at the fast gradient sign: mean log(1 + exp(eps |w|_1 - m))", float(abs(loss - closed)), 1e-12),
            Check("no corner of the cube over 12 pixels is worse", float(np.abs(corners.max(0) - best).max()), 1e-12),
            Check("m / |w|_1 is the smallest epsilon that flips", float((~flips[0]).sum() + flips[1].sum()), 0.0),
            Check("slope of the closed form = slope at the worst inputs", float(bend.max()), 1e-6),
            Check("an L1 penalty beside the loss is never smaller", float(max(0.0, excess.max())), 1e-12),
        ]

    def draw(self, plain, hardened, inputs: np.ndarray, signs: np.ndarray) -> Figure:
        """A digit, the sign, their sum; error against epsilon for the worst and for random signs."""
        figure, axes = canvas(7.4, 2.6, columns=4, gridspec_kw={"width_ratios": (1, 1, 1, 2.4)})
        weight, bias = plain
        here = margins(weight, bias, inputs, signs)
        fooled = np.flatnonzero((here > 0) & (here < self.epsilon * np.abs(weight).sum()))
        row = fooled[np.argmax(here[fooled])] if len(fooled) else int(np.argmax(here))
        total = worst(weight, inputs[row : row + 1], signs[row : row + 1], self.epsilon)[0]

        def said(image: np.ndarray) -> str:
            chance = expit(image @ weight + bias)
            return f"“{PAIR[0]}”, {chance:.0%}" if chance > 0.5 else f"“{PAIR[1]}”, {1 - chance:.0%}"

        pictures = (
            (inputs[row], (0, 1), said(inputs[row])),
            (-signs[row] * np.sign(weight), (-1, 1), f"{self.epsilon:g} × sign of\nthe gradient"),
            (total, (0, 1), said(total)),
        )
        for panel, (image, (low, high), title) in zip(axes, pictures, strict=False):
            panel.imshow(image.reshape(8, 8), cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            panel.set_title(title, fontsize=9)
            panel.set(xticks=[], yticks=[])
            panel.grid(False)
        epsilons = np.linspace(0, 3 * self.epsilon, 61)
        random = np.sign(np.random.default_rng(0).standard_normal((200, 1, inputs.shape[1])))

        def errors(model: tuple[np.ndarray, float]) -> np.ndarray:
            return np.array([1 - accuracy(*model, inputs, signs, epsilon) for epsilon in epsilons])

        by_chance = np.array([(margins(weight, bias, inputs + e * random, signs) <= 0).mean() for e in epsilons])
        for label, color, style, error in (
            ("worst, plain training", COLORS[1], "-", errors(plain)),
            ("worst, adversarial training", COLORS[0], "-", errors(hardened)),
            ("random signs, plain training", COLORS[1], ":", by_chance),
        ):
            axes[3].plot(epsilons, 100 * error, style, color=color, label=label)
        axes[3].set(xlabel="epsilon (pixels lie in 0 to 1)", ylabel="test error (%)", ylim=(0, 100))
        axes[3].legend(fontsize=7, loc="upper left")
        return figure


def accuracy(weight: np.ndarray, bias: float, inputs: np.ndarray, signs: np.ndarray, epsilon: float) -> float:
    """Share of the examples with m > epsilon |w|_1: right, and robust at epsilon."""
    return (margins(weight, bias, inputs, signs) > epsilon * np.abs(weight).sum()).mean()
