"""Results of a check: passed, failed with what was found, or not applicable with the reason."""

from typing import Literal, NamedTuple


class CheckFailed(AssertionError):
    """The claim of the check does not hold for the technique; the message says what was found."""


class NotApplicable(Exception):
    """The check has no meaning for this technique; the message says why."""


class Result(NamedTuple):
    name: str
    status: Literal["passed", "failed", "not applicable"]
    message: str = ""


def require(holds: bool, message: str) -> None:
    """Raise CheckFailed with what was found, unless the claim holds."""
    if not holds:
        raise CheckFailed(message)
