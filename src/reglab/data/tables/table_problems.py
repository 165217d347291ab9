"""Collects the problems of a table: file, column and line, what was found, what is allowed."""

from reglab.core.errors import UserError

SHOWN, SHOWN_OF_A_COLUMN = 20, 3  # lines; a count stands for the others


class TableProblems:
    """All problems of one table, each a line."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: list[str] = []

    def add(self, place: str, found: str, allowed: str, file: str = "") -> None:
        """A problem at a place such as "column age, line 7"; the place may be empty."""
        where = ": ".join(filter(None, (file or self.file, place)))
        line = f"{where}: found {found}; allowed: {allowed}"
        self.lines.append(line if line.isprintable() else line.encode("unicode_escape").decode())

    def stop(self) -> None:
        """UserError with the lines so far, if there are any; beyond SHOWN their number."""
        if len(self.lines) > SHOWN:
            more = f"{self.file}: and {len(self.lines) - SHOWN:,} more problems"
            raise UserError(*self.lines[:SHOWN], more)
        if self.lines:
            raise UserError(*self.lines)


def fail(file: str, found: str, allowed: str, place: str = "") -> UserError:
    """The error with this problem alone."""
    problems = TableProblems(file)
    problems.add(place, found, allowed)
    return UserError(*problems.lines)
