"""Class names that come from folders and tables: they are printed, and stand in records and reports."""

from collections.abc import Iterable

from reglab.core.errors import UserError


def check_class_names(place: str, names: Iterable[str]) -> None:
    """UserError where a name has control characters, or bytes that are no UTF-8; `place` begins the line."""
    if odd := [name for name in names if not name.isprintable()]:
        raise UserError(
            f"{place}: found the class {odd[0]!a}; allowed: names of printed characters in one line, in UTF-8"
        )
