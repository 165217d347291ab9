"""The growth of weights with hard targets, and the finite optimum with smoothed targets.

Softmax regression without bias on k classes, logits z = W^T x. On separable data the cross-entropy of hard targets has
no minimum: it falls for as long as |W| grows. With the lecture's smoothed targets, 1 - s on the right class and
s/(k - 1) on every other, it is least where the softmax equals the target: the right logit exceeds every other by

    margin = log((1 - s) (k - 1) / s)

and there the loss is the entropy of the target. If the images are linearly independent all can have that margin at
once, and gradient descent from zero ends at the smallest such weights, W = X^+ Z, with Z the logits of that margin,
each row with mean zero. For hard targets the theory gives the rate of growth: |W_t| ~ |W_svm| log t, with W_svm the smallest
weights whose margins are all at least 1, those of the multi-class support vector machine.

Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.5.1; Soudry, Hoffer, Nacson, Gunasekar and
Srebro, The Implicit Bias of Gradient Descent on Separable Data, 2018, the theorem on multi-class problems.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from matplotlib.figure import Figure

from reglab.core.checks import Check
from reglab.core.figures import COLORS, INK, canvas
from reglab.data import load_source
from reglab.experiments.theory.base import Finding, Topic

CLASSES = 10


def optimal_margin(smoothing: float, classes: int) -> float:
    """log((1 - s) (k - 1) / s): the lead of the right logit at which the smoothed loss is least."""
    return float(np.log((1 - smoothing) * (classes - 1) / smoothing))


def smoothed(labels: np.ndarray, smoothing: float, classes: int) -> np.ndarray:
    """Targets (n, classes): 1 - smoothing on the label, smoothing / (classes - 1) on each other class."""
    right = np.eye(classes)[labels]
    return right * (1 - smoothing) + (1 - right) * smoothing / (classes - 1)


def optimum(inputs: np.ndarray, labels: np.ndarray, smoothing: float, classes: int) -> np.ndarray:
    """X^+ Z (features, classes): the smallest weights that give each of the independent inputs the optimal margin."""
    return np.linalg.pinv(inputs) @ (optimal_margin(smoothing, classes) * (np.eye(classes)[labels] - 1 / classes))


def loss(inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
    """Mean cross-entropy in nats."""
    from scipy.special import log_softmax

    return float(-(targets * log_softmax(inputs @ weights, axis=1)).sum(1).mean())


def gradient(inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """X^T (softmax(XW) - T) / n."""
    from scipy.special import softmax

    return inputs.T @ (softmax(inputs @ weights, axis=1) - targets) / len(inputs)


def curvature(inputs: np.ndarray) -> float:
    """lambda_max(X^T X) / (2 n), which the Hessian of `loss` never exceeds: rate 1 / curvature is safe."""
    return float(np.linalg.norm(inputs, 2) ** 2 / (2 * len(inputs)))


def descend(inputs: np.ndarray, targets: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The weights (len(steps), features, classes) after each of the increasing numbers of full steps from zero.

    The rate is 1 / curvature. The state is A in W = X^T A: the gradient lies in the span of the inputs.
    """
    scale, gram = curvature(inputs) * len(inputs), inputs @ inputs.T
    share, sizes, done = np.zeros_like(targets), [], 0
    for wanted in steps:
        for _ in range(wanted - done):
            exponential = gram @ share
            exponential -= exponential.max(1, keepdims=True)
            np.exp(exponential, out=exponential)
            share -= (exponential / exponential.sum(1, keepdims=True) - targets) / scale
        done = wanted
        sizes.append(inputs.T @ share)
    return np.stack(sizes)


