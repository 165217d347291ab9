"""The multilayer perceptron: fully connected layers of rectified linear units."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Le
from torch import nn

from reglab.training import normalization
from reglab.training.network import Architecture, Block, ResidualBlock
from reglab.training.normalization import Normalization
from reglab.training.periodic import Periodic


@dataclass(frozen=True)
class MLP(Architecture):
    """`depth` hidden layers of `width` units: h <- f(h), f(h) = max(0, norm(W h + b)), and with `residual` h <- h + f(h).

    `normalization`: over the batch, over the units of a layer, or none; batch and layer normalization have the bias b.
    `residual` adds the shortcut from the second layer on, where input and output are equally wide. `embedding: periodic`
    replaces each input number by sines and cosines of `frequencies` learned frequencies, which start from
    N(0, frequency_std^2). Inputs of any shape are read as rows of numbers.

    Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 6.3; Ioffe and Szegedy, Batch Normalization,
    2015; Ba, Kiros and Hinton, Layer Normalization, 2016; He, Zhang, Ren and Sun, Deep Residual Learning for Image
    Recognition, 2016, eq. 1; Gorishniy, Rubachev and Babenko, On Embeddings for Numerical Features in Tabular Deep
    Learning, 2022, eq. 2.
    """

    stacked: ClassVar[bool] = True

    width: Annotated[int, Ge(1), Le(65_536)] = 256
    depth: Annotated[int, Ge(1), Le(100)] = 2
    normalization: Normalization = "none"
    residual: bool = False
    embedding: Literal["none", "periodic"] = "none"
    frequencies: Annotated[int, Ge(1), Le(1_024)] = 48
    frequency_std: Annotated[float, Gt(0)] = 0.1

    def blocks(self, shape: Sequence[int]) -> list[Block]:
        features, first = math.prod(shape), [nn.Flatten()]
        if self.embedding == "periodic":
            first.append(Periodic(features, self.frequencies, self.frequency_std))
            features *= 2 * self.frequencies
        widths = [features] + [self.width] * self.depth
        return [self.block(n, m, first if layer == 0 else None) for layer, (n, m) in enumerate(pairwise(widths))]

    def block(self, inputs: int, outputs: int, first: list[nn.Module] | None) -> Block:
        """A hidden layer; `first`: the modules before it, of the first one."""
        layer = [
            nn.Linear(inputs, outputs, bias=self.normalization == "none"),
            *normalization.of_units(self.normalization, outputs),
            nn.ReLU(),
        ]
        if self.residual and first is None:
            return ResidualBlock(nn.Sequential(*layer))
        return Block(*(first or [nn.Flatten()]), *layer)
