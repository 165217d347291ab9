"""Reads named columns of a csv or tsv file as text, each row with the line in which it begins."""

import csv
import io
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from reglab.core.errors import UserError
from reglab.core.wording import nearest, shown
from reglab.data.classes import at_most

KINDS = {".csv": ",", ".tsv": "\t"}
ALLOWED = "a table in UTF-8 (.csv with commas, .tsv with tabs) whose first line names the columns"


def read_columns(file: str, wanted: Sequence[str]) -> tuple[list[int], dict[str, list[str]]]:
    """The line of each row and the columns by name, without empty values; UserError with a line for each problem."""
    path = Path(file)
    if not path.is_file():
        near = sorted(each.name for each in path.parent.glob("*")) if path.parent.is_dir() else []
        found = "a folder" if path.is_dir() else "no such file"
        raise UserError(f"{file}: found {found}; allowed: {ALLOWED}{nearest(path.name, near)}")
    if path.suffix.lower() not in KINDS:
        raise UserError(f"{file}: found the ending {path.suffix or 'of no kind'}; allowed: {ALLOWED}")
    records = records_of(file)
    if not records:
        raise UserError(f"{file}: found no line; allowed: {ALLOWED}")
    (line, names), *records = records
    check_names(f"{file}, line {line}", names, wanted)
    if not records:
        raise UserError(f"{file}: found the names of columns and no rows; allowed: a row for each example")
    problems = [
        f"{file}, line {line}: found {len(row)} values; allowed: {len(names)}, as the first line has"
        for line, row in records
        if len(row) != len(names)
    ]
    places = {name: names.index(name) for name in wanted}
    problems += [
        f"{file}: {name}, line {line}: found nothing; allowed: a value in each row"
        for line, row in records
        for name, place in places.items()
        if len(row) == len(names) and not row[place].strip()
    ]
    if problems:
        raise UserError(*at_most(problems, file))
    return [line for line, _ in records], {name: [row[place] for _, row in records] for name, place in places.items()}


def records_of(file: str) -> list[tuple[int, list[str]]]:
    """(line in which it begins, values) of each row of a csv or tsv file that is not empty."""
    text = io.StringIO(decoded(Path(file).read_bytes(), file), newline="")
    return list(rows(text, KINDS[Path(file).suffix.lower()]))


def decoded(content: bytes, file: str) -> str:
    """The text without a byte order mark."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        found = f"the byte 0x{content[error.start]:02x}, which is not UTF-8"
        raise UserError(f"{file}, line {line}: found {found}; allowed: {ALLOWED}") from None
    if "\0" in text:
        raise UserError(f"{file}: found a byte 0, as in files that are no text; allowed: {ALLOWED}")
    return text


def rows(text: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line in which it begins, values) of each row that is not empty; a value in quotes may have several lines."""
    csv.field_size_limit(sys.maxsize)
    reader, line = csv.reader(text, delimiter=delimiter), 1
    for row in reader:
        if row:
            yield line, row
        line = reader.line_num + 1


def check_names(place: str, names: list[str], wanted: Sequence[str]) -> None:
    """UserError where the names of the columns are not unique or lack a wanted one."""
    lines = [
        f"{place}: found {count} columns with the name {shown(name)}; allowed: a name of its own for each column"
        for name, count in Counter(names).items()
        if count > 1
    ]
    other = [mark for mark in ";\t|," if len(names) == 1 and mark in names[0]]
    hint = f"; the line has {names[0].count(other[0])} of {shown(other[0])} instead" if other else ""
    lines += [
        f"{place}: found no column {shown(name)}; allowed: one of: {', '.join(names)}{hint or nearest(name, names)}"
        for name in wanted
        if name not in names
    ]
    if lines:
        raise UserError(*lines)


def distinct_values(file: str) -> dict[str, int]:
    """How many different values each column has, by name in the order of the file; UserError as `read_columns`."""
    read_columns(file, [])
    (_, names), *records = records_of(file)
    return {name: len({row[place] for _, row in records}) for place, name in enumerate(names)}
