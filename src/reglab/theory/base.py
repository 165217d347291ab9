"""What a theory topic is, and what it finds."""

from dataclasses import dataclass, field

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Check:
    """A claim with its measured gap: it holds when the gap is within the tolerance (NaN never is)."""

    name: str
    gap: float
    tolerance: float

    @property
    def passed(self) -> bool:
        return bool(self.gap <= self.tolerance)


@dataclass(frozen=True)
class Finding:
    """Numbers by name, checks, and the figure that shows them."""

    numbers: dict[str, float]
    checks: list[Check]
    figure: Figure = field(repr=False)


class Topic:
    """A frozen dataclass whose fields are its entry under `theory:` in params.yaml."""

    def run(self) -> Finding:
        """Compute, check, draw; deterministic."""
        raise NotImplementedError
