"""Settings of a training."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from reglab.core.bounds import BatchSize, Epochs
from reglab.training.schedule import Schedule


@dataclass(frozen=True)
class TrainerSettings:
    """Arguments of Lightning's Trainer for one large training, which runs in devices x num_nodes processes."""

    devices: Annotated[int, Ge(1), Le(64)] = 1  # of each machine; on CPUs: processes
    num_nodes: Annotated[int, Ge(1), Le(1_024)] = 1
    strategy: Literal["auto", "ddp", "ddp_find_unused_parameters_true"] = "auto"
    precision: Literal["32-true", "bf16-mixed"] = "32-true"

    @property
    def ranks(self) -> int:
        """The number of processes of one training, each with its share of every batch."""
        return self.devices * self.num_nodes


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
    trainer: TrainerSettings | None = field(default=None, metadata={"optional": True})

    @property
    def scheduled(self) -> bool:
        """Whether the learning rate changes during the training."""
        return self.schedule != "constant" or self.warmup_epochs > 0

    @property
    def ranks(self) -> int:
        """The number of processes of one training."""
        return self.trainer.ranks if self.trainer else 1

    def side_by_side(self, processes: int) -> int:
        """The number of trainings that run at once in so many processes."""
        return max(1, processes // (self.trainer.devices if self.trainer else 1))


class FixedSteps:
    """A training of `epochs` of `steps` each, whatever the number of examples."""

    def training(self, accelerator: str) -> "Training":
        return Training(
            epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate, accelerator=accelerator
        )
