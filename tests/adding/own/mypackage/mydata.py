"""Two moons of points in the plane, as a function and as a class with settings."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mypackage.moons import draw
from reglab.data.source import Examples, Source


def load() -> tuple[np.ndarray, np.ndarray]:
    """Inputs (200, 2) as float32, and classes (200,) as int64."""
    return draw(200)


def load_with_groups() -> Examples:
    inputs, targets = draw(200)
    return Examples(inputs=inputs, targets=targets, classes=("upper", "lower"), groups=np.arange(200) // 2)


def nothing() -> None:
    """What a function without `return` gives."""


@dataclass(frozen=True)
class Moons(Source):
    paths: ClassVar[tuple[str, ...]] = ("file",)

    count: int
    file: str | None = None

    def load(self) -> Examples:
        inputs, targets = draw(self.count)
        return Examples(inputs=inputs, targets=targets)
