"""R-Drop: the predictions of two passes with different dropout masks are pulled towards each other."""

from dataclasses import dataclass
from math import exp, log
from typing import Annotated, ClassVar

from annotated_types import Ge, Lt
from torch import Tensor

from reglab.core.checks import Check
from reglab.core.streams import Moment
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import add_masks
from reglab.training.network import Network, build
from reglab.training.reference_problems import regression
from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class RDrop(Regularizer):
    """Minimises J + strength E (KL(p, q) + KL(q, p))/2, p and q being the predictions under two independent masks.

    Masks are drawn as in dropout, with these rates. Where both rates are 0 they are those of other techniques, and without
    any the penalty is zero. J is the cross-entropy of the first pass, where the paper takes the sum over both: over all
    masks the expectation is half of the paper's, and strength half of its alpha. Of several labels, J and KL are means over
    them.

    Source: Liang et al., R-Drop: Regularized Dropout for Neural Networks, 2021, eqs. 2 to 4.
    """

    lecture: ClassVar[str] = "dropout"
    off: ClassVar[dict] = {"strength": 0.0, "input_rate": 0.0, "hidden_rate": 0.0}
    needs: ClassVar[tuple] = ("discrete",)

    strength: Annotated[float, Ge(0)] = 1.0
    input_rate: Annotated[float, Ge(0), Lt(1)] = 0.2
    hidden_rate: Annotated[float, Ge(0), Lt(1)] = 0.5

    def prepare_model(self, network: Network) -> None:
        if self.input_rate or self.hidden_rate:
            add_masks(network, self.input_rate, self.hidden_rate, "r_drop")

    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor | None:
        if self.strength == 0:
            return None
        with network.another_pass("r_drop"):
            again = network(batch.inputs)
        return self.strength * batch.mean(network.task.symmetric_divergence(logits, again))

    @classmethod
    def checks(cls) -> list[Check]:
        inputs, technique = regression()[0], cls(strength=0.7)
        network, batch = build(MLP(width=6, depth=1), (4,), 3, seed=0).double(), Batch(inputs, None, None)
        network.moment = Moment(seed=0, epoch=0, step=0)
        maskless = cls(input_rate=0.0, hidden_rate=0.0).penalty(network, batch, network(inputs))
        technique.prepare_model(network)
        first = network(inputs)
        with network.another_pass("r_drop"):
            second = network(inputs)
        by_hand = 0.0
        for one, other in zip(first.tolist(), second.tolist(), strict=True):
            for p, q in zip(softmax(one), softmax(other), strict=True):
                by_hand += 0.7 / 40 * (p * log(p / q) + q * log(q / p)) / 2
        penalty = technique.penalty(network, batch, first).item()
        return [
            Check("strength times the symmetric divergence of two passes", abs(penalty - by_hand), 1e-12),
            Check("zero where no mask is drawn", maskless.item(), 0.0),
        ]


def softmax(scores: list[float]) -> list[float]:
    total = sum(map(exp, scores))
    return [exp(score) / total for score in scores]
