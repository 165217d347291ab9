"""Weight averaging: the evaluated network has the exponential moving average of the weights."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Lt
from torch import Tensor
from torch.nn import Module

from reglab.core.checks import Check, distance
from reglab.core.streams import generator
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.normalization import running_averages
from reglab.training.regularizer import Regularizer


def averaged_tensors(model: Module) -> Iterator[tuple[Module, str]]:
    """Each module of the model with the name of what is averaged: parameters, and means and variances of batches."""
    for module in model.modules():
        for name, _ in module.named_parameters(recurse=False):
            yield module, name
    yield from running_averages(model)


def with_averages(model: Module) -> Iterator[tuple[Tensor, Tensor]]:
    """Each averaged tensor of the model with the buffer `average_<name>` beside it that holds its average."""
    for module, name in averaged_tensors(model):
        yield getattr(module, name), module.get_buffer(f"average_{name}")


@dataclass(frozen=True)
class WeightAveraging(Regularizer):
    """After each step a <- decay a + (1 - decay) w, from a = the initial w; validation and test see a, training sees w.

    Weights and biases both, and with them the running averages of batch normalization, which belong to the weights of the
    same steps; the average looks back over about 1/(1 - decay) steps.

    Sources: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging, 1992; Tarvainen and Valpola,
    Mean Teachers Are Better Role Models, 2017, eq. 1.
    """

    lecture: ClassVar[str] = "early_stopping"
    topic: ClassVar[str] = "early_stopping"
    off: ClassVar[dict] = {"decay": 0.0}

    decay: Annotated[float, Ge(0), Lt(1)] = 0.99

    def prepare_model(self, network: Network) -> None:
        for module, name in list(averaged_tensors(network)):
            module.register_buffer(f"average_{name}", getattr(module, name).detach().clone())

    @torch.no_grad()
    def after_step(self, network: Network, learning_rate: float) -> None:
        for now, average in with_averages(network):
            average.lerp_(now, 1 - self.decay)

    @torch.no_grad()
    def evaluation_model(self, network: Network) -> Module:
        averaged = copy.deepcopy(network)
        for now, average in with_averages(averaged):
            now.copy_(average)
        return averaged

    @classmethod
    @torch.no_grad()
    def checks(cls) -> list[Check]:
        network, random, decay, steps = build(MLP(depth=0), (4,), 3, seed=0).double(), generator("averages"), 0.8, 12
        walk, technique = torch.randn(steps + 1, 3, 4, generator=random, dtype=torch.float64), cls(decay)
        network.head.weight.copy_(walk[0])
        technique.prepare_model(network)
        for weight in walk[1:]:
            network.head.weight.copy_(weight)
            technique.after_step(network, learning_rate=0.1)
        shares = torch.tensor([decay**steps, *((1 - decay) * decay ** (steps - step) for step in range(1, steps + 1))])
        closed_form = (shares.double().view(-1, 1, 1) * walk).sum(0)
        averaged = technique.evaluation_model(network)
        return [
            Check("sum of (1 - decay) decay^(T - t) w_t", distance(averaged.head.weight, closed_form), 1e-6),
            Check("training goes on with its own weights", distance(network.head.weight, walk[-1]), 0.0),
        ]
