"""Techniques that go wrong in a training, each in its own way, for tests of where trainings run."""

import errno
import os
import signal
from dataclasses import dataclass

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
class FullDisk(Regularizer):
    """Meets a disk without space."""

    def after_step(self, network, learning_rate) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/scratch/seed-0.ckpt")
