"""Dense prediction: a small encoder-decoder that every task of a network shares, and a head for each task."""

from collections.abc import Callable, Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from reglab.core import streams

WIDTHS = (16, 32, 32)  # channels on the way down, where each level halves the image
FEATURES = 16  # channels of the trunk's output


class Convolution(nn.Sequential):
    """3x3 convolution, batch normalisation, rectified linear units.

    Initial kernels are those of He et al., Delving Deep into Rectifiers, 2015, eq. 10.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        convolution = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        super().__init__(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class Trunk(nn.Module):
    """Features (batch, FEATURES, height, width) of images (batch, channels, height, width) in [0, 1].

    The image goes down three levels and up again; on its way up each level is joined by what went down there.
    Source: Ronneberger, Fischer and Brox, U-Net: Convolutional Networks for Biomedical Image Segmentation, 2015, section 2.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        levels = [channels, *WIDTHS]
        ways = [*WIDTHS[::-1], FEATURES]
        self.down = nn.ModuleList(Convolution(n, m, stride=2) for n, m in pairwise(levels))
        self.up = nn.ModuleList(
            Convolution(n + side, m) for (n, m), side in zip(pairwise(ways), levels[-2::-1], strict=True)
        )

    def forward(self, images: Tensor) -> Tensor:
        sides = [4 * images - 2]
        for down in self.down:
            sides.append(down(sides[-1]))
        features = sides.pop()
        for up in self.up:
            side = sides.pop()
            features = up(torch.cat([functional.interpolate(features, size=side.shape[2:]), side], dim=1))
        return features


class DenseNetwork(nn.Module):
    """A map (batch, outputs, height, width) for each task: head(trunk(images)), each head a linear map of the features."""

    def __init__(self, trunk: Trunk, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.trunk, self.heads = trunk, nn.ModuleDict(heads)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        features = self.trunk(images)
        return {task: head(features) for task, head in self.heads.items()}


def build_dense(channels: int, outputs: Mapping[str, int], seed: int) -> DenseNetwork:
    """The network with the initial weights of this seed: trunk and heads each from a stream of its own.

    So a network with more heads starts with the trunk and the heads of the networks with fewer. Maps are stored with the
    channels last, which takes half the time on a processor.
    """

    def drawn(component: str, make: Callable[[], nn.Module]) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(streams.seed_of(seed, "initialization", component))
            return make()

    trunk = drawn("trunk", lambda: Trunk(channels))
    heads = {task: drawn(task, lambda maps=maps: nn.Conv2d(FEATURES, maps, 1)) for task, maps in outputs.items()}
    return DenseNetwork(trunk, heads).to(memory_format=torch.channels_last)
