"""Settings of `few_scenes`."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from reglab.core.bounds import BatchSize, Epochs, Steps, Variants
from reglab.training.settings import FixedSteps


@dataclass(frozen=True)
class FewScenes(FixedSteps):
    """How every entry of `multitask` is trained, once for each number of labelled scenes."""

    labelled: Variants = (16, 128)
    epochs: Epochs = 15
    steps: Steps = 24
    batch_size: BatchSize = 8
    learning_rate: Annotated[float, Gt(0)] = 0.02
