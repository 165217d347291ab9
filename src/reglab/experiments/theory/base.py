"""What a theory topic is, and what it finds."""

from dataclasses import dataclass, field
from typing import ClassVar

from matplotlib.figure import Figure

from reglab.core.checks import Check


@dataclass(frozen=True)
class Finding:
    """Numbers by name, checks, and the figure that shows them."""

    numbers: dict[str, float]
    checks: list[Check]
    figure: Figure = field(repr=False)


class Topic:
    """A frozen dataclass whose fields are its entry under `theory:` in params.yaml."""

    lecture: ClassVar[str] = "other_techniques"  # the section of the report's chapter that shows it

    def run(self) -> Finding:
        """Compute, check, draw; deterministic."""
        raise NotImplementedError
