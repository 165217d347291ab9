"""R-Drop: predictions under two masks should agree."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge
from torch import Tensor

from reglab.data.loader import Batch
from reglab.training.network import Network
from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class RDrop(Regularizer):
    """Minimises J + strength/2 (KL(p, q) + KL(q, p)), p and q being the predictions under two masks.

    Source: Liang et al., R-Drop: Regularized Dropout for Neural Networks, 2021, eq. 2.
    """

    off: ClassVar[dict] = {"strength": 0.0}

    strength: Annotated[float, Ge(0)] = 1.0

    def penalty(self, network: Network, batch: Batch, logits: Tensor) -> Tensor | None:
        if self.strength == 0:
            return None
        with network.another_pass("r_drop"):
            again = network(batch.inputs)
        logs, others = logits.log_softmax(1), again.log_softmax(1)
        return self.strength / 2 * ((logs.exp() - others.exp()) * (logs - others)).sum(1).mean()
