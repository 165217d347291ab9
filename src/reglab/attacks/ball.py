"""The set of allowed adversarial inputs: within epsilon of the example, and within the box of the data."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from reglab.core.errors import UserError
from reglab.data.inputs import UNBOUNDED, UNIT_RANGE

Norm = Literal["linf", "l2"]


def rowwise_norm(offsets: Tensor, norm: Norm) -> Tensor:
    """max_i |d_i| or (sum_i d_i^2)^(1/2) of each example's offset (n, *shape): (n,)."""
    flat = offsets.flatten(1)
    return flat.abs().amax(1) if norm == "linf" else torch.linalg.vector_norm(flat, dim=1)


def extent(inputs: Tensor, bounds: tuple[float, float]) -> float:
    """The side of the box of inputs (n, *shape); where there is none, twice the difference of the largest and smallest."""
    return 2 * (inputs.max() - inputs.min()).item() if bounds == UNBOUNDED else bounds[1] - bounds[0]


@dataclass(frozen=True)
class Ball:
    """{x : ||x - center|| <= radius, low <= x <= high} for each example: centers (n, *shape), radii (n, 1, ..., 1)."""

    center: Tensor
    radius: Tensor
    low: Tensor
    high: Tensor
    norm: Norm

    @classmethod
    def around(
        cls, inputs: Tensor, epsilon: float | Tensor, norm: Norm = "linf", bounds: tuple[float, float] = UNIT_RANGE
    ) -> "Ball":
        """Balls of radius epsilon, one for all or one each (n,), around inputs within the bounds; else UserError."""
        lowest, highest = bounds
        radius = torch.as_tensor(epsilon, dtype=inputs.dtype, device=inputs.device)
        if not (radius >= 0).all():
            raise UserError(f"attack: epsilon: found {radius.min().item():g}; allowed: 0 or more")
        if norm not in ("linf", "l2"):
            raise UserError(f"attack: norm: found {norm!r}; allowed: linf, l2")
        if inputs.numel() and not (inputs.min() >= lowest and inputs.max() <= highest):
            raise UserError(
                f"attack: inputs: found {inputs.min().item():g} to {inputs.max().item():g}; the declared range is "
                f"{lowest:g} to {highest:g}; scale the data to it, and attack before input noise, say, leaves it"
            )
        radius = radius.expand(len(inputs)).reshape(-1, *[1] * (inputs.ndim - 1))
        reach = radius if norm == "linf" else torch.full_like(radius, torch.inf)
        low, high = (inputs - reach).clamp(min=lowest), (inputs + reach).clamp(max=highest)
        return cls(inputs.detach(), radius, low, high, norm)

    def __getitem__(self, rows: Tensor) -> "Ball":
        return Ball(self.center[rows], self.radius[rows], self.low[rows], self.high[rows], self.norm)

    def project(self, points: Tensor) -> Tensor:
        """Project into the ball, then into the range; moving into the range never increases the distance from the center.

        For linf that is the nearest point of the set; for l2 a point of it.
        """
        if self.norm == "l2":
            offsets = points - self.center
            length = torch.linalg.vector_norm(offsets, dim=tuple(range(1, points.ndim)), keepdim=True)
            points = self.center + offsets * (self.radius / length.clamp(min=1e-30)).clamp(max=1)
        return points.clamp(self.low, self.high)

    def random(self, random: torch.Generator) -> Tensor:
        """A uniformly drawn point of each ball, then brought into the range.

        Drawn on the generator's device for all examples, so that a caller may go on with some of the rows.
        """
        shape, examples = self.center.shape, len(self.center)
        if self.norm == "linf":
            offsets = 2 * torch.rand(shape, generator=random, device=random.device) - 1
        else:
            offsets = torch.randn(shape, generator=random, device=random.device).flatten(1)
            share = torch.rand(examples, 1, generator=random, device=random.device) ** (1 / offsets.shape[1])
            offsets = (offsets * share / torch.linalg.vector_norm(offsets, dim=1, keepdim=True)).view(shape)
        return self.project(self.center + self.radius * offsets.to(self.center))

    def steepest(self, slope: Tensor) -> Tensor:
        """The direction of steepest ascent for the gradient g, of length one: sign(g), or g / ||g||_2; 0 for 0."""
        if self.norm == "linf":
            return slope.sign()
        axes = tuple(range(1, slope.ndim))
        largest = slope.abs().amax(axes, keepdim=True).clamp(min=torch.finfo(slope.dtype).tiny)
        scaled = slope / largest  # the squares of a small slope would vanish
        return scaled / torch.linalg.vector_norm(scaled, dim=axes, keepdim=True).clamp(min=1e-12)
