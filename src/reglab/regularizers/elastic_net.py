"""The elastic net: L1 and squared L2 norm of the weights together."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le

from reglab.core.checks import Check, distance
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.penalties import soft_threshold
from reglab.training.reference_problems import descend, regression
from reglab.training.regularizer import Regularizer
from reglab.training.weights import learned_weights


def shrink(weight: torch.Tensor, absolute: float, squared: float) -> torch.Tensor:
    """The proximal operator of absolute ||w||_1 + squared/2 ||w||_2^2: soft threshold, then shrinkage."""
    return soft_threshold(weight, absolute) / (1 + squared)


@dataclass(frozen=True)
class ElasticNet(Regularizer):
    """Minimises J(w) + strength (l1_ratio ||w||_1 + (1 - l1_ratio)/2 ||w||_2^2), by a proximal step after each step.

    With l1_ratio 1 this is `l1`; what is said there of Adam and of strengths holds here.

    Sources: Zou and Hastie, Regularization and Variable Selection via the Elastic Net, 2005, eq. 3, written as in
    scikit-learn's ElasticNet; Parikh and Boyd, Proximal Algorithms, 2014, section 6.5.3.
    """

    lecture: ClassVar[str] = "l1"
    topic: ClassVar[str] = "lasso"
    off: ClassVar[dict] = {"strength": 0.0}

    strength: Annotated[float, Ge(0)] = 0.1
    l1_ratio: Annotated[float, Ge(0), Le(1)] = 0.5

    @torch.no_grad()
    def after_step(self, network: Network, learning_rate: float) -> None:
        absolute, squared = self.strength * self.l1_ratio, self.strength * (1 - self.l1_ratio)
        for weight in learned_weights(network).values():
            weight.copy_(shrink(weight, learning_rate * absolute, learning_rate * squared))

    @classmethod
    def checks(cls) -> list[Check]:
        from sklearn.linear_model import ElasticNet as Reference

        batch, checks = Batch(*regression()), []
        for share in (0.2, 0.8):
            linear = build(MLP(depth=0), (4,), 1, seed=0).double()
            weights = descend(linear, cls(strength=0.4, l1_ratio=share), batch).head.weight.detach()
            reference = Reference(alpha=0.4, l1_ratio=share, tol=1e-12).fit(batch.inputs, batch.targets[:, 0])
            gap = distance(weights, torch.as_tensor(reference.coef_))
            checks.append(Check(f"proximal descent ends at scikit-learn's ElasticNet, l1_ratio {share}", gap, 1e-7))
        return checks
