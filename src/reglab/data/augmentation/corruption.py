"""Changes of inputs of any shape, images or tables: noise, and numbers of other examples."""

import numpy as np
import torch
from torch import Tensor


def add_noise(inputs: Tensor, std: float, random: torch.Generator, spread: np.ndarray | None = None) -> Tensor:
    """x + e with e ~ N(0, (std spread)^2), the unit of `data.spread`; `random` lives on the device of the inputs."""
    noise = std * torch.randn(inputs.shape, dtype=inputs.dtype, device=inputs.device, generator=random)
    return inputs + in_units(noise, spread)


def in_units(noise: Tensor, spread: np.ndarray | None) -> Tensor:
    """Noise (batch, *shape) of standard units in those of the inputs, by `data.spread`."""
    return noise if spread is None else torch.as_tensor(spread).to(noise) * noise


def swap(inputs: Tensor, rate: float, random: torch.Generator) -> Tensor:
    """Inputs (batch, *shape) of which each number is, with probability `rate`, that of an example of the batch at random.

    The number comes from the same place of the other example, so that it has the distribution of its column: x_ij <- x_kj,
    k uniform. `random` lives on the device of the inputs.

    Source: Bahri, Jiang, Tay and Metzler, SCARF: Self-Supervised Contrastive Learning using Random Feature Corruption, 2022,
    algorithm 1.
    """
    flat = inputs.flatten(1)
    chosen = torch.rand(flat.shape, device=inputs.device, generator=random) < rate
    others = torch.randint(len(flat), flat.shape, device=inputs.device, generator=random)
    return torch.where(chosen, flat.gather(0, others), flat).view(inputs.shape)
