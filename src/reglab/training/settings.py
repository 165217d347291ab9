"""Settings of a training."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt

from reglab.core.bounds import BatchSize, Epochs


@dataclass(frozen=True)
class Training:
    epochs: Epochs = 100
    batch_size: BatchSize = 64
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: Annotated[float, Gt(0)] = 0.001
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.0
    accelerator: Literal["cpu", "gpu", "auto"] = "cpu"


class FixedSteps:
    """A training of `epochs` of `steps` each, whatever the number of examples."""

    def training(self, accelerator: str) -> "Training":
        return Training(
            epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate, accelerator=accelerator
        )
