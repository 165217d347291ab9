"""Periodic embeddings of numeric inputs."""

from math import tau

import torch
from torch import Tensor, nn


class Periodic(nn.Module):
    """Each number x becomes (sin 2 pi c_1 x, ..., sin 2 pi c_k x, cos 2 pi c_1 x, ..., cos 2 pi c_k x).

    The `frequencies` c (features, k) are learned, one set for each feature, from N(0, std^2). With a small std the
    embedding is smooth in x, with a large one it tells near values apart. Inputs (batch, *shape) become
    (batch, features 2k), the sines and cosines of a feature side by side. Norm penalties leave the frequencies alone:
    they are no weights of a sum.

    Source: Gorishniy, Rubachev and Babenko, On Embeddings for Numerical Features in Tabular Deep Learning, 2022, eq. 2.
    """

    def __init__(self, features: int, frequencies: int, std: float) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(std * torch.randn(features, frequencies))

    def forward(self, inputs: Tensor) -> Tensor:
        angles = tau * self.frequencies * inputs.flatten(1).unsqueeze(2)  # (batch, features, k)
        return torch.cat([angles.sin(), angles.cos()], 2).flatten(1)
