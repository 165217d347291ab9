"""The robustness of a linear model in closed form, which attacks are tested against."""

import torch
from torch import Tensor

from reglab.attacks.ball import Norm, rowwise_norm
from reglab.attacks.linear import least_offset
from reglab.data.inputs import UNIT_RANGE


def minimal_perturbation(
    weight: Tensor,  # (classes, features)
    bias: Tensor,  # (classes,)
    inputs: Tensor,  # (n, *shape)
    labels: Tensor,  # (n,) int64
    *,
    norm: Norm = "linf",
    bounds: tuple[float, float] = UNIT_RANGE,
) -> tuple[Tensor, Tensor]:
    """The least epsilon (n,) at which the scores W x + b tie with another class, and the offsets (n, *shape).

    0 for an example that is wrong already; infinite, with offset 0, where the range holds no such input. An example is
    robust at every epsilon below its least. Towards class t the offset is `least_offset`'s for w_t - w_y and z_y - z_t.

    Source: the dual norms as in Goodfellow, Shlens and Szegedy, Explaining and Harnessing Adversarial Examples, 2015,
    section 5; the range is added.
    """
    flat, weight, bias = inputs.flatten(1).double(), weight.double(), bias.double()
    scores = flat @ weight.T + bias
    true_scores = scores.gather(1, labels[:, None])[:, 0]
    least = torch.full(labels.shape, torch.inf, dtype=torch.float64)
    offsets = torch.zeros_like(flat)
    for aim in range(len(weight)):
        gap = (true_scores - scores[:, aim]).clamp(min=0)
        offset, reached = least_offset(weight[aim] - weight[labels], gap, flat, norm=norm, bounds=bounds)
        epsilon = torch.where(reached & (labels != aim), rowwise_norm(offset, norm), torch.inf)
        nearer = epsilon < least
        least, offsets = torch.where(nearer, epsilon, least), torch.where(nearer[:, None], offset, offsets)
    return least, offsets.view(inputs.shape)


def robust_accuracy(
    weight: Tensor, bias: Tensor, inputs: Tensor, labels: Tensor, epsilon: float, *, norm: Norm = "linf"
) -> float:
    """The share of the inputs that no perturbation up to epsilon makes wrong; shapes as in `minimal_perturbation`."""
    least, _ = minimal_perturbation(weight, bias, inputs, labels, norm=norm)
    return (least > epsilon).double().mean().item()