def largest_margin(inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """W_svm (features, classes): the smallest weights with every margin at least 1, by Crammer and Singer's machine."""
    from sklearn.svm import LinearSVC

    machine = LinearSVC(
        C=1e6, multi_class="crammer_singer", fit_intercept=False, tol=1e-9, max_iter=10**6, random_state=0
    )
    return machine.fit(inputs, labels).coef_.T


@dataclass(frozen=True)
class WeightGrowth(Topic):
    """Softmax regression on a few images of each digit, by gradient descent, on hard and on smoothed targets."""

    lecture: ClassVar[str] = "noise"

    smoothing: Annotated[float, Gt(0), Lt(0.5)] = 0.1
    examples_per_class: Annotated[int, Ge(1), Le(3)] = 1
    steps: Annotated[int, Ge(10_000), Le(100_000)] = 30_000

    def run(self) -> Finding:
        from scipy.optimize import minimize_scalar

        images, digits = load_source("digits")
        rows = np.concatenate([np.flatnonzero(digits == digit)[: self.examples_per_class] for digit in range(CLASSES)])
        inputs, labels = images[rows].reshape(len(rows), -1).astype(float), digits[rows]
        steps = np.unique(np.geomspace(1, self.steps, 80).round().astype(int))

        hard = descend(inputs, np.eye(CLASSES)[labels], steps)
        hard_norm = np.linalg.norm(hard, axis=(1, 2))
        smallest = float(np.linalg.norm(largest_margin(inputs, labels)))
        decade = steps >= self.steps / 10
        slope = np.polyfit(np.log(steps[decade]), hard_norm[decade], 1)[0]
        # A loss L leaves no margin below -log(e^(nL) - 1), and a margin m takes weights of norm m |W_svm|.
        losses = np.array([loss(inputs, np.eye(CLASSES)[labels], weights) for weights in hard])
        needed = -smallest * np.log(np.expm1(len(inputs) * losses))

        targets = smoothed(labels, self.smoothing, CLASSES)
        best = optimum(inputs, labels, self.smoothing, CLASSES)
        length = float(np.linalg.norm(best))
        soft = descend(inputs, targets, steps)
        away = np.linalg.norm(soft - best, axis=(1, 2))
        entropy = loss(inputs, targets, best)
        excess = np.array([loss(inputs, targets, weights) for weights in soft]) - entropy
        allowed = curvature(inputs) * length**2 / (2 * steps)
        margin = optimal_margin(self.smoothing, CLASSES)
        best_lead = minimize_scalar(lambda lead: float(lead_loss(lead, self.smoothing, CLASSES)), (0, 1), tol=1e-12).x
        checks = [
            Check(
                "smoothed targets: the margin found by search = log((1 - s)(k - 1)/s)", abs(best_lead - margin), 1e-5
            ),
            Check(
                "smoothed targets: the gradient at X^+ Z is zero", np.abs(gradient(inputs, targets, best)).max(), 1e-12
            ),
            Check("smoothed targets: every step comes nearer to X^+ Z", max(0.0, *np.diff(away)) / length, 1e-12),
            Check("smoothed targets: excess loss within curvature |W|^2 / (2 t)", max(0.0, *(excess - allowed)), 1e-12),
            Check("hard targets: |W| grows from each recorded step to the next", -min(0.0, *np.diff(hard_norm)), 0.0),
            Check(
                "hard targets: |W| is at least what the loss asks for", max(0.0, *(needed - hard_norm)) / smallest, 1e-6
            ),
            Check("hard targets: d|W| / d log t over the last decade = |W_svm|", abs(slope / smallest - 1), 0.1),
            Check(
                "PyTorch's label_smoothing of s k/(k - 1) = the lecture's s", self.gap_to_torch(inputs, labels), 1e-12
            ),
        ]
        numbers = {
            "optimal_margin": margin,
            "torch_label_smoothing": self.smoothing * CLASSES / (CLASSES - 1),
            "weight_norm_smoothed": np.linalg.norm(soft[-1]),
            "weight_norm_smoothed_optimum": length,
            "weight_norm_hard": hard_norm[-1],
            "weight_norm_hard_a_decade_earlier": hard_norm[decade][0],
            "growth_per_factor_e_in_steps": slope,
            "growth_by_theory": smallest,
            "loss_hard": losses[-1],
            "loss_smoothed_optimum": entropy,
        }
        figure = self.draw(steps, hard_norm, np.linalg.norm(soft, axis=(1, 2)), length, smallest)
        return Finding({name: float(value) for name, value in numbers.items()}, checks, figure)

    def gap_to_torch(self, inputs: np.ndarray, labels: np.ndarray) -> float:
        """The difference to PyTorch, whose share is spread over all k classes, so that it is k/(k - 1) times ours."""
        import torch

        weights = 3 * optimum(inputs, labels, 0.3, CLASSES)
        theirs = torch.nn.functional.cross_entropy(
            torch.as_tensor(inputs @ weights),
            torch.as_tensor(labels),
            label_smoothing=self.smoothing * CLASSES / (CLASSES - 1),
        )
        return abs(float(theirs) - loss(inputs, smoothed(labels, self.smoothing, CLASSES), weights))

    def draw(self, steps: np.ndarray, hard: np.ndarray, soft: np.ndarray, length: float, smallest: float) -> Figure:
        """Draw the norms over the steps with their closed forms, and the loss against the margin."""
        figure, (growth, bowl) = canvas(7.2, 3.2, columns=2)
        growth.semilogx(steps, hard, color=COLORS[1], label="hard targets")
        tail = steps >= 30
        line = hard[-1] + smallest * np.log(steps[tail] / steps[-1])
        growth.semilogx(steps[tail], line, ":", color=COLORS[1], label="slope of the theory, ‖W_svm‖")
        growth.semilogx(steps, soft, color=COLORS[0], label=f"smoothed targets, s = {self.smoothing:g}")
        growth.axhline(length, color=COLORS[0], linestyle=":", label="‖X⁺Z‖, where they end")
        growth.set(xlabel="steps of gradient descent", ylabel="‖W‖", ylim=(0, None))
        growth.set_title(f"{CLASSES * self.examples_per_class} images of digits, linearly separable", fontsize=9)
        growth.legend(fontsize=7, loc="upper left")

        top = max(optimal_margin(self.smoothing / 10, CLASSES) * 1.3, 10)
        lead = np.linspace(-1, top, 300)
        for color, share in ((COLORS[1], 0.0), (COLORS[2], self.smoothing / 10), (COLORS[0], self.smoothing)):
            label = f"s = {share:g}" if share else "hard targets"
            bowl.plot(lead, lead_loss(lead, share, CLASSES), color=color, label=label)
            if share:
                best = optimal_margin(share, CLASSES)
                bowl.plot(best, lead_loss(best, share, CLASSES), "o", color=color, zorder=5)
                bowl.annotate(
                    f"{best:.2f}",
                    (best, lead_loss(best, share, CLASSES)),
                    (0, 6),
                    textcoords="offset points",
                    ha="center",
                    fontsize=7,
                    color=INK,
                )
        bowl.set(xlabel="margin: right logit − wrong logits", ylabel="loss (nats)", ylim=(0, None))
        bowl.set_title("Dots: log((1 − s)(k − 1)/s)", fontsize=9)
        bowl.legend(fontsize=7)
        return figure


def lead_loss(lead: np.ndarray | float, smoothing: float, classes: int) -> np.ndarray:
    """The smoothed loss of one example whose right logit leads all the others by `lead`: log(1 + (k-1) e^-m) + s m."""
    return np.log1p((classes - 1) * np.exp(-np.asarray(lead))) + smoothing * np.asarray(lead)
