"""Gradient clipping: a step is never longer than a given length, its direction stays."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt
from torch.nn.utils import clip_grad_norm_

from reglab.models.base import Network
from reglab.regularizers.base import Regularizer


@dataclass(frozen=True)
class GradientClipping(Regularizer):
    """g <- g min(1, threshold / ||g||_2), the norm taken over the gradients of all parameters together.

    Sources: Pascanu, Mikolov and Bengio, On the Difficulty of Training Recurrent Neural Networks, 2013, algorithm 1;
    Goodfellow, Bengio and Courville, Deep Learning, 2016, eqs. 10.48 and 10.49.
    """

    threshold: Annotated[float, Gt(0)] = 1.0

    def transform_gradients(self, network: Network) -> None:
        clip_grad_norm_(network.parameters(), self.threshold)
