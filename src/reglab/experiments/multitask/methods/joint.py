"""Both tasks on one trunk, their losses added with fixed weights: hard parameter sharing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge
from torch import Tensor, nn

from reglab.experiments.multitask.base import Multitask


@dataclass(frozen=True)
class Joint(Multitask):
    """segmentation_weight * cross-entropy + depth_weight * absolute error; weights (1, 0) and (0, 1) are the single tasks.

    Sources: Caruana, Multitask Learning, 1997; Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.7.
    """

    segmentation_weight: Annotated[float, Ge(0)] = 1.0
    depth_weight: Annotated[float, Ge(0)] = 1.0

    def objective(self, network: nn.Module, losses: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        return self.segmentation_weight * losses["segmentation"] + self.depth_weight * losses["depth"], {}
