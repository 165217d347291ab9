"""Attacks on inputs that nothing scales: the same attacks, on the same model as a function of inputs in standard units."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module

from reglab.attacks.base import Model


@dataclass(frozen=True)
class Units:
    """x = center + spread u. Without a spread u is x itself, the same tensor.

    A ball of radius epsilon around u is one of epsilon spreads in every number of x.
    """

    center: Tensor | None = None  # (*shape)
    spread: Tensor | None = None  # (), or as the center

    @classmethod
    def of(cls, inputs: Tensor, spread: np.ndarray | None) -> Self:
        """The units of inputs (n, *shape) with a spread as in `data.spread`; the center keeps the digits of u few."""
        if spread is None:
            return cls()
        return cls(inputs.mean(0), torch.as_tensor(spread).to(inputs))

    def standard(self, inputs: Tensor) -> Tensor:
        """u of inputs x (n, *shape)."""
        return inputs if self.spread is None else (inputs - self.center) / self.spread

    def original(self, units: Tensor) -> Tensor:
        """x of u (n, *shape)."""
        return units if self.spread is None else self.center + self.spread * units

    def model(self, model: Model) -> Model:
        """The model as a function of u."""
        return model if self.spread is None else OfUnits(model, self)


class OfUnits(Module):
    """A model of x as a function of u; a module, so that attacks find the modes and the parameters of the model."""

    def __init__(self, model: Model, units: Units) -> None:
        super().__init__()
        self.of_inputs, self.units = model, units

    def forward(self, units: Tensor) -> Tensor:
        return self.of_inputs(self.units.original(units))
