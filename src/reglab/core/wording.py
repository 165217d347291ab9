"""How values and choices are written in messages."""

import json
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from reglab.core.errors import UserError
from reglab.core.redaction import redact

Plain = dict | list | str | int | float | bool | None


NOTHING = "nothing, for there is nothing to choose from"


def unknown(place: str, name: str, choices: Sequence[str]) -> UserError:
    """The error for a name that is not among the choices, with the nearest of them."""
    return UserError(f"{place}: found {shown(name)}; allowed: {', '.join(choices) or NOTHING}{nearest(name, choices)}")


def shown(value: Plain) -> str:
    """The value as YAML would write it, in one line of at most 60 characters."""
    text = redact(json.dumps(value, ensure_ascii=False))
    if not text.isprintable():
        text = redact(json.dumps(value))
    return text if len(text) <= 60 else text[:57] + "..."


def nearest(name: Plain, choices: Iterable[Plain]) -> str:
    """The end of a message, "; did you mean ...?", if one of the choices resembles the name; else nothing."""
    close = get_close_matches(str(name).lower(), list(map(str, choices)), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def many(count: int, noun: str) -> str:
    """The number with its noun, whose plural ends in s: 1 seed, 2 seeds, 0 seeds."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def row_at(index: int) -> str:
    """The row of an array with this index: rows are counted from 1, as those of files, and the index is Python's."""
    return f"row {index + 1} (index {index})"


def one_of(choices: Iterable[str]) -> str:
    listed = ", ".join(map(str, choices))
    return f"one of: {listed}" if listed else NOTHING
