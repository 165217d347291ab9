"""The base of theory topics, and what a topic returns."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from matplotlib.figure import Figure

from reglab.core.checks import Check


@dataclass(frozen=True)
class Finding:
    """Numbers by name, checks, and the figure that shows them."""

    numbers: dict[str, float]
    checks: list[Check]
    figure: Figure = field(repr=False)


def relative_difference(values: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, relative to the largest expected number."""
    return float(np.abs(values - expected).max() / np.abs(expected).max())


class Topic:
    """A frozen dataclass whose fields are its entry under `theory:` in params.yaml."""

    lecture: ClassVar[str] = "other_techniques"  # the section of the report's chapter that shows it

    def run(self) -> Finding:
        """Compute, check, draw; deterministic."""
        raise NotImplementedError
