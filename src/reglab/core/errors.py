"""What stops a command, said in whole lines and without a traceback."""

from reglab.core.redaction import redact


class UserError(Exception):
    """Problems in what the user gave, one line each: file, key, what was found, what is allowed, what to do.

    Whoever runs a command prints the lines without a traceback and ends with exit code 2. They hold no secrets.
    """

    def __init__(self, *lines: str) -> None:
        lines = tuple(map(redact, lines))
        super().__init__("\n".join(lines))
        self.lines = lines


class WorkError(Exception):
    """One line on what stopped the work though the input is right, such as a full disk or a second run: exit code 1."""
