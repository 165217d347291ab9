"""Logit squeezing: large class scores are penalised."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from reglab.core.checks import Check
from reglab.data.loader import Batch
from reglab.training.network import Network
from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class LogitSqueezing(Regularizer):
    """Minimises J + strength/2 E ||z||^2 over the class scores z.

    Source: Kannan, Kurakin and Goodfellow, Adversarial Logit Pairing, 2018, section 4.
    """

    off: ClassVar[dict] = {"strength": 0.0}

    strength: Annotated[float, Ge(0)] = 0.1

    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor:
        return self.strength / 2 * logits.square().sum(1).mean()

    @classmethod
    def checks(cls) -> list[Check]:
        logits = torch.tensor([[3.0, 4.0], [0.0, 1.0]])
        penalty = cls(strength=0.5).penalty(None, None, logits)
        return [Check("strength/2 times the mean squared norm", abs(penalty.item() - 0.25 * (25 + 1) / 2), 1e-12)]
