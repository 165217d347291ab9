"""Exact checks: a claim beside its measured gap."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """A claim with its measured gap: it holds when the gap is within the tolerance (NaN never is)."""

    name: str
    gap: float
    tolerance: float

    @property
    def passed(self) -> bool:
        return bool(self.gap <= self.tolerance)
