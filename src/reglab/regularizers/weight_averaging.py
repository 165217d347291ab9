"""Weight averaging: the network that is judged has the exponential moving average of the weights."""

import copy
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Lt
from torch.nn import Module

from reglab.models.base import Network
from reglab.regularizers.base import Regularizer


def with_averages(model: Module):
    """Each parameter of the model with the buffer `average_<name>` beside it that holds its average."""
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            yield parameter, module.get_buffer(f"average_{name}")


@dataclass(frozen=True)
class WeightAveraging(Regularizer):
    """After each step a <- decay a + (1 - decay) w, for weights and biases, from a = the initial w; validation and test see a.

    The average looks back over about 1/(1 - decay) steps; training itself stays as it is.

    Sources: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging, 1992; Tarvainen and Valpola, Mean
    Teachers Are Better Role Models, 2017, eq. 1.
    """

    decay: Annotated[float, Ge(0), Lt(1)] = 0.99

    def prepare_model(self, network: Network) -> None:
        for module in network.modules():
            for name, parameter in list(module.named_parameters(recurse=False)):
                module.register_buffer(f"average_{name}", parameter.detach().clone())

    @torch.no_grad()
    def after_step(self, network: Network, learning_rate: float) -> None:
        for parameter, average in with_averages(network):
            average.lerp_(parameter, 1 - self.decay)

    @torch.no_grad()
    def evaluation_model(self, network: Network) -> Module:
        averaged = copy.deepcopy(network)
        for parameter, average in with_averages(averaged):
            parameter.copy_(average)
        return averaged
