"""L1 regularization: the sum of absolute weights, by a proximal step that makes exact zeros."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Tensor

from reglab.data.loader import Batch
from reglab.models.base import Network
from reglab.models.parameters import weights
from reglab.penalties import norm, soft_threshold
from reglab.regularizers.base import Regularizer


@dataclass(frozen=True)
class L1(Regularizer):
    """Minimises J(w) + strength ||w||_1.

    `proximal`: w <- soft_threshold(w, rate strength) after each step (zeros are exact); `subgradient`: the penalty is
    added to the loss, whose gradient is strength sign(w) (weights hover about zero).

    Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, eqs. 7.18 to 7.20; Parikh and Boyd, Proximal
    Algorithms, 2014, section 6.5.2.
    """

    strength: Annotated[float, Ge(0)] = 1e-4
    step: Literal["proximal", "subgradient"] = "proximal"

    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor | None:
        if self.step == "proximal":
            return None
        return self.strength * norm(weights(network).values(), order=1)

    @torch.no_grad()
    def after_step(self, network: Network, learning_rate: float) -> None:
        if self.step == "proximal":
            for weight in weights(network).values():
                weight.copy_(soft_threshold(weight, learning_rate * self.strength))
