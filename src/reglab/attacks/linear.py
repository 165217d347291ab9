"""The nearest point of a hyperplane within the range of the inputs, in closed form."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from reglab.attacks.ball import Norm
from reglab.data.inputs import UNIT_RANGE


def least_scale(gains: Tensor, rooms: Tensor, wanted: Tensor) -> Tensor:
    """The least t >= 0 with sum_i min(gains_i t, rooms_i) = wanted for each row: (n, features) twice and (n,) to (n,).

    Infinite where the rooms together are too small. The sum is concave, so it is the least of the lines that its pieces
    lie on, one before each corner rooms_i / gains_i and one after the last: all of them must reach `wanted`.
    """
    order = torch.where(gains > 0, rooms / gains, torch.inf).argsort(1)
    gains, rooms = gains.gather(1, order), rooms.gather(1, order)
    slopes = pad(gains.flip(1).cumsum(1).flip(1), (0, 1))
    missing = wanted[:, None] - pad(rooms.cumsum(1), (1, 0))
    return torch.where(missing > 0, missing / slopes, 0).amax(1)


def least_offset(
    direction: Tensor,  # v (n, features)
    gap: Tensor,  # m (n,)
    points: Tensor,  # x (n, features), within the bounds
    *,
    norm: Norm = "linf",
    bounds: tuple[float, float] = UNIT_RANGE,
) -> tuple[Tensor, Tensor]:
    """The offset d (n, features) of least norm with v . d = m for which x + d is within the bounds, and whether there is one.

    |d_i| = min(s a_i, room_i) with a_i = 1 for linf and |v_i| for l2, where sum_i |v_i| min(s a_i, room_i) = |m| gives s.
    Where the range is far ||d|| is |m| / ||v||_1 for linf and |m| / ||v||_2 for l2. Where it holds no such point, d leads
    to its corner nearest to one.
    """
    lowest, highest = bounds
    direction = direction * torch.where(gap < 0, -1, 1)[:, None]
    room = torch.where(direction > 0, highest - points, points - lowest)
    size = direction.abs()
    pace = torch.ones_like(size) if norm == "linf" else size
    scale = least_scale(size * pace, size * room, gap.abs())
    reached = scale.isfinite()
    step = scale.nan_to_num(posinf=torch.finfo(scale.dtype).max)[:, None] * pace
    return torch.minimum(step, room) * direction.sign(), reached
