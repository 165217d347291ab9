"""Random affine maps: each image is slightly rotated, shifted, scaled and sheared, differently at each step."""

from dataclasses import dataclass, replace
from math import log1p, radians
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le, Lt
from torch import Tensor

from reglab.core.checks import Check, distance, standard_errors
from reglab.core.streams import Moment
from reglab.data.augmentation.policy import Policy
from reglab.data.loader import Batch, whole
from reglab.models.mlp import MLP
from reglab.training.network import Network, build
from reglab.training.regularizer import Regularizer


def drawn(middle: Tensor) -> Tensor:
    """Rotation, shear, log of the scale, shift right and down (batch, 5), recovered from the middle 2x2 pixels."""
    across = (middle[..., 1] - middle[..., 0]).mean(2)
    down = (middle[..., 1, :] - middle[..., 0, :]).mean(2)
    maps = torch.stack((across, down), 2)
    sin, cos = maps[:, 1].T
    size = torch.hypot(sin, cos)
    lean = (maps[:, 0, 0] * sin + maps[:, 0, 1] * cos) / size**2
    shift = -torch.linalg.solve(maps, middle.mean((2, 3)))
    return torch.stack((torch.atan2(sin, cos), lean.atan(), -size.log(), *shift.T), 1)


@dataclass(frozen=True)
class Affine(Regularizer):
    """Applies an affine map, drawn uniformly within these settings for each image; targets stay unchanged.

    Rotation and shear are in degrees either way, translation in shares of the side, scale between 1/(1 + scale) and
    1 + scale. Pixels from outside an image repeat its border.

    Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.4.
    """

    lecture: ClassVar[str] = "data_augmentation"
    topic: ClassVar[str] = "parameter_sharing"
    off: ClassVar[dict] = {"rotation": 0.0, "translation": 0.0, "scale": 0.0, "shear": 0.0}
    needs: ClassVar[tuple] = ("images",)

    rotation: Annotated[float, Ge(0), Le(180)] = 15.0
    translation: Annotated[float, Ge(0), Le(1)] = 0.1
    scale: Annotated[float, Ge(0), Le(10)] = 0.1
    shear: Annotated[float, Ge(0), Lt(90)] = 10.0

    def transform_batch(self, batch: Batch, network: Network) -> Batch:
        policy = Policy(self.rotation, self.translation, self.scale, self.shear, padding_mode="border")
        each_step = replace(network.moment, epoch=network.moment.step)
        rows = torch.arange(len(batch.inputs), device=batch.inputs.device)
        return batch._replace(inputs=policy(batch.inputs, each_step, rows, len(rows), "affine"))

    @classmethod
    def checks(cls) -> list[Check]:
        technique, side, examples = cls(25.0, 0.1, 0.2, 15.0), 8, 2000
        ramp = torch.arange(side).double() - (side - 1) / 2
        images = torch.stack((ramp.expand(side, side), ramp[:, None].expand(side, side)))  # each pixel shows its place
        batch = whole(images.expand(examples, -1, -1, -1), [0] * examples, classes=2)
        network = build(MLP(depth=0), (2, side, side), 2, seed=0)
        network.moment = Moment(seed=0, epoch=0, step=0)
        still, shown = (each.transform_batch(batch, network).inputs for each in (cls(0, 0, 0, 0), technique))
        draws = drawn(shown[..., side // 2 - 1 : side // 2 + 1, side // 2 - 1 : side // 2 + 1])
        limits = radians(25), radians(15), log1p(0.2), 0.1 * side, 0.1 * side
        swings = draws / draws.new_tensor(limits)
        return [
            Check("with all settings 0 the inputs stay, bit for bit", distance(still, batch.inputs), 0.0),
            Check("no map goes beyond the settings", (swings.abs() - 1).clamp(min=0).max().item(), 1e-9),
            Check("every setting's draws have mean 0, in standard errors", standard_errors(swings, 0.0), 4.0),
            Check("and the mean square 1/3 of its square, in standard errors", standard_errors(swings**2, 1 / 3), 4.0),
        ]
