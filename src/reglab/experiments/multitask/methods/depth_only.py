"""Depth alone: the twin with which learning both tasks is compared."""

from dataclasses import dataclass
from typing import ClassVar

from reglab.experiments.multitask.base import Multitask


@dataclass(frozen=True)
class DepthOnly(Multitask):
    """Absolute error of the depth at each pixel."""

    tasks: ClassVar[tuple[str, ...]] = ("depth",)
