"""Techniques that go wrong or wait in a training, each in its own way, for tests of where trainings run."""

import errno
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class Broken(Regularizer):
    """Fails at the first step."""

    def after_step(self, network, learning_rate) -> None:
        raise ValueError("it cannot")


@dataclass(frozen=True)
class Greedy(Regularizer):
    """Is killed as the system kills a process when memory runs out."""

    def after_step(self, network, learning_rate) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Hungry(Regularizer):
    """Asks for more memory than its worker has."""

    gigabytes: int

    def after_step(self, network, learning_rate) -> None:
        torch.zeros(self.gigabytes * 2**30, dtype=torch.uint8)


@dataclass(frozen=True)
class FullDisk(Regularizer):
    """Meets a disk without space."""

    def after_step(self, network, learning_rate) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/scratch/seed-0.ckpt")


@dataclass(frozen=True)
class Waits(Regularizer):
    """Waits in the second epoch until the file `go` is in the folder, and leaves a file there meanwhile."""

    folder: str

    def after_step(self, network, learning_rate) -> None:
        if network.moment.epoch == 1 and not Path(self.folder, "go").exists():
            Path(self.folder, f"waits-{os.getpid()}").touch()
            while not Path(self.folder, "go").exists():
                time.sleep(0.05)
