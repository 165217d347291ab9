"""What a person did wrong, said in whole lines."""

from reglab.redaction import redact


class UserError(Exception):
    """Faults in what the user gave, one line each: file, key, what was found, what is allowed, what to do.

    Whoever runs a command prints the lines without a traceback and ends with exit code 2. They hold no secrets.
    """

    def __init__(self, *lines: str) -> None:
        lines = tuple(map(redact, lines))
        super().__init__("\n".join(lines))
        self.lines = lines
