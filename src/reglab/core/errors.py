"""Exceptions that end a command with whole lines of text instead of a traceback."""

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
