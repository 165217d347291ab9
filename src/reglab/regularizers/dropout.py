"""Dropout: input and hidden units are removed at random, with one mask per example and step."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Le, Lt
from torch import Tensor
from torch.nn import Module

from reglab.core import streams
from reglab.core.checks import Check, distance, standard_errors
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.reference_problems import regression
from reglab.training.regularizer import Regularizer

ROWS = 1_024  # of examples under masks, in one pass through the network


def masks(units: Tensor, examples: int, rate: float, random: torch.Generator) -> Tensor:
    """Masks (examples, ...) for units (batch, ...): 0 with probability `rate`, else 1/(1 - rate), so that means stay.

    Scaling while training is the weight scaling inference rule done beforehand: prediction has the weights as they are.
    """
    shape = examples, *units.shape[1:]
    return torch.rand(shape, generator=random, dtype=units.dtype, device=units.device).ge_(rate).div_(1 - rate)


def add_masks(network: Network, input_rate: float, hidden_rate: float, stream: str) -> None:
    """While training, the inputs and the outputs of every hidden layer meet masks, which are drawn from `stream`."""

    def drop(layer: Module, units: Tensor, rate: float, place: int) -> Tensor:
        if not layer.training:
            return units
        return units * masks(units, len(units), rate, network.moment.generator(f"{stream}/{place}", units.device))

    first, *_ = layers = network.hidden_layers
    first.register_forward_pre_hook(lambda layer, inputs: (drop(layer, inputs[0], input_rate, 0),))
    for place, layer in enumerate(layers, start=1):
        layer.register_forward_hook(lambda layer, _, units, at=place: drop(layer, units, hidden_rate, at))


@dataclass(frozen=True)
class Dropout(Regularizer):
    """Minimises E_mask J(w, mask) by drawing a fresh mask at each step.

    Prediction stands for the mean over all thinned networks: `weight_scaling` is one pass with all units; `arithmetic`
    and `geometric` average the probabilities of `masks` thinned networks, at the cost of as many passes whenever
    the network is evaluated, which is after every epoch.

    Sources: Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, 2014; Goodfellow,
    Bengio and Courville, Deep Learning, 2016, section 7.12, eqs. 7.52 to 7.55.
    """

    lecture: ClassVar[str] = "dropout"
    topic: ClassVar[str] = "dropout"
    off: ClassVar[dict] = {"input_rate": 0.0, "hidden_rate": 0.0, "prediction": "weight_scaling"}

    input_rate: Annotated[float, Ge(0), Lt(1)] = 0.2
    hidden_rate: Annotated[float, Ge(0), Lt(1)] = 0.5
    prediction: Literal["weight_scaling", "arithmetic", "geometric"] = "weight_scaling"
    masks: Annotated[int, Ge(1), Le(10_000)] = 32

    def prepare_model(self, network: Network) -> None:
        add_masks(network, self.input_rate, self.hidden_rate, "dropout")

    def evaluation_model(self, network: Network) -> Module:
        return network if self.prediction == "weight_scaling" else MaskAverage(network, self)

    @classmethod
    @torch.no_grad()
    def checks(cls) -> list[Check]:
        network = build(MLP(width=4, depth=1), (4,), 3, seed=0).double()
        network.backbone[0][1].bias.fill_(3.0)  # so that the rectifier lets all four units pass
        example, keep, draws = regression(examples=1)[0], 0.6, 4096
        units, scores = network.backbone(example), network(example)
        network.moment = streams.Moment(seed=0, epoch=0, step=0)
        cls(0.0, 1 - keep).prepare_model(network)
        thinned, counts = network.backbone(example.repeat(draws, 1)).unique(dim=0, return_counts=True)
        kept = (thinned != 0).sum(1)
        chances = keep ** kept.double() * (1 - keep) ** (4 - kept).double()  # of the 2^4 masks
        surplus, spread = (counts / draws - chances).abs(), (chances * (1 - chances) / draws).sqrt()
        network.eval()
        arithmetic, geometric = (MaskAverage(network, cls(0.0, 1 - keep, mean)) for mean in ("arithmetic", "geometric"))
        sample = geometric.thinned(example)
        return [
            Check("weight scaling is the mean over masks", distance(chances @ network.head(thinned), scores), 1e-12),
            Check("masks come as often as they should, in standard errors", (surplus / spread).max().item(), 5.0),
            Check("prediction keeps all units", distance(network.backbone(example), units), 0.0),
            Check("keyed masks mean weight scaling, in standard errors", standard_errors(sample, scores), 4.0),
            Check("arithmetic", distance(arithmetic(example).exp(), sample.softmax(2).mean(0)), 1e-12),
            Check("geometric", distance(geometric(example).exp(), sample.mean(0).softmax(1)), 1e-12),
        ]


class MaskAverage(Module):
    """Outputs (batch, outputs) by the mean over the predictions of thinned networks, whose masks are the same at every call.

    The means are those of the task; of classes, the outputs are log-probabilities. A mask is shared by all examples, it
    stands for one network of the ensemble.
    """

    def __init__(self, network: Network, dropout: Dropout) -> None:
        super().__init__()
        self.network, self.dropout = network, dropout

    def forward(self, inputs: Tensor) -> Tensor:
        outputs, task = self.thinned(inputs), self.network.task
        return (
            task.arithmetic_mean(outputs) if self.dropout.prediction == "arithmetic" else task.geometric_mean(outputs)
        )

    def thinned(self, inputs: Tensor) -> Tensor:
        """Outputs (masks, batch, outputs) of the network that each mask leaves; of few examples several masks at once."""
        together = max(1, ROWS // max(1, len(inputs)))
        numbers = range(self.dropout.masks)
        return torch.cat([self.under(numbers[first : first + together], inputs) for first in numbers[::together]])

    def under(self, numbers: range, inputs: Tensor) -> Tensor:
        """Outputs (numbers, batch, outputs) under the masks of these numbers, each drawn from a stream of its own."""
        of_mask, seed = (len(numbers), len(inputs)), self.network.moment.seed
        drawn = [streams.generator(seed, "dropout/prediction", number, device=inputs.device) for number in numbers]

        def drop(units: Tensor, rate: float) -> Tensor:
            """Units (numbers, batch, ...), or (1, batch, ...) for all, under the next masks: (numbers batch, ...)."""
            return (units * torch.stack([masks(units[0], 1, rate, random) for random in drawn])).flatten(0, 1)

        units = drop(inputs[None], self.dropout.input_rate)
        for layer in self.network.hidden_layers:
            units = drop(layer(units).unflatten(0, of_mask), self.dropout.hidden_rate)
        return self.network.head(units.flatten(1)).unflatten(0, of_mask)
