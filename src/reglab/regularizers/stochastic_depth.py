"""Stochastic depth: residual blocks are left out at random, the deeper ones more often; prediction uses all of them."""

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Lt
from torch import Tensor, nn

from reglab.core.checks import Check, distance
from reglab.core.errors import UserError
from reglab.core.streams import Moment
from reglab.core.tasks import Classification
from reglab.training.network import Network, ResidualBlock
from reglab.training.reference_problems import regression
from reglab.training.regularizer import Regularizer


def survival(rate: float, blocks: int) -> list[float]:
    """p_l = 1 - (l / L) rate of each of L blocks, the first one first: the last is left out with probability `rate`."""
    return [1 - place / blocks * rate for place in range(1, blocks + 1)]


@dataclass(frozen=True)
class StochasticDepth(Regularizer):
    """h <- s(h) + b f(h) in residual block l of L, with b ~ Bernoulli(p_l) for each step and p_l = 1 - (l / L) rate.

    All examples of a batch share b. Prediction has h <- s(h) + p_l f(h). s is the block's shortcut, f its branch, and `rate`
    is 1 - p_L, in the paper 0.5. A branch that is left out is computed all the same: a step is no cheaper, and
    running averages of batch normalization see every batch. UserError for a network without residual blocks.

    Source: Huang, Sun, Liu, Sedra and Weinberger, Deep Networks with Stochastic Depth, 2016, eqs. 2, 4 and 5, without the
    rectifier behind the sum.
    """

    lecture: ClassVar[str] = "dropout"
    topic: ClassVar[str] = "dropout"
    off: ClassVar[dict] = {"rate": 0.0}
    needs: ClassVar[tuple] = ("residual_blocks",)
    acts_in_prediction: ClassVar[bool] = True

    rate: Annotated[float, Ge(0), Lt(1)] = 0.5

    def prepare_model(self, network: Network) -> None:
        blocks = [layer for layer in network.hidden_layers if isinstance(layer, ResidualBlock)]
        if not blocks:
            raise UserError("stochastic_depth: found a network without residual blocks; allowed: one that has some")

        def weighted(branch: nn.Module, term: Tensor, place: int, chance: float) -> Tensor:
            if not branch.training:
                return term * chance
            random = network.moment.generator(f"stochastic_depth/{place}")
            return term * float(torch.rand((), generator=random).item() < chance)

        for place, (block, chance) in enumerate(zip(blocks, survival(self.rate, len(blocks)), strict=True), start=1):
            block.branch.register_forward_hook(
                lambda branch, _, term, place=place, chance=chance: weighted(branch, term, place, chance)
            )

    @classmethod
    @torch.no_grad()
    def checks(cls) -> list[Check]:
        network, example, draws = linear_network(blocks=4), regression(examples=1)[0], 1024
        branches = [block.branch for block in network.hidden_layers]
        masks = list(product((0, 1), repeat=4))
        outputs = torch.stack([by_hand(network, branches, example, mask) for mask in masks])
        chances = [7 / 8, 6 / 8, 5 / 8, 4 / 8]
        weights = torch.tensor([prod(p if b else 1 - p for b, p in zip(mask, chances, strict=True)) for mask in masks])
        cls(rate=0.5).prepare_model(network)
        seen = []
        for step in range(draws):
            network.moment = Moment(seed=0, epoch=0, step=step)
            seen.append((network(example) - outputs).abs().amax((1, 2)))
        gaps, nearest = torch.stack(seen).min(1)
        shares = torch.bincount(nearest, minlength=len(masks)) / draws
        surplus = (shares - weights).abs() / (weights * (1 - weights) / draws).sqrt()
        expected = (weights.double()[:, None, None] * outputs).sum(0)
        return [
            Check(
                "prediction of linear blocks is the mean over all masks",
                distance(network.eval()(example), expected),
                1e-12,
            ),
            Check("each step is the network of one of the masks", gaps.max().item(), 1e-12),
            Check("masks come as often as they should, in standard errors", surplus.max().item(), 5.0),
        ]


def linear_network(blocks: int) -> Network:
    """Residual blocks h + W h on four numbers, in double precision, and a linear head."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [ResidualBlock(nn.Linear(4, 4, bias=False)) for _ in range(blocks)]
        return Network(layers, (4,), 4, Classification(3)).double()


def by_hand(network: Network, branches: list[nn.Module], units: Tensor, mask: tuple[int, ...]) -> Tensor:
    """The outputs of the network that the mask leaves."""
    for branch, kept in zip(branches, mask, strict=True):
        units = units + units @ branch.weight.T if kept else units
    return network.head(units)
