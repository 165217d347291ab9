"""Stochastic weight averaging: the evaluated network has the mean of the weights after the last epochs."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le
from torch import Tensor, nn
from torch.nn import Module

from reglab.core.checks import Check, distance
from reglab.core.streams import generator
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.normalization import running_averages
from reglab.training.passes import pieces
from reglab.training.regularizer import Regularizer


def with_means(model: Module) -> Iterator[tuple[Tensor, Tensor]]:
    """Each parameter of the model with the buffer `swa_<name>` beside it that holds its mean."""
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            yield parameter, module.get_buffer(f"swa_{name}")


@torch.no_grad()
def recompute_statistics(model: Module, inputs: Tensor) -> None:
    """Set every running average of batch normalization to the statistics of these inputs, in one batch if it fits.

    The other layers are in evaluation mode: the evaluated network meets no masks.
    """
    model.eval()
    for layer in {layer for layer, _ in running_averages(model)}:
        layer.reset_running_stats()
        layer.train().momentum = None  # the mean over batches
    for piece in pieces(inputs):
        model(piece)
    model.eval()


@dataclass(frozen=True)
class StochasticWeightAveraging(Regularizer):
    """Validation and test see a = 1/m sum_j w_j, the mean over the m epochs that end after `start`; training sees w.

    w_j are the weights after epoch j, and `start` is a share of the epochs: 0.6 averages the last 40 %. Before the first
    of them the network is evaluated as it is. The learning rate stays constant, one of the schedules of the paper. Running
    averages of batch normalization are computed anew for a, over all training examples.

    Source: Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization, 2018, algorithm 1.
    """

    lecture: ClassVar[str] = "early_stopping"
    off: ClassVar[dict] = {"start": 1.0}

    start: Annotated[float, Ge(0), Le(1)] = 0.6

    def prepare_model(self, network: Network) -> None:
        for module in network.modules():
            for name, parameter in list(module.named_parameters(recurse=False)):
                module.register_buffer(f"swa_{name}", parameter.detach().clone())
        for layer, name in list(running_averages(network)):
            layer.register_buffer(f"swa_{name}", layer.get_buffer(name).clone())
        network.register_buffer("swa_epochs", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def after_epoch(self, network: Network, examples: Batch, progress: float) -> None:
        if progress <= self.start:
            return
        network.swa_epochs += 1
        for parameter, mean in with_means(network):
            mean.add_((parameter - mean) / network.swa_epochs)
        if statistics := list(running_averages(network)):
            averaged = averaged_copy(network)
            recompute_statistics(averaged, examples.inputs)
            for (layer, name), (twin, _) in zip(statistics, running_averages(averaged), strict=True):
                layer.get_buffer(f"swa_{name}").copy_(twin.get_buffer(name))

    def evaluation_model(self, network: Network) -> Module:
        inner = next(module for module in network.modules() if isinstance(module, Network))
        return averaged_copy(network) if inner.swa_epochs else network

    @classmethod
    @torch.no_grad()
    def checks(cls) -> list[Check]:
        network, random, epochs = build(MLP(width=4, depth=1), (4,), 3, seed=0).double(), generator("swa"), 10
        network.backbone[0].append(nn.BatchNorm1d(4).double())
        walk = torch.randn(epochs, 4, 4, generator=random, dtype=torch.float64)
        examples, technique = Batch(torch.randn(30, 4, generator=random, dtype=torch.float64), None, None), cls(0.6)
        technique.prepare_model(network)
        for number, weight in enumerate(walk, start=1):
            network.backbone[0][1].weight.copy_(weight)
            technique.after_epoch(network, examples, number / epochs)
        averaged = technique.evaluation_model(network)
        flatten, linear, rectifier, normalization = averaged.backbone[0]
        units = rectifier(linear(flatten(examples.inputs)))
        return [
            Check("the mean of the weights of the last epochs", distance(linear.weight, walk[6:].mean(0)), 1e-12),
            Check("means of the units of all examples", distance(normalization.running_mean, units.mean(0)), 1e-12),
            Check("variances of the units of all examples", distance(normalization.running_var, units.var(0)), 1e-12),
            Check("training goes on with its own weights", distance(network.backbone[0][1].weight, walk[-1]), 0.0),
        ]


@torch.no_grad()
def averaged_copy(model: Module) -> Module:
    """The model with the means in the place of its parameters, and the statistics that belong to them."""
    averaged = copy.deepcopy(model)
    for parameter, mean in with_means(averaged):
        parameter.copy_(mean)
    for layer, name in running_averages(averaged):
        layer.get_buffer(name).copy_(layer.get_buffer(f"swa_{name}"))
    return averaged
