"""One layer of sine units."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Le
from torch import Tensor, nn

from reglab.training.network import Architecture, Block


class SineUnits(nn.Module):
    """sin(frequency x)."""

    def __init__(self, frequency: float) -> None:
        super().__init__()
        self.frequency = frequency

    def forward(self, units: Tensor) -> Tensor:
        return torch.sin(self.frequency * units)


@dataclass(frozen=True)
class Sine(Architecture):
    """h = sin(frequency (W x + b)), with as many units as there are inputs."""

    frequency: Annotated[float, Ge(0.1), Le(100)] = 3.0

    def blocks(self, shape: Sequence[int]) -> list[Block]:
        inputs = math.prod(shape)
        return [Block(nn.Flatten(), nn.Linear(inputs, inputs), SineUnits(self.frequency))]
