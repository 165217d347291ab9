"""Exact checks: claims that hold up to rounding, each with its measured gap."""

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


def check_record(check: Check) -> dict:
    """The check as record.json holds it: the gap to two digits, since further ones are rounding; None if it is not finite."""
    gap = float(f"{check.gap:.2g}") if isfinite(check.gap) else None
    return {"name": check.name, "gap": gap, "tolerance": check.tolerance, "passed": check.passed}


def distance(one, other) -> float:
    """The largest absolute difference between two tensors."""
    return (one - other).abs().max().item()


def standard_errors(draws, expected) -> float:
    """The largest distance of the mean over draws (draws, ...) from its expectation, in standard errors."""
    return ((draws.mean(0) - expected).abs() / (draws.std(0) / len(draws) ** 0.5)).max().item()
