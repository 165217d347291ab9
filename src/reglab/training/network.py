"""The shape of every network: blocks of hidden units, then a linear head.

Techniques may rely on this:

* `network.hidden_layers` are all blocks in their order; the output of one is the input of the next, and that of the last,
  flattened, is the input of `network.head`. A forward hook on a block sees and may replace its output, of a residual
  block the sum.
* A `ResidualBlock` computes shortcut(x) + branch(x), and a forward hook on its `branch` may scale that term or set it to
  zero; the shortcut may be a projection. Which blocks are residual is `isinstance(block, ResidualBlock)`.
* Running averages of batch normalization are buffers. A training step moves them once: passes in evaluation mode and
  within `another_pass` leave them alone, and for other second passes there is `normalization.running_averages_kept`.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from reglab.core import streams
from reglab.core.streams import Moment
from reglab.core.tasks import Classification, Task
from reglab.data.augmentation.corruption import in_units
from reglab.data.inputs import UNIT_RANGE
from reglab.training.normalization import running_averages_kept


class Block(nn.Sequential):
    """One layer of hidden units: dropout masks and sparsity penalties act on its output."""


class ResidualBlock(Block):
    """A block whose output is shortcut(x) + branch(x); the shortcut is the identity where none is given.

    Source: He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition, 2016, eqs. 1 and 2.
    """

    def __init__(self, branch: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__(OrderedDict(shortcut=nn.Identity() if shortcut is None else shortcut, branch=branch))

    def forward(self, units: Tensor) -> Tensor:
        return self.shortcut(units) + self.branch(units)


class Architecture:
    """A frozen dataclass whose fields are the `model:` section of params.yaml, `name` apart."""

    needs: ClassVar[tuple] = ()  # of the data: "images"
    provides: ClassVar[tuple] = ()  # for techniques: "residual_blocks" where it has some whatever the settings
    stacked: ClassVar[bool] = False  # whether several of it train together: where linear layers take most of the time

    def blocks(self, shape: Sequence[int]) -> list[Block]:
        """The hidden layers for inputs of this shape (channels, height, width)."""
        raise NotImplementedError


class Network(nn.Module):
    """Outputs (batch, outputs) = head(flatten(backbone(inputs))): what its `task` makes predictions of.

    `shape` is that of an input (channels, height, width). `moment` is set by the learner before each training step and keys
    the random numbers that hooks draw. So two passes of one step draw the same masks and noise, unless the second one runs
    in `another_pass`. Attacks keep inputs within `bounds`, those of the data; noise and attacks are measured by the `spread`
    of its inputs (`data.spread`), or by 1.
    """

    bounds: tuple[float, float] = UNIT_RANGE
    spread: np.ndarray | None = None

    def __init__(self, blocks: Sequence[Block], shape: Sequence[int], features: int, task: Task) -> None:
        super().__init__()
        self.shape, self.task = tuple(shape), task
        self.backbone = nn.Sequential(*blocks)
        self.head = nn.Linear(features, task.outputs)
        self.moment: Moment | None = None

    @property
    def hidden_layers(self) -> list[Block]:
        return list(self.backbone)

    @contextmanager
    def another_pass(self, name: str) -> Iterator[None]:
        """Within the block hooks draw other masks and noise, those of this step and the pass `name`.

        Running averages of batch normalization stay as they are.
        """
        moment = self.moment
        self.moment = replace(moment, forward_pass=name)
        try:
            with running_averages_kept(self):
                yield
        finally:
            self.moment = moment

    def in_units_of_inputs(self, noise: Tensor) -> Tensor:
        """Noise (batch, *shape) of standard units in those of the inputs."""
        return in_units(noise, self.spread)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.backbone(inputs).flatten(1))


def build(architecture: Architecture, shape: Sequence[int], task: Task | int, seed: int) -> Network:
    """The network for a task, or for so many classes, with this seed's initial weights, from the stream `initialization`."""
    task = Classification(task) if isinstance(task, int) else task
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(streams.seed_of(seed, "initialization"))
        blocks = architecture.blocks(shape)
        backbone = nn.Sequential(*blocks).eval()  # so that running averages do not learn from the example
        with torch.no_grad():
            features = math.prod(backbone(torch.zeros(1, *shape)).shape[1:])
        return Network(blocks, shape, features, task).train()
