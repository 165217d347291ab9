"""Infers what kind of values a column holds, from its text alone; what is not clear is refused, never guessed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reglab.core.wording import shown
from reglab.data.tables import values as reading
from reglab.data.tables.features import NUMERIC_CODES, all_differ, are_written_numbers, counts_rows, most_levels
from reglab.data.tables.files import RawTable
from reglab.data.tables.settings import MOST_LEVELS, Column
from reglab.data.tables.table_labels import PAIRS, all_labels, truth, understood_levels
from reglab.data.tables.table_problems import TableProblems
from reglab.data.tables.table_targets import amount_targets, amounts_with_texts, are_amounts, class_problems

SAMPLE = 200  # texts with which a format of dates is tried first
CLEAR = "a value of one kind in each row"
AN_INPUT = "makes each an input"  # the end of a note, which is for columns that may be inputs


@dataclass(frozen=True)
class Understood:
    """A column as it was understood: its place in the schema, numbers for people, and what to look at."""

    name: str
    column: Column
    missing: int
    distinct: int
    example: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """The text of a column while its kind is being found; problems go to `problems`."""

    raw: RawTable
    name: str
    values: pa.ChunkedArray
    counts: dict[str, int]
    distinct: int
    decimal: str
    problems: TableProblems

    @property
    def missing(self) -> bool:
        return bool(self.values.null_count)

    @property
    def filled(self) -> int:
        return len(self.values) - self.values.null_count

    def option(self, kind: str) -> str:
        """How to name the kind oneself."""
        return f"--kind {shown(f'{self.name}={kind}')}"

    def report(self, rows: np.ndarray, found: str, allowed: str) -> tuple[Column, tuple[str, ...]]:
        """A problem at the first of these rows (n,), with its text; the column as left out."""
        row = int(np.flatnonzero(rows)[0])
        file, line = self.raw.place(row)
        text = shown(self.values[row].as_py())
        self.problems.add(f"column {self.name}, {line}", found.replace("{text}", text), allowed, file)
        return Column("text", missing=self.missing), ()


def infer(raw: RawTable, *, decimal: str = ".", kinds: dict[str, str] | None = None) -> list[Understood]:
    """Every column of a table as understood; UserError with all columns that are not clear.

    `kinds` are those that the user names: {column: "categorical"} or {column: "date:%d.%m.%Y"}.
    """
    problems, columns = TableProblems(raw.file), []
    for name, values in raw.columns.items():
        distinct, counts = reading.level_counts(values, MOST_LEVELS)
        candidate = Candidate(raw, name, values, counts, distinct, decimal, problems)
        kind = (kinds or {}).get(name)
        column, notes = declared(candidate, kind) if kind else inferred(candidate)
        if column.kind in ("categorical", "boolean"):
            column, notes = levels_found(candidate, column, notes)
        example = ", ".join(list(counts)[:3]) or next((text for text in values[:50].to_pylist() if text), "")
        columns.append(Understood(name, column, values.null_count, distinct, example, notes))
    problems.stop()
    return columns


def declared(candidate: Candidate, wanted: str) -> tuple[Column, tuple[str, ...]]:
    """A column of the kind that the user names."""
    kind, _, format = wanted.partition(":")
    present = reading.present(candidate.values)
    if kind == "date" and not format:
        formats = date_formats(candidate)
        if len(formats) != 1:
            found = f"{{text}}, which {'several formats' if formats else 'no known format'} of dates fit"
            tried = ", ".join(formats) or "%d.%m.%Y"
            return candidate.report(present, found, f"its format, {candidate.option('date:FORMAT')}, such as {tried}")
        format = formats[0]
    if kind in ("categorical", "boolean") and candidate.distinct > MOST_LEVELS:
        return candidate.report(present, f"{candidate.distinct:,} levels, such as {{text}}", f"at most {MOST_LEVELS:,}")
    levels = tuple(candidate.counts) if kind == "categorical" else ()
    if kind == "boolean":
        levels = truth(list(candidate.counts))
        if not levels:
            return candidate.report(present, "{text}, not one of two truth values", f"one of these pairs: {PAIRS}")
    return Column(kind, levels, format, candidate.missing), ()


def inferred(candidate: Candidate) -> tuple[Column, tuple[str, ...]]:
    """The kind of a column, with notes on what to look at."""
    if not candidate.filled:
        return Column("constant", missing=True), ("every value is missing",)
    if candidate.distinct == 1 and candidate.missing:
        note = f"{shown(next(iter(candidate.counts)))} in {candidate.filled:,} rows and nothing in the others; "
        note += f"if that tells them apart {candidate.option('categorical')}"
        return Column("constant", missing=True), (note,)
    if candidate.distinct == 1:
        return Column("constant"), ("has the same value in every row",)
    if pair := truth(list(candidate.counts)):
        return Column("boolean", pair, "", candidate.missing), ()
    numbers, wrong = reading.numbers(candidate.values, candidate.decimal)
    if not wrong.any():
        return of_numbers(candidate, numbers)
    infinite = wrong & (reading.matches(candidate.values, reading.INFINITE) | np.isinf(numbers))
    commas = wrong & reading.matches(candidate.values, reading.COMMA_NUMBER)
    if candidate.decimal == "." and commas.any() and (commas | ~wrong).all():
        option = '--decimal "," (decimal: "," in a profile) where the comma is a decimal comma'
        allowed = f"a decimal point and no separator of thousands; {option}"
        if candidate.distinct <= NUMERIC_CODES:
            allowed += f"; {candidate.option('categorical')}"
        return candidate.report(commas, "{text}, a number with a comma", allowed)
    if infinite.any() and (infinite | ~wrong).all():
        return candidate.report(infinite, "{text}", "finite numbers, or nothing where a value is missing")
    different = len(np.unique(numbers[~np.isnan(numbers)]))
    if different > NUMERIC_CODES and wrong.sum() < candidate.filled / 2:
        found = f"{{text}}, one of {int(wrong.sum()):,} texts among {candidate.filled - int(wrong.sum()):,} numbers"
        allowed = f"{CLEAR}; --missing TEXT for a spelling of missing values; {candidate.option('categorical')}"
        return candidate.report(wrong, found, allowed)
    return of_dates(candidate) or of_texts(candidate)


def of_numbers(candidate: Candidate, numbers: np.ndarray) -> tuple[Column, tuple[str, ...]]:
    """The kind of a column of numbers alone."""
    known = numbers[~np.isnan(numbers)]
    whole = bool((known == np.floor(known)).all())
    padded = reading.matches(candidate.values, r"^0[0-9]+$")
    if padded.any():
        column, notes = of_texts(candidate)
        return column, (*notes, "numbers with leading zeros: taken for codes, not for amounts")
    if counts_rows(candidate.name, known):
        return Column("identifier", missing=candidate.missing), ("another whole number in each row",)
    notes = ()
    if whole and candidate.distinct <= NUMERIC_CODES and candidate.filled > 5 * candidate.distinct:
        notes = (f"{candidate.distinct} different whole numbers: kind: categorical if they are codes",)
    for code in (-999.0, -9999.0, 999.0, 9999.0, 99999.0, -1.0):
        others = known[known != code]
        extreme = len(others) and (code > others.max() if code > 0 else code < others.min())
        if extreme and (known == code).sum() > 1:
            notes += (f"{(known == code).sum():,} times {code:g}: missing values? if so --missing={code:g}",)
    return Column("numeric", missing=candidate.missing), notes


def of_dates(candidate: Candidate) -> tuple[Column, tuple[str, ...]] | None:
    """A column of dates; None where it is not one."""
    formats = date_formats(candidate)
    if len(formats) > 1:
        found = "{text}, a date that can be read as " + " or ".join(formats)
        return candidate.report(
            reading.present(candidate.values), found, f"one of them, named by {candidate.option(f'date:{formats[0]}')}"
        )
    if formats:
        return Column("date", format=formats[0], missing=candidate.missing), ()
    sample = candidate.values.drop_null()[:SAMPLE]  # a value that is missing is no date
    for format in reading.DATES:
        wrong = reading.dates(sample, format)[1]
        if wrong.mean() < 0.5:
            wrong = reading.dates(candidate.values, format)[1]
            found = f"{{text}}, one of {int(wrong.sum()):,} texts among dates such as {format}"
            allowed = f"{CLEAR}; --missing TEXT for a spelling of missing values; {candidate.option('categorical')}"
            return candidate.report(wrong, found, allowed)
    return None


def date_formats(candidate: Candidate) -> list[str]:
    """The formats in which every text of the column is a date; where one is enough, the others with less detail go."""
    sample = candidate.values.drop_null()[:SAMPLE]
    if not reading.matches(sample, r"[0-9]").all():
        return []
    likely = [format for format in reading.DATES if not reading.dates(sample, format)[1].any()]
    return [format for format in likely if not reading.dates(candidate.values, format)[1].any()]


def of_texts(candidate: Candidate) -> tuple[Column, tuple[str, ...]]:
    """A column of levels, of identifiers, or of text."""
    texts = candidate.values.drop_null()
    words = pc.mean(pc.count_substring(texts, " ")).as_py() + 1
    written = ()
    if reading.matches(texts, reading.WRITTEN_NUMBER).all():
        written = (f"numbers that are written as {shown(texts[0].as_py())}: as an input they have to be plain numbers",)
    differ = all_differ(candidate.values, candidate.distinct)
    if differ and words < 4:
        return Column("identifier", missing=candidate.missing), ("another text in each row", *written)
    amounts = written and are_written_numbers(candidate.values, candidate.distinct)
    if differ or amounts or candidate.distinct > most_levels(candidate.filled):
        notes = (f"{candidate.distinct:,} different texts in {candidate.filled:,} rows", *written)
        if candidate.distinct <= MOST_LEVELS and not (differ or amounts):
            notes += (f"{candidate.option('categorical')} {AN_INPUT}",)
        return Column("text", missing=candidate.missing), notes
    return Column("categorical", tuple(candidate.counts), "", candidate.missing), ()


def levels_found(candidate: Candidate, column: Column, notes: tuple[str, ...]) -> tuple[Column, tuple[str, ...]]:
    """The column with notes on its levels; a problem where a level cannot be written into a profile."""
    for level in column.levels:
        if not level.isprintable() or "${" in level or level == "???":
            rows = reading.as_mask(pc.equal(candidate.values, level))
            return candidate.report(
                rows, "{text}", "levels of printed characters in one line, without ${ and other than ???"
            )
    folded: dict[str, list[str]] = {}
    for level in column.levels:
        folded.setdefault(" ".join(level.lower().split()), []).append(level)
    alike = [" / ".join(each) for each in folded.values() if len(each) > 1]
    once = [level for level in column.levels if candidate.counts.get(level) == 1]
    notes += (f"levels that differ in case or spaces alone: {', '.join(alike[:3])}",) if alike else ()
    notes += (f"{len(once)} of {len(column.levels)} levels in one row alone: {', '.join(once[:3])}",) if once else ()
    return column, notes


def understood_target(raw: RawTable, name: str, *, kind: str | None, decimal: str) -> Understood:
    """The column of the target: its different values are classes, or it is numeric and its values are amounts.

    `kind` is the one that the user names; without it, numbers with fractions, and more different ones than `MOST_CLASSES`,
    are amounts. UserError where the values are neither.
    """
    values = raw.columns[name]
    distinct, counts = reading.level_counts(values, MOST_LEVELS)
    listed = ", ".join(list(counts)[:3] or [text for text in values[:3].to_pylist() if text])
    if kind == "numeric" or (kind is None and are_amounts(raw, name, decimal)):
        problems = TableProblems(raw.file)
        amount_targets(raw, name, decimal, problems)
        problems.stop()
        return Understood(name, Column("numeric"), values.null_count, distinct, listed)
    if kind is None:
        amounts_with_texts(raw, name, decimal).stop()
    problems = class_problems(raw, name, distinct, counts)
    problems.stop()
    candidate = Candidate(raw, name, values, counts, distinct, ".", problems)
    column, notes = levels_found(candidate, Column("categorical", tuple(counts)), ())
    problems.stop()
    return Understood(name, column, values.null_count, distinct, listed, notes)


def understood_labels(raw: RawTable, names: Sequence[str]) -> list[Understood]:
    """The columns of several targets, each of which says whether a row has a label; UserError with all that do not."""
    problems, columns = TableProblems(raw.file), []
    for name in names:
        distinct, counts = reading.level_counts(raw.columns[name], MOST_LEVELS)
        levels = understood_levels(raw, name, problems)
        example = ", ".join(list(counts)[:3])
        columns.append(Understood(name, Column("boolean", levels), raw.columns[name].null_count, distinct, example))
    if known := {each.name: each.column.levels for each in columns if each.column.levels}:
        all_labels(raw, known, problems)
    problems.stop()
    return columns
