"""Noise on the inputs: each example is shown with a fresh disturbance at each step."""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge

from reglab.data.loader import Batch
from reglab.models.base import Network
from reglab.regularizers.base import Regularizer


@dataclass(frozen=True)
class InputNoise(Regularizer):
    """x <- x + e with e ~ N(0, deviation^2) on every input, in units of the data (pixels lie in [0, 1]).

    For small noise and squared error this is Tikhonov regularization: Bishop, Training with Noise is Equivalent to
    Tikhonov Regularization, 1995, eq. 13.
    """

    deviation: Annotated[float, Ge(0)] = 0.3

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        random = network.moment.generator("input_noise", batch.inputs.device)
        noise = torch.randn(batch.inputs.shape, generator=random, device=batch.inputs.device)
        return batch._replace(inputs=batch.inputs + self.deviation * noise)
