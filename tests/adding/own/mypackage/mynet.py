"""A network of the user's own."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from annotated_types import Ge
from torch import nn

from reglab.training.network import Architecture, Block

from .sizes import DEPTH


@dataclass(frozen=True)
class MyNet(Architecture):
    """DEPTH layers of `units` hyperbolic tangents."""

    units: Annotated[int, Ge(1)] = 12

    def blocks(self, shape: Sequence[int]) -> list[Block]:
        sizes = [math.prod(shape)] + [self.units] * DEPTH
        return [Block(nn.Flatten(), nn.Linear(n, m), nn.Tanh()) for n, m in pairwise(sizes)]
