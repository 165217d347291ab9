"""Attack reliability checks: can a robust accuracy be believed? It is unreliable if any check fails."""

import itertools
from collections.abc import Iterable

import torch
from torch import Tensor

from reglab.attacks.ball import Norm, extent, rowwise_norm
from reglab.attacks.base import Model, accuracy, correct, evaluation_mode, gradient, is_amounts
from reglab.attacks.fast_gradient import fast_gradient
from reglab.attacks.objectives import loss, margin
from reglab.attacks.projected_gradient import projected_gradient
from reglab.attacks.square import square
from reglab.core.checks import Check
from reglab.data.inputs import UNIT_RANGE

POINT = 0.01  # accuracies closer than this count as equal
ROUNDING = 1e-5  # relative, of scores computed twice; absolute, of places computed in single precision
SHARES = (0.25, 0.5, 1.0, 2.0)  # of epsilon, where accuracy must fall
STEPS, MORE_STEPS, MORE_RESTARTS, QUERIES = 20, 100, 3, 500


def reliability_checks(
    model: Model,
    inputs: Tensor,  # (n, *shape), within the bounds
    labels: Tensor,  # (n,) int64
    epsilon: float,
    adversarial: Tensor,  # (n, *shape): the inputs on which the reported robust accuracy at epsilon was measured
    *,
    norm: Norm = "linf",
    seed: int = 0,
    bounds: tuple[float, float] = UNIT_RANGE,
) -> list[Check]:
    """Checks one model and the adversarial inputs on which its reported robust accuracy was measured.

    For a check that an attack finds nothing more, the gap is the share of the examples that the model gets right on
    `adversarial` but wrong under that attack. UserError as in `base` and `Ball.around`.

    Sources: Athalye, Carlini and Wagner, Obfuscated Gradients Give a False Sense of Security, 2018, section 3.1;
    Carlini et al., On Evaluating Adversarial Robustness, 2019, sections 3 to 5; Croce and Hein's AutoAttack, its flags.
    """
    lowest, highest = bounds
    whole = extent(inputs, bounds) * (1.0 if norm == "linf" else inputs[0].numel() ** 0.5)

    def projected(reach: float, steps: int = STEPS) -> float:
        moved = projected_gradient(
            model, inputs, labels, reach, norm=norm, steps=steps, objective=margin, seed=seed, bounds=bounds
        )
        return accuracy(model, moved, labels)

    clean = accuracy(model, inputs, labels)
    outside = torch.maximum(lowest - adversarial, adversarial - highest).max().item()
    beyond = (rowwise_norm(adversarial - inputs, norm) - epsilon).max().item()
    unbounded = projected(whole, MORE_STEPS)
    curve = [clean, *(projected(share * epsilon) for share in SHARES), unbounded]
    with evaluation_mode(model):
        standing = correct(model, adversarial, labels)

    def newly_fooled(attack, **settings) -> float:
        """Share of all examples that only this attack fools."""
        kept, theirs = inputs[standing], labels[standing]
        if not len(kept):
            return 0.0
        moved = attack(model, kept, theirs, epsilon, bounds=bounds, **settings)
        return (1 - accuracy(model, moved, theirs)) * len(kept) / len(inputs)

    more = {"norm": norm, "steps": MORE_STEPS, "restarts": MORE_RESTARTS, "objective": margin, "seed": seed + 1}
    return [
        Check("the adversarial inputs lie within epsilon and the range of pixels", max(outside, beyond, 0.0), ROUNDING),
        Check("epsilon 0 leaves the clean accuracy", abs(projected(0.0) - clean), 0.0),
        Check("accuracy falls with epsilon", max(b - a for a, b in itertools.pairwise(curve)), POINT),
        Check("an unbounded attack reaches 0 %", unbounded, 0.0),
        Check("a single step finds nothing more", newly_fooled(fast_gradient, norm=norm), POINT),
        Check("more steps and restarts find nothing more", newly_fooled(projected_gradient, **more), POINT),
        *score_checks(model, inputs, labels),
        Check(
            "a black-box attack finds nothing more", newly_fooled(square, norm=norm, queries=QUERIES, seed=seed), POINT
        ),
    ]


def score_checks(model: Model, inputs: Tensor, labels: Tensor) -> list[Check]:
    """Checks what meaningful gradients require: deterministic scores before the softmax, and slopes other than zero.

    Labels are classes (n,), or amounts (n, 1), which know no softmax.
    """
    with evaluation_mode(model):
        with torch.no_grad():
            scores, again = model(inputs), model(inputs)
            apart = torch.cat([model(part) for part in inputs.split(max(1, len(inputs) // 3))])
        _, _, slope = gradient(model, inputs, loss, labels)
    scale = scores.abs().max().clamp(min=1e-30)

    def gap(other: Tensor) -> float:
        return ((other - scores).abs().max() / scale).item()

    checks = []
    if not is_amounts(labels):
        distributions = (scores >= 0).all(1) & ((scores.sum(1) - 1).abs() < 1e-3)
        checks = [Check("the scores are no probabilities", distributions.double().mean().item(), 0.5)]
    return [
        *checks,
        Check("the scores are the same each time", gap(again), ROUNDING),
        Check("an example's scores do not depend on its batch", gap(apart), ROUNDING),
        Check("the loss has a slope at the examples", (slope.flatten(1) == 0).all(1).double().mean().item(), POINT),
    ]


def transfer_check(reported: float, others: Iterable[float]) -> Check:
    """Checks the `reported` robust accuracy against the accuracies on inputs that were made for other models."""
    return Check("attacks on other models find nothing more", reported - min([reported, *others]), POINT)
