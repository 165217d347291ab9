"""What a check comes to: passed, failed with what was found, or not applicable with the reason."""

from typing import Literal, NamedTuple


class CheckFailed(AssertionError):
    """The technique does not keep what the check claims; the message says what was found."""


class NotApplicable(Exception):
    """The check has no meaning for this technique; the message says why."""


class Result(NamedTuple):
    name: str
    status: Literal["passed", "failed", "not applicable"]
    found: str = ""


def require(holds: bool, found: str) -> None:
    """CheckFailed with what was found, unless the claim holds."""
    if not holds:
        raise CheckFailed(found)
