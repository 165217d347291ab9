"""What a person did wrong, said in whole lines."""


class UserError(Exception):
    """Faults in what the user gave, one line each: file, key, what was found, what is allowed, what to do.

    Whoever runs a command prints the lines without a traceback and ends with exit code 2.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
