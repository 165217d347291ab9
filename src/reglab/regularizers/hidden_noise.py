"""Noise on the hidden units: each layer hands on a fresh disturbance of its outputs at each step."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor

from reglab.models.base import Network
from reglab.regularizers.base import Regularizer


@dataclass(frozen=True)
class HiddenNoise(Regularizer):
    """h <- h + e with e ~ N(0, deviation^2) on the outputs of every hidden layer while training, in units of the activations.

    Source: Poole, Sohl-Dickstein and Ganguli, Analyzing Noise in Autoencoders and Deep Networks, 2014, section 2.
    """

    deviation: Annotated[float, Ge(0)] = 0.3

    def prepare_model(self, network: Network) -> None:
        def disturb(layer, units: Tensor, number: int) -> Tensor:
            if not layer.training:
                return units
            random = network.moment.generator(f"hidden_noise/{number}", units.device)
            return units + self.deviation * torch.randn(units.shape, generator=random, device=units.device)

        for number, layer in enumerate(network.hidden_layers, start=1):
            layer.register_forward_hook(lambda layer, _, units, number=number: disturb(layer, units, number))
