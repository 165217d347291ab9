"""What no attack has to search for: the nearest input that a linear model gets wrong, in closed form."""

import torch
from torch import Tensor

from reglab.attacks.ball import Norm, rowwise_norm


def least_scale(gains: Tensor, rooms: Tensor, wanted: Tensor) -> Tensor:
    """The least t >= 0 with sum_i min(gains_i t, rooms_i) = wanted, for each row (n, features); infinite where rooms are too small.

    The sum is concave and piecewise linear in t with its corners at rooms_i / gains_i: sort them, find the piece, solve.
    """
    corners, order = torch.where(gains > 0, rooms / gains, torch.inf).sort(1)
    gains, rooms = gains.gather(1, order), torch.where(gains > 0, rooms, 0).gather(1, order)
    slope_after = gains.sum(1, keepdim=True) - gains.cumsum(1)
    reached = rooms.cumsum(1) + torch.where(corners < torch.inf, corners, 0) * slope_after  # the sum at each corner
    piece = (reached < wanted[:, None]).sum(1, keepdim=True)  # the corners that are not enough
    before = (piece - 1).clamp(min=0)
    full = torch.where(piece > 0, rooms.cumsum(1).gather(1, before), 0)
    slope = torch.where(piece > 0, slope_after.gather(1, before), gains.sum(1, keepdim=True))
    scale = torch.where(slope > 0, (wanted[:, None] - full) / slope, torch.inf)
    return torch.where(piece < gains.shape[1], scale, torch.inf)[:, 0].where(wanted > 0, 0)


def minimal_perturbation(
    weight: Tensor,  # (classes, features)
    bias: Tensor,  # (classes,)
    inputs: Tensor,  # (n, *shape)
    labels: Tensor,  # (n,) int64
    *,
    norm: Norm = "linf",
    bounds: tuple[float, float] = (0.0, 1.0),
) -> tuple[Tensor, Tensor]:
    """The least epsilon (n,) at which scores W x + b are tied with another class, and the offsets (n, *shape) that do it.

    0 for an example that is wrong already; infinite, with offset 0, where the range holds no such input. Towards class t,
    with v = w_t - w_y and gap m = z_y - z_t, the offset of norm epsilon that raises v . d most within the range has
    |d_i| = min(t a_i, room_i), a_i = 1 for linf and |v_i| for l2, so that sum_i |v_i| min(t a_i, room_i) = m tells t.
    Without a range that is epsilon = m / ||v||_1 for linf and m / ||v||_2 for l2. Robust at epsilon is who has more than it.

    Source: the dual norm, as in Goodfellow, Shlens and Szegedy, Explaining and Harnessing Adversarial Examples, 2015,
    section 5; the range added.
    """
    lowest, highest = bounds
    flat, weight, bias = inputs.flatten(1).double(), weight.double(), bias.double()
    scores = flat @ weight.T + bias
    own = scores.gather(1, labels[:, None])[:, 0]
    least = torch.full(labels.shape, torch.inf, dtype=torch.float64)
    offsets = torch.zeros_like(flat)
    for aim in range(len(weight)):
        direction = weight[aim] - weight[labels]
        room = torch.where(direction > 0, highest - flat, flat - lowest)
        size = direction.abs()
        pace = torch.ones_like(size) if norm == "linf" else size
        scale = least_scale(size * pace, size * room, own - scores[:, aim])
        reached = torch.isfinite(scale) & (labels != aim)
        offset = torch.minimum(scale.nan_to_num(posinf=0.0)[:, None] * pace, room) * direction.sign()
        epsilon = torch.where(reached, rowwise_norm(offset, norm), torch.inf)
        nearer = epsilon < least
        least, offsets = torch.where(nearer, epsilon, least), torch.where(nearer[:, None], offset, offsets)
    return least, offsets.view(inputs.shape)
