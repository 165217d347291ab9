"""The smallest epsilon at which an attack fools the model, for each example."""

import torch
from torch import Tensor

from reglab.attacks.ball import Norm, rowwise_norm
from reglab.attacks.base import Model, correct, evaluation_mode
from reglab.data.inputs import UNIT_RANGE


def smallest_epsilon(
    attack,  # (model, inputs, labels, epsilon, norm=..., bounds=...) -> adversarial inputs
    model: Model,
    inputs: Tensor,  # (n, *shape)
    labels: Tensor,  # (n,) int64
    *,
    norm: Norm = "linf",
    largest: float = 1.0,
    halvings: int = 10,
    bounds: tuple[float, float] = UNIT_RANGE,
) -> Tensor:
    """The smallest norm of a successful perturbation, by bisection of epsilon: (n,).

    0 where the model is wrong anyway, infinite where the attack fails up to `largest`. For an attack that always succeeds
    from some epsilon on, it exceeds that by at most largest / 2^halvings.
    """
    with evaluation_mode(model):
        standing = correct(model, inputs, labels)
    fooled_at = torch.where(standing, torch.inf, 0.0).to(inputs)
    stood_at = torch.zeros_like(fooled_at)

    def attempt(rows: Tensor, epsilon: Tensor) -> None:
        moved = attack(model, inputs[rows], labels[rows], epsilon, norm=norm, bounds=bounds)
        with evaluation_mode(model):
            stood = correct(model, moved, labels[rows])
        length = rowwise_norm(moved - inputs[rows], norm)
        fooled_at[rows] = torch.where(stood, fooled_at[rows], torch.minimum(length, fooled_at[rows]))
        stood_at[rows] = torch.where(stood, epsilon, stood_at[rows])

    rows = standing.nonzero()[:, 0]
    attempt(rows, torch.full_like(fooled_at[rows], largest))
    for _ in range(halvings):
        rows = rows[fooled_at[rows].isfinite()]
        attempt(rows, (stood_at[rows] + fooled_at[rows]) / 2)
    return fooled_at
