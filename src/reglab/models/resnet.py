"""A residual network for images of any size: each block adds to its input what its two convolutions compute."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le
from torch import Tensor, nn

from reglab.training import normalization
from reglab.training.network import Architecture, Block, ResidualBlock
from reglab.training.normalization import Normalization


@dataclass(frozen=True)
class ResNet(Architecture):
    """A 3x3 convolution, then `stages` of `depth` blocks h <- s(h) + f(h), then the mean over all places of each channel.

    f is norm, rectifier, 3x3 convolution, twice. The first block of every stage but the first halves the image and doubles
    the channels, both in f and in s, a 1x1 convolution with stride 2; everywhere else s(h) = h. `width`: channels of the
    first stage. The network has 2 stages depth + 2 layers: 20 with the default settings, as the smallest one that He et
    al. trained on CIFAR-10. A side of n pixels becomes ceil(n/2), so that images may have any size.

    `normalization`: `batch`, `layer` (of each example, over channels and places) or `none`, where convolutions have the
    bias. Kernels are stored with the channels last, as in `convnet`.

    Sources: He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition, 2016, sections 3.3 and 4.2; the order
    within f is that of the same authors' Identity Mappings in Deep Residual Networks, 2016, figure 1b.
    """

    needs: ClassVar[tuple] = ("images",)
    provides: ClassVar[tuple] = ("residual_blocks",)

    width: Annotated[int, Ge(1), Le(4_096)] = 16
    depth: Annotated[int, Ge(1), Le(100)] = 3
    stages: Annotated[int, Ge(1), Le(8)] = 3
    normalization: Normalization = "batch"

    def blocks(self, shape: Sequence[int]) -> list[Block]:
        channels = self.width
        blocks = [Block(self.convolution(shape[0], channels))]
        for stage in range(self.stages):
            for number in range(self.depth):
                halved = stage > 0 and number == 0
                blocks.append(self.residual_block(channels, 1 + halved))
                channels *= 1 + halved
        blocks.append(Block(*self.rectified(channels), nn.AdaptiveAvgPool2d(1)))
        return [block.to(memory_format=torch.channels_last) for block in blocks]

    def residual_block(self, channels: int, factor: int) -> ResidualBlock:
        """A block whose output has `factor` times the channels and is smaller by the same factor."""
        branch = nn.Sequential(
            *self.rectified(channels),
            self.convolution(channels, factor * channels, stride=factor),
            *self.rectified(factor * channels),
            self.convolution(factor * channels, factor * channels),
        )
        bias = self.normalization == "none"
        projection = Projection(channels, factor * channels, factor, bias) if factor > 1 else None
        return ResidualBlock(branch, projection)

    def rectified(self, channels: int) -> list[nn.Module]:
        return [*normalization.of_maps(self.normalization, channels), nn.ReLU()]

    def convolution(self, inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=self.normalization == "none")


class Projection(nn.Conv2d):
    """A 1x1 convolution of every `stride`-th place: nn.Conv2d(inputs, outputs, 1, stride), computed without a stride.

    With a stride, few channels and the channels last, torch 2.13 writes outside of its memory on a processor with AVX2 alone.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, bias: bool) -> None:
        super().__init__(inputs, outputs, kernel_size=1, bias=bias)
        self.places = stride

    def forward(self, maps: Tensor) -> Tensor:
        taken = maps[:, :, :: self.places, :: self.places]
        return super().forward(taken.contiguous(memory_format=torch.channels_last))
