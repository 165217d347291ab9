"""Columns that say how examples belong together, for splits: groups, times and parts."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from reglab.core.errors import UserError
from reglab.core.wording import shown
from reglab.data.classes import at_most

PARTS = ("train", "validation", "test", "unlabelled")


def columns_of(source) -> list[str]:
    """The names of the columns with the structure, as the settings of a source give them."""
    return [name for name in (source.group, source.time, source.parts) if name]


def structure_of(source, columns: dict[str, Sequence[str]], lines: Sequence[int]) -> dict[str, np.ndarray]:
    """The arrays `groups`, `times` and `parts` of `Examples`, from the columns that a source names, by line of its file.

    A time is a number, or a date as ISO 8601 writes it, in seconds since 1970. UserError with a line for each value that is
    none.
    """
    structure, file = {}, source.file
    if name := source.group:
        structure["groups"] = np.unique(np.array(columns[name], dtype=object), return_inverse=True)[1].astype(np.int64)
    if name := source.time:
        values = [time_of(text) for text in columns[name]]
        refuse(
            file,
            name,
            [value is None for value in values],
            columns[name],
            lines,
            "a number, or a date such as 2024-01-31",
        )
        structure["times"] = np.array(values, np.float64)
    if name := source.parts:
        wrong = [text not in PARTS for text in columns[name]]
        refuse(file, name, wrong, columns[name], lines, f"one of: {', '.join(PARTS)}")
        structure["parts"] = np.array(columns[name], np.str_)
    return structure


def time_of(text: str) -> float | None:
    try:
        value = float(text)
        return value if np.isfinite(value) else None
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def refuse(
    file: str, name: str, wrong: Sequence[bool], texts: Sequence[str], lines: Sequence[int], allowed: str
) -> None:
    """UserError with a line for each text that is marked as wrong."""
    problems = [
        f"{file}: {name}, line {line}: found {shown(text)}; allowed: {allowed}"
        for is_wrong, text, line in zip(wrong, texts, lines, strict=True)
        if is_wrong
    ]
    if problems:
        raise UserError(*at_most(problems, file))
