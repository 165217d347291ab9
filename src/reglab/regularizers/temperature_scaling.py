"""Temperature scaling: after training, all scores are divided by one number that fits the validation examples."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import Module

from reglab.core.checks import Check
from reglab.core.streams import generator
from reglab.core.tasks import Task
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.regularizer import Regularizer

LARGEST = (
    100.0  # the temperature lies between 1/LARGEST and LARGEST, since it has no optimum where all examples are right
)
HALVINGS = 60  # of the interval of 1/T, after which it is one number of double precision


def slope(logits: Tensor, targets: Tensor, inverse: float, task: Task) -> float:
    """d/db of the mean cross-entropy of b z: the mean of sum_k (p_k - t_k) z_k, with p predicted from b z; it rises with b.

    p is softmax(b z) of classes, and 1 / (1 + exp(-b z_k)) of labels, whose binary cross-entropies are added.
    """
    return ((task.predictions(inverse * logits) - targets) * logits).sum(1).mean().item()


def fitted_temperature(logits: Tensor, targets: Tensor, task: Task) -> float:
    """The T at which the mean cross-entropy of z / T is smallest, for scores and targets (n, outputs).

    The slope in 1/T has one zero, for the cross-entropy is convex in 1/T; 1 where a score is not finite.
    """
    logits, targets = logits.double(), targets.double()
    if not logits.isfinite().all():
        return 1.0
    low, high = 1 / LARGEST, LARGEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(logits, targets, middle, task) > 0 else (middle, high)
    return 2 / (low + high)


class Scaled(Module):
    """The scores of a network divided by its temperature."""

    def __init__(self, network: Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        inner = next(module for module in self.network.modules() if isinstance(module, Network))
        return self.network(inputs) / inner.temperature


@dataclass(frozen=True)
class TemperatureScaling(Regularizer):
    """Predicts softmax(z / T), with T = argmin_T of the cross-entropy of z / T on the validation examples.

    T is fitted once, after training; until then it is 1. It changes how sure predictions are and not which class they name.
    Of labels it is the sigmoid of z / T, with one T for all of them.

    Source: Guo et al., On Calibration of Modern Neural Networks, 2017, section 4.2, eq. 9.
    """

    needs: ClassVar[tuple] = ("discrete",)

    def prepare_model(self, network: Network) -> None:
        network.register_buffer("temperature", torch.ones(()))

    def evaluation_model(self, network: Network) -> Module:
        return Scaled(network)

    def after_training(self, network: Network, validation: Batch, logits: Tensor) -> None:
        network.temperature.mul_(fitted_temperature(logits, validation.targets, network.task))

    @classmethod
    @torch.no_grad()
    def checks(cls) -> list[Check]:
        random, technique = generator("temperature_scaling"), cls()
        inputs = torch.randn(200, 4, generator=random, dtype=torch.float64)
        network = build(MLP(depth=0), (4,), 3, seed=0).double()
        network.head.weight.mul_(9)
        labels = torch.multinomial((network(inputs) / 3).softmax(1), 1, generator=random)[:, 0]
        targets = torch.eye(3, dtype=torch.float64)[labels]
        technique.prepare_model(network)
        scaled = technique.evaluation_model(network.double())
        logits = scaled(inputs)
        technique.after_training(network, Batch(inputs, targets, None), logits)
        fitted = scaled(inputs)
        stationary = ((targets - fitted.softmax(1)) * logits).sum() / 200
        certain = fitted_temperature(10 * targets, targets, network.task)
        return [
            Check("sum over examples of z_y - E_p z is zero", abs(stationary.item()), 1e-12),
            Check("no example changes its class", float((fitted.argmax(1) != logits.argmax(1)).sum()), 0.0),
            Check("without an error the temperature is the lowest", abs(certain * LARGEST - 1), 1e-12),
        ]
