"""Exact checks: a claim beside its measured gap, and the small problem on which techniques are held to closed forms."""

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True)
class Check:
    """A claim with its measured gap: it holds when the gap is within the tolerance (NaN never is)."""

    name: str
    gap: float
    tolerance: float

    @property
    def passed(self) -> bool:
        return bool(self.gap <= self.tolerance)


def row(check: Check) -> dict:
    """The check in the record; a gap to two digits, for the last ones are rounding, and None where it is no number."""
    gap = float(f"{check.gap:.2g}") if isfinite(check.gap) else None
    return {"name": check.name, "gap": gap, "tolerance": check.tolerance, "passed": check.passed}


def distance(one, other) -> float:
    """The largest absolute difference between two tensors."""
    return (one - other).abs().max().item()


def standard_errors(draws, expected) -> float:
    """How far the mean over draws (draws, ...) lies from what is expected, in its standard errors; the largest."""
    return ((draws.mean(0) - expected).abs() / (draws.std(0) / len(draws) ** 0.5)).max().item()
