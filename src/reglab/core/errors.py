"""Exceptions that end a command with whole lines of text instead of a traceback."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

from reglab.core.redaction import redact


class UserError(Exception):
    """Problems in the user's input, one line each: file, key, what was found, what is allowed, what to do.

    The command prints the lines without a traceback and ends with exit code 2. Secrets in them are hidden.
    """

    def __init__(self, *lines: str) -> None:
        lines = tuple(map(redact, lines))
        super().__init__("\n".join(lines))
        self.lines = lines


class WorkError(Exception):
    """One line on why the work failed although the input is right, such as a full disk or a second run: exit code 1."""


Result = TypeVar("Result")


class AllProblems:
    """The lines of the UserErrors of several readers, which are raised together."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def of(self, read: Callable[[], Result]) -> Result | None:
        """What `read` returns; None where it raises a UserError, the lines of which are kept."""
        try:
            return read()
        except UserError as error:
            self.lines += [line for line in error.lines if line not in self.lines]
            return None

    def stop(self) -> None:
        """UserError with the lines, if there are any."""
        if self.lines:
            raise UserError(*self.lines)


@contextlib.contextmanager
def exit_codes() -> Iterator[None]:
    """End the process where the block raises one of these errors: print its lines, exit code 2 or 1."""
    try:
        yield
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except WorkError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
