"""Attack reliability checks of amounts: can an error under attack be believed? It is unreliable if any check fails."""

import itertools

import torch
from torch import Tensor

from reglab.attacks.ball import Norm, rowwise_norm
from reglab.attacks.base import Model, evaluation_mode
from reglab.attacks.fast_gradient import fast_gradient
from reglab.attacks.objectives import squared_error
from reglab.attacks.projected_gradient import projected_gradient
from reglab.attacks.square import square
from reglab.core.checks import Check
from reglab.data.inputs import UNIT_RANGE
from reglab.experiments.robustness.reliability import (
    MORE_RESTARTS,
    MORE_STEPS,
    QUERIES,
    ROUNDING,
    SHARES,
    STEPS,
    score_checks,
)

SHARE = 0.01  # root mean squared errors closer than this, as a share, count as equal


@torch.no_grad()
def squared_errors(model: Model, inputs: Tensor, amounts: Tensor) -> Tensor:
    """(z - t)² of each example (n,), in evaluation mode."""
    with evaluation_mode(model):
        return squared_error(model(inputs), amounts)


def error_reliability_checks(
    model: Model,
    inputs: Tensor,  # (n, *shape), within the bounds
    amounts: Tensor,  # (n, 1), as the loss takes them
    epsilon: float,
    adversarial: Tensor,  # (n, *shape): the inputs on which the reported error at epsilon was measured
    *,
    norm: Norm = "linf",
    seed: int = 0,
    bounds: tuple[float, float] = UNIT_RANGE,
) -> list[Check]:
    """Checks one model of amounts and the adversarial inputs on which its reported error under attack was measured.

    They are those of `reliability.reliability_checks` that need no class. For a check that an attack finds nothing more, the
    gap is the share by which the root mean squared error grows where that attack may move any example further. That an
    unbounded attack reaches a certain error is not checked, for a network of amounts may be bounded.
    """
    lowest, highest = bounds

    def root_mean(errors: Tensor) -> float:
        return errors.mean().sqrt().item()

    def projected(reach: float) -> Tensor:
        settings = {"norm": norm, "steps": STEPS, "seed": seed, "bounds": bounds}
        return squared_errors(model, projected_gradient(model, inputs, amounts, reach, **settings), amounts)

    clean, reported = (squared_errors(model, each, amounts) for each in (inputs, adversarial))
    outside = torch.maximum(lowest - adversarial, adversarial - highest).max().item()
    beyond = (rowwise_norm(adversarial - inputs, norm) - epsilon).max().item()
    curve = [root_mean(errors) for errors in (clean, *(projected(share * epsilon) for share in SHARES))]
    whole = max(curve[-1], torch.finfo(inputs.dtype).tiny)

    def more(attack, **settings) -> float:
        """The share by which this attack raises the reported error."""
        errors = squared_errors(
            model, attack(model, inputs, amounts, epsilon, norm=norm, bounds=bounds, **settings), amounts
        )
        return root_mean(torch.maximum(errors, reported)) / max(root_mean(reported), torch.finfo(inputs.dtype).tiny) - 1

    unmoved = (projected(0.0) - clean).abs().max().item()
    falls = max(before - after for before, after in itertools.pairwise(curve)) / whole
    restarts = {"steps": MORE_STEPS, "restarts": MORE_RESTARTS, "seed": seed + 1}
    return [
        Check("the adversarial inputs lie within epsilon and the range of pixels", max(outside, beyond, 0.0), ROUNDING),
        Check("epsilon 0 leaves the clean error", unmoved, 0.0),
        Check("the error rises with epsilon", max(falls, 0.0), SHARE),
        Check("a single step finds nothing more", more(fast_gradient), SHARE),
        Check("more steps and restarts find nothing more", more(projected_gradient, **restarts), SHARE),
        *score_checks(model, inputs, amounts),
        Check("a black-box attack finds nothing more", more(square, queries=QUERIES, seed=seed), SHARE),
    ]


def error_transfer_check(reported: float, others: list[float]) -> Check:
    """Checks the `reported` rmse under attack against the rmse on inputs that were made for other models."""
    gap = max([reported, *others]) / reported - 1 if reported > 0 else 0.0
    return Check("attacks on other models find nothing more", gap, SHARE)
