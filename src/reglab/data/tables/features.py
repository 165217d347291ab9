"""Columns that a schema declares as inputs and that can teach nothing: identifiers, and numbers that stand as levels."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reglab.core.wording import shown
from reglab.data.tables import values as reading
from reglab.data.tables.files import RawTable
from reglab.data.tables.settings import MOST_LEVELS, Column
from reglab.data.tables.table_problems import TableProblems

FEW_ROWS = 20  # in so many rows all values may differ by chance
NUMERIC_CODES = 10  # as many different numbers may be codes, however they are written
FEW_LEVELS, LEVEL_SHARE = 50, 0.1  # more different texts than both (the share is of the rows) are no levels
NAMED_ID = re.compile(r"(^|[_ .-])(id|ids|uuid|guid|index|identifier|row)([_ .-]|$)|[a-z]I[dD]$", re.IGNORECASE)


def check_feature(
    raw: RawTable, name: str, column: Column, numbers: np.ndarray | None, problems: TableProblems
) -> None:
    """A line where a column that is declared as an input is an identifier, or has numbers as levels.

    `numbers` (n,), NaN where there is none, are those of a numeric column.
    """
    if column.kind == "numeric" and counts_rows(name, numbers[~np.isnan(numbers)]):
        found = "another whole number in each row: an identifier"
        report_first(raw, name, found, "numbers that measure something", problems)
    if column.kind != "categorical" or not reading.present(raw.columns[name]).any():
        return
    distinct = pc.count_distinct(raw.columns[name], mode="only_valid").as_py()
    if all_differ(raw.columns[name], distinct):
        report_first(raw, name, "another text in each row: an identifier", "levels that several rows share", problems)
    elif are_written_numbers(raw.columns[name], distinct):
        allowed = 'plain numbers with kind: numeric (and decimal: "," where the comma is a decimal comma)'
        report_first(raw, name, f"{distinct:,} different numbers as levels", allowed, problems, leave_out="text")


def report_first(
    raw: RawTable, name: str, found: str, allowed: str, problems: TableProblems, *, leave_out: str = "identifier"
) -> None:
    """A problem of a whole column, at its first value, with the kind that leaves the column out."""
    row = int(np.flatnonzero(reading.present(raw.columns[name]))[0])
    file, line = raw.place(row)
    text = shown(raw.columns[name][row].as_py())
    allowed = f"{allowed}; or kind: {leave_out}, which leaves the column out"
    problems.add(f"column {name}, {line}", f"{text}, {found}", allowed, file)


def all_differ(values: pa.ChunkedArray, distinct: int) -> bool:
    """Whether every row that has a value has one of its own, in more rows than chance allows."""
    return distinct == len(values) - values.null_count > FEW_ROWS


def counts_rows(name: str, known: np.ndarray) -> bool:
    """Whether numbers (n,) say only which row it is: whole, all different, and without a gap or called an identifier."""
    if len(known) <= FEW_ROWS or (known != np.floor(known)).any():
        return False
    without_gap = known.max() - known.min() + 1 == len(known)
    return bool((without_gap or NAMED_ID.search(name)) and len(np.unique(known)) == len(known))


def are_written_numbers(values: pa.ChunkedArray, distinct: int) -> bool:
    """Whether texts are amounts: many and all written as numbers. Plain numbers are codes unless few rows share one."""
    if distinct <= NUMERIC_CODES:
        return False
    texts = pa.chunked_array([values.drop_null().unique()])
    plain = reading.matches(texts, reading.NUMBER)
    written = reading.matches(texts, reading.WRITTEN_NUMBER) | reading.matches(texts, reading.COMMA_NUMBER)
    if not (plain | written).all():
        return False
    fractions = reading.matches(texts, r"[0-9]\.[0-9]").any()
    return bool((~plain).any() or (fractions and distinct > most_levels(len(values) - values.null_count)))


def most_levels(filled: int) -> float:
    """With more different texts than these, in so many rows with a text, a column is text and has no levels."""
    return min(MOST_LEVELS, max(FEW_LEVELS, LEVEL_SHARE * filled))
