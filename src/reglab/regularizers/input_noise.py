"""Noise on the inputs: each example is shown with a fresh disturbance at each step."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge

from reglab.core.checks import Check, standard_errors
from reglab.core.streams import Moment
from reglab.data.loader import Batch
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.reference_problems import regression, ridge
from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class InputNoise(Regularizer):
    """x <- x + e with e ~ N(0, std^2) on every input, in units of the prepared inputs.

    Pixels lie in [0, 1], and scaled columns have a spread of about 1; where nothing scales the inputs, std is in standard
    deviations of the training part.

    For a linear model and squared error the expected loss is that of ridge regression with strength std^2; for
    others and small noise it is Tikhonov regularization.

    Source: Bishop, Training with Noise is Equivalent to Tikhonov Regularization, 1995, eq. 13.
    """

    lecture: ClassVar[str] = "noise"
    topic: ClassVar[str] = "least_squares"
    off: ClassVar[dict] = {"std": 0.0}
    leaves_unit_range: ClassVar[bool] = True

    std: Annotated[float, Ge(0)] = 0.3

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        random = network.moment.generator("input_noise", batch.inputs.device)
        noise = torch.randn(batch.inputs.shape, generator=random, device=batch.inputs.device)
        return batch._replace(inputs=batch.inputs + network.in_units_of_inputs(self.std * noise))

    @classmethod
    def checks(cls) -> list[Check]:
        inputs, targets, _ = regression()
        inputs, targets = inputs - inputs.mean(0), targets[:, 0] - targets.mean()
        network, std, draws = build(MLP(depth=0), (4,), 1, seed=0), 0.5, 2000
        network.moment = Moment(seed=0, epoch=0, step=0)
        weight = ridge(inputs, targets, std**2)
        shown = cls(std).transform_batch(Batch(inputs.expand(draws, -1, -1), targets, None), network).inputs
        errors = shown @ weight - targets  # (draws, examples)
        losses, gradients = errors.square().mean(1) / 2, (errors[..., None] * shown).mean(1)
        expected = (inputs @ weight - targets).square().mean() / 2 + std**2 / 2 * weight.square().sum()
        return [
            Check("the mean loss is that of ridge, in standard errors", standard_errors(losses, expected), 4.0),
            Check("the mean gradient vanishes at ridge, in standard errors", standard_errors(gradients, 0.0), 4.0),
        ]
