"""Dropout: input and hidden units are removed at random, with one mask per example and step."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Lt
from torch import Tensor

from reglab.models.base import Network
from reglab.regularizers.base import Regularizer


def drop(units: Tensor, rate: float, random: torch.Generator) -> Tensor:
    """Units (batch, ...) times a mask that is 0 with probability `rate` and 1/(1 - rate) else, so that the mean stays.

    Scaling while training is the weight scaling inference rule done beforehand: prediction uses the weights as they are.
    """
    kept = torch.rand(units.shape, generator=random, device=units.device) >= rate
    return units * kept / (1 - rate)


@dataclass(frozen=True)
class Dropout(Regularizer):
    """Minimises E_mask J(w, mask) by drawing a fresh mask at each step; predicts with all units.

    Sources: Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, 2014; Goodfellow, Bengio
    and Courville, Deep Learning, 2016, section 7.12.
    """

    input_rate: Annotated[float, Ge(0), Lt(1)] = 0.2
    hidden_rate: Annotated[float, Ge(0), Lt(1)] = 0.5

    def prepare_model(self, network: Network) -> None:
        def mask(units: Tensor, rate: float, layer: int) -> Tensor:
            if not network.training:
                return units
            return drop(units, rate, network.moment.generator(f"dropout/{layer}", units.device))

        first, *_ = layers = network.hidden_layers
        first.register_forward_pre_hook(lambda _, args: (mask(args[0], self.input_rate, 0),))
        for number, layer in enumerate(layers, start=1):
            layer.register_forward_hook(lambda _, args, units, number=number: mask(units, self.hidden_rate, number))
