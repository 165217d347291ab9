"""Settings of a training."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from reglab.core.bounds import BatchSize, Epochs
from reglab.training.schedule import Schedule


@dataclass(frozen=True)
class Training:
    """How a network is trained; `training/schedule.py` has the formula of the learning rate."""

    epochs: Epochs = 100
    batch_size: BatchSize = 64
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: Annotated[float, Gt(0)] = 0.001
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.0
    nesterov: bool = False
    schedule: Schedule = "constant"
    warmup_epochs: Annotated[float, Ge(0), Le(100_000)] = 0.0
    accelerator: Literal["cpu", "gpu", "auto"] = "cpu"

    @property
    def scheduled(self) -> bool:
        """Whether the learning rate changes during the training."""
        return self.schedule != "constant" or self.warmup_epochs > 0


class FixedSteps:
    """A training of `epochs` of `steps` each, whatever the number of examples."""

    def training(self, accelerator: str) -> "Training":
        return Training(
            epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate, accelerator=accelerator
        )
