"""Checks a table against its schema and turns it into arrays; nothing is guessed."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from reglab.core.wording import nearest, shown
from reglab.data.tables import values as reading
from reglab.data.tables.files import RawTable
from reglab.data.tables.settings import Column
from reglab.data.tables.table_problems import SHOWN_OF_A_COLUMN, TableProblems

EXPECTED_ALONE = (
    "in rows to predict, the study's columns alone: leave this one out; in its training data, an entry there"
)


def check_names(raw: RawTable, names: Iterable[str], problems: TableProblems) -> None:
    """A line for each column that the schema has and the file lacks, or the other way round.

    The file is that of a study, or one with new rows to predict.
    """
    names = list(names)
    for name in names:
        if name not in raw.columns:
            others = [each for each in raw.columns if each not in names]
            allowed = f"all columns of the study's data.columns{nearest(name, others)}"
            problems.add(f"column {name}", "no such column", allowed)
    for name in raw.columns:
        if name not in names:
            problems.add(f"column {name}", "a column that the study's data.columns does not have", EXPECTED_ALONE)


def column_values(
    raw: RawTable, name: str, column: Column, decimal: str, problems: TableProblems, *, learnt_from: bool = True
) -> np.ndarray:
    """Numbers (n,) float64 with NaN where missing, or codes (n,) int32 of levels with -1; a line for what does not fit.

    Rows that are `learnt_from` need a value in at least one of them.
    """
    values = raw.columns[name]
    if column.kind == "numeric":
        converted, wrong = reading.numbers(values, decimal)
        allowed = f'a finite number with a decimal "{decimal}"'
    elif column.kind == "date":
        try:
            converted, wrong = reading.dates(values, column.format)
        except ValueError as error:
            problems.add(f"column {name}", f"the format {shown(column.format)} ({error})", "a format of strptime")
            return np.full(len(values), np.nan)
        allowed = f"a date of the format {shown(column.format)}"
    else:
        converted, wrong = reading.codes(values, column.levels)
        allowed = f"a level of the schema: {shown(', '.join(column.levels))}"
        if column.kind == "boolean":
            converted = np.where(converted < 0, np.nan, converted.astype(np.float64))
    report_rows(raw, name, values, wrong, allowed, problems)
    if values.null_count == len(values) and learnt_from:
        problems.add(f"column {name}", "no value in any row", f"values, or kind: constant in place of {column.kind}")
    elif not column.missing and values.null_count:
        empty = ~reading.present(values)
        allowed = f"a value in each row, as the schema says{' (else missing: true)' if learnt_from else ''}"
        report_rows(raw, name, values, empty, allowed, problems)
    return converted


def report_rows(
    raw: RawTable, name: str, values: pa.ChunkedArray, wrong: np.ndarray, allowed: str, problems: TableProblems
) -> None:
    """A line for the column where rows (n,) are wrong: the first value, how many there are, and where the next ones stand."""
    rows = np.flatnonzero(wrong)
    if not len(rows):
        return
    places = [raw.place(int(row)) for row in rows[:SHOWN_OF_A_COLUMN]]
    texts = [
        "nothing" if (text := values[int(row)].as_py()) is None else shown(text) for row in rows[:SHOWN_OF_A_COLUMN]
    ]
    (file, line), found = places[0], texts[0]
    if len(rows) > 1:
        named = [
            f"{text} in {place if each == file else f'{each}, {place}'}"
            for text, (each, place) in zip(texts[1:], places[1:], strict=True)
        ]
        found += f", the first of {len(rows):,} such rows; then {', '.join(named)}{', ...' * (len(rows) > len(places))}"
    problems.add(f"column {name}, {line}", found, allowed, file)
