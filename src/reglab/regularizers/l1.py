"""L1 regularization: the sum of absolute weights, by a proximal step that makes exact zeros."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge
from torch import Tensor

from reglab.core.checks import Check, distance
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.penalties import add_to_gradients, norm, soft_threshold
from reglab.training.reference_problems import descend, regression
from reglab.training.regularizer import Regularizer
from reglab.training.weights import learned_weights


@dataclass(frozen=True)
class L1(Regularizer):
    """Minimises J(w) + strength ||w||_1.

    `proximal`: w <- soft_threshold(w, rate strength) after each step (zeros are exact); `subgradient`: strength sign(w)
    is added to the gradient (weights hover about zero). With SGD both have that optimum. Adam divides gradients by
    their running scale but no threshold: there, as with decoupled weight decay, `proximal` takes a strength some
    hundred times that of `subgradient` for the same effect.

    Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, eqs. 7.18 to 7.20; Parikh and Boyd, Proximal
    Algorithms, 2014, sections 4.2 and 6.5.2.
    """

    lecture: ClassVar[str] = "l1"
    topic: ClassVar[str] = "lasso"
    off: ClassVar[dict] = {"strength": 0.0}

    strength: Annotated[float, Ge(0)] = 0.1
    step: Literal["proximal", "subgradient"] = "proximal"

    @torch.no_grad()
    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor | None:
        return None if self.step == "proximal" else self.strength * norm(learned_weights(network).values(), order=1)

    def transform_gradients(self, network: Network) -> None:
        if self.step == "subgradient":
            add_to_gradients(learned_weights(network).values(), torch.sign, self.strength)

    @torch.no_grad()
    def after_step(self, network: Network, learning_rate: float) -> None:
        if self.step == "proximal":
            for weight in learned_weights(network).values():
                weight.copy_(soft_threshold(weight, learning_rate * self.strength))

    @classmethod
    def checks(cls) -> list[Check]:
        from sklearn.linear_model import Lasso

        batch, strength, rate = Batch(*regression()), 0.3, 0.3

        def after(steps: int, technique: Regularizer) -> Tensor:
            linear = build(MLP(depth=0), (4,), 1, seed=0).double()
            return descend(linear, technique, batch, rate=rate, steps=steps).head.weight.detach()

        weights = after(300, cls(strength))
        lasso = torch.as_tensor(Lasso(alpha=strength, tol=1e-12).fit(batch.inputs, batch.targets[:, 0]).coef_)
        plain, start = after(1, Regularizer()), after(0, Regularizer())
        stepped, subtracted = after(1, cls(strength, "subgradient")), rate * strength * start.sign()
        return [
            Check("proximal descent ends at scikit-learn's Lasso", distance(weights, lasso), 1e-7),
            Check("its zeros are Lasso's zeros, exactly", distance((weights == 0).float(), (lasso == 0).float()), 0.0),
            Check("a subgradient step subtracts rate strength sign(w)", distance(plain - stepped, subtracted), 1e-12),
        ]
