"""A trunk for each task, with a penalty on the distance between the two: soft parameter tying."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge
from torch import Tensor, nn

from reglab.experiments.multitask.base import Multitask
from reglab.experiments.multitask.encoder_decoder import build_dense
from reglab.training.penalties import tying
from reglab.training.weights import weights


class TiedNetworks(nn.ModuleDict):
    """A network for each task; predicts what both predict."""

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {task: maps for network in self.values() for task, maps in network(images).items()}


@dataclass(frozen=True)
class SoftTied(Multitask):
    """Both losses + strength ||wA - wB||^2 over the weights of two trunks, which start with equal weights.

    Strength 0 trains them independently.

    Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.9.
    """

    lecture: ClassVar[str] = "tying_and_sharing"

    strength: Annotated[float, Ge(0)] = 0.01

    def network(self, shape: Sequence[int], classes: int, seed: int) -> TiedNetworks:
        return TiedNetworks(
            {task: build_dense(shape[0], {task: maps}, seed) for task, maps in self.maps(classes).items()}
        )

    def objective(self, network: TiedNetworks, losses: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        apart = tying(*(weights(single.trunk).values() for single in network.values()))
        return sum(losses.values()) + self.strength * apart, {"squared_distance": apart}
