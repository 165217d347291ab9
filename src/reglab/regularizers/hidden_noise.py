"""Noise on the hidden units: fresh Gaussian noise is added to the outputs of each hidden layer at each step."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from reglab.core.checks import Check, distance, standard_errors
from reglab.core.streams import Moment
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.reference_problems import regression
from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class HiddenNoise(Regularizer):
    """h <- h + e with e ~ N(0, std^2) on the outputs of every hidden layer while training, in their units.

    Source: Poole, Sohl-Dickstein and Ganguli, Analyzing Noise in Autoencoders and Deep Networks, 2014, section 2.
    """

    lecture: ClassVar[str] = "noise"
    topic: ClassVar[str] = "least_squares"
    off: ClassVar[dict] = {"std": 0.0}

    std: Annotated[float, Ge(0)] = 0.3

    def prepare_model(self, network: Network) -> None:
        def disturb(layer, units: Tensor, number: int) -> Tensor:
            if not layer.training:
                return units
            random = network.moment.generator(f"hidden_noise/{number}", units.device)
            return units.add(torch.randn(units.shape, generator=random, device=units.device), alpha=self.std)

        for number, layer in enumerate(network.hidden_layers, start=1):
            layer.register_forward_hook(lambda layer, _, units, number=number: disturb(layer, units, number))

    @classmethod
    @torch.no_grad()
    def checks(cls) -> list[Check]:
        inputs, std, draws = regression()[0], 0.5, 2000
        network = build(MLP(width=6, depth=1), (4,), 1, seed=0).double()
        undisturbed = network(inputs)
        network.moment = Moment(seed=0, epoch=0, step=0)
        cls(std).prepare_model(network)
        losses = (network(inputs.repeat(draws, 1)).view(draws, -1, 1) - undisturbed).square().mean((1, 2)) / 2
        expected = std**2 / 2 * network.head.weight.square().sum()
        return [
            Check("it costs what weight decay does, in standard errors", standard_errors(losses, expected), 4.0),
            Check("in prediction there is no noise", distance(network.eval()(inputs), undisturbed), 0.0),
        ]
