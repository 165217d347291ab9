"""Label smoothing: the hard targets 0 and 1 are moved towards each other."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Lt
from torch import Tensor
from torch.nn import functional

from reglab.core.checks import Check, distance
from reglab.core.losses import cross_entropy
from reglab.core.streams import generator
from reglab.data.loader import Batch, whole
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.regularizer import Regularizer


def smooth(targets: Tensor, smoothing: float, wrong_values: int) -> Tensor:
    """For one-hot targets (batch, classes): 1 - smoothing on the right class, smoothing / (classes - 1) on each other.

    t <- t (1 - smoothing - s) + s with s = smoothing / wrong_values, which is linear, so that mixed targets mix too. A class
    has classes - 1 `wrong_values`; a label has one, so that 0 becomes smoothing and 1 becomes 1 - smoothing.
    PyTorch's `label_smoothing` spreads over all classes: with smoothing classes / (classes - 1) it gives these targets.
    """
    spread = smoothing / wrong_values
    return targets * (1 - smoothing - spread) + spread


@dataclass(frozen=True)
class LabelSmoothing(Regularizer):
    """t <- t (1 - smoothing - s) + s with s = smoothing / (classes - 1): targets whose optimum has finite scores.

    Of several labels, each of which is there or not, s = smoothing.

    Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.5.1; Szegedy et al., Rethinking the
    Inception Architecture for Computer Vision, 2016, section 7.
    """

    lecture: ClassVar[str] = "noise"
    topic: ClassVar[str] = "weight_growth"
    off: ClassVar[dict] = {"smoothing": 0.0}
    needs: ClassVar[tuple] = ("discrete",)

    smoothing: Annotated[float, Ge(0), Lt(1)] = 0.2

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        return batch._replace(targets=smooth(batch.targets, self.smoothing, network.task.wrong_values))

    @classmethod
    def checks(cls) -> list[Check]:
        smoothing, classes, labels = 0.3, 4, [2, 0, 3]
        logits = torch.randn(3, classes, generator=generator("label_smoothing"))
        network = build(MLP(depth=0), (1,), classes, seed=0)
        targets = cls(smoothing).transform_batch(whole(torch.zeros(3, 1), labels, classes), network).targets
        lecture = torch.tensor([[0.7 if place == label else 0.3 / 3 for place in range(classes)] for label in labels])
        theirs = functional.cross_entropy(
            logits, torch.tensor(labels), label_smoothing=smoothing * classes / (classes - 1)
        )
        optimum = targets.log().requires_grad_()  # scores log((1 - smoothing)(classes - 1) / smoothing) apart
        (gradient,) = torch.autograd.grad(cross_entropy(optimum, targets), optimum)
        return [
            Check("1 - smoothing and smoothing / (classes - 1)", distance(targets, lecture), 1e-6),
            Check("torch's at smoothing classes/(classes - 1)", distance(cross_entropy(logits, targets), theirs), 1e-6),
            Check("the loss is least at finite scores", distance(gradient, torch.zeros(())), 1e-6),
        ]
