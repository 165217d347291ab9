"""The multilayer perceptron: fully connected layers of rectified linear units."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from annotated_types import Ge, Le
from torch import nn

from reglab.training.network import Architecture, Block


@dataclass(frozen=True)
class MLP(Architecture):
    """`depth` hidden layers of `width` units: h = max(0, W h + b).

    Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 6.3.
    """

    width: Annotated[int, Ge(1), Le(65_536)] = 256
    depth: Annotated[int, Ge(1), Le(100)] = 2

    def blocks(self, shape: Sequence[int]) -> list[Block]:
        widths = [math.prod(shape)] + [self.width] * self.depth
        return [Block(nn.Flatten(), nn.Linear(n, m), nn.ReLU()) for n, m in pairwise(widths)]
