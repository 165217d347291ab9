"""Both tasks on one trunk, each weighted by a learned uncertainty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import Tensor, nn

from reglab.experiments.multitask.base import TASKS, Multitask
from reglab.experiments.multitask.encoder_decoder import DenseNetwork

SHARES = {"segmentation": 0.5, "depth": 1.0}  # of a log scale in the objective


def weight_losses(losses: Mapping[str, Tensor], log_scales: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """sum_t exp(-s_t) loss_t + share_t s_t, and the weights exp(-s_t).

    Absolute error over e^s, plus s, is the negative log-likelihood of a Laplace distribution, but for a constant; for the
    cross-entropy of scores at temperature e^s, that plus s/2 is an approximation. The best weights are share_t / loss_t, so
    that what is minimised in the end is sum_t share_t log(loss_t): a task counts by what it gains in proportion.
    Source: Kendall, Gal and Cipolla, Multi-Task Learning Using Uncertainty to Weigh Losses, 2018, eq. 10.
    """
    weights = {task: torch.exp(-log_scales[task]) for task in losses}
    return sum(weights[task] * loss + SHARES[task] * log_scales[task] for task, loss in losses.items()), weights


@dataclass(frozen=True)
class UncertaintyWeighting(Multitask):
    """Minimises sum_t exp(-s_t) loss_t + share_t s_t over the network and a log scale s_t for each task.

    The share is 1/2 for segmentation and 1 for depth. Both log scales begin at 0; `rate` is their learning rate.

    Source: Kendall, Gal and Cipolla, Multi-Task Learning Using Uncertainty to Weigh Losses, 2018, eq. 10.
    """

    rate: Annotated[float, Gt(0)] = 0.05

    def network(self, shape: Sequence[int], classes: int, seed: int) -> DenseNetwork:
        network = super().network(shape, classes, seed)
        network.log_scales = nn.ParameterDict({task: torch.zeros(()) for task in TASKS})
        return network

    def objective(self, network: DenseNetwork, losses: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        loss, weights = weight_losses(losses, network.log_scales)
        return loss, {f"{task}_weight": weight for task, weight in weights.items()}

    def groups(self, network: DenseNetwork) -> list[dict]:
        return [
            {"params": [*network.trunk.parameters(), *network.heads.parameters()]},
            {"params": [*network.log_scales.parameters()], "lr": self.rate},
        ]
