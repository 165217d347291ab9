"""Reads the files of a table as columns of text, and remembers in which line of which file a row stands."""

import io
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from reglab.core.errors import UserError
from reglab.core.wording import shown
from reglab.data.delimited import rows
from reglab.data.tables.settings import MISSING
from reglab.data.tables.table_bytes import PARQUET, as_utf_8, paths, read_bytes
from reglab.data.tables.table_problems import TableProblems, fail

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "space": " "}  # besides any single character
NAMED = "by --delimiter of reglab new (delimiter: in a profile)"
SNIFFED = 200  # records from which a delimiter is detected
BLOCK = 64 * 2**20  # bytes that are parsed at once; a row must fit into them


@dataclass(frozen=True)
class TableFile:
    """One file of a table: how many rows it has, and its delimiter (None: parquet)."""

    path: Path
    rows: int
    delimiter: str | None
    encoding: str


@dataclass(frozen=True)
class RawTable:
    """The columns of a table as text without spaces at the ends; a missing value is null."""

    file: str
    columns: dict[str, pa.ChunkedArray]
    parts: tuple[TableFile, ...]
    lines: dict[Path, list[int]] = field(default_factory=dict, compare=False)  # read where a problem is reported

    def __len__(self) -> int:
        return sum(part.rows for part in self.parts)

    def without(self, *names: str) -> "RawTable":
        """The table without these columns."""
        return replace(self, columns={each: values for each, values in self.columns.items() if each not in names})

    def place(self, row: int) -> tuple[str, str]:
        """The file in which a row stands, and where in it: "line 7", of a parquet file "row 6"."""
        for part in self.parts:
            if row < part.rows:
                break
            row -= part.rows
        if part.delimiter is None:
            return str(part.path), f"row {row + 1}"
        if part.path not in self.lines:
            content = as_utf_8(read_bytes(part.path), part.encoding, str(part.path))
            self.lines[part.path] = [line for line, _ in records(content, part.delimiter)]
        return str(part.path), f"line {self.lines[part.path][row + 1]}"


def read(
    file: str, *, delimiter: str | None = None, encoding: str = "utf-8", missing: tuple[str, ...] = MISSING
) -> RawTable:
    """The table in a file, or in all files of a pattern; UserError with all problems of its form.

    Without `delimiter` each file's own is detected.
    """
    parts, tables = [], []
    for path in paths(file):
        content = read_bytes(path)
        if content.startswith(PARQUET):
            table, mark = parquet(path, content), None
        else:
            content = as_utf_8(content, encoding, str(path))
            mark = named_delimiter(delimiter, str(path)) if delimiter else detected(content, str(path))
            table = delimited(content, mark, str(path))
        first = tables[0].column_names if tables else table.column_names
        if sorted(first) != sorted(table.column_names):
            differing = sorted(set(first) ^ set(table.column_names))
            raise fail(str(path), f"other columns than in {parts[0].path}: {', '.join(differing)}", "the same in each")
        parts.append(TableFile(path, table.num_rows, mark, encoding))
        tables.append(table.select(first))
    whole = pa.concat_tables(tables)
    if not whole.num_rows:
        raise fail(file, "the names of columns and no rows", "a line for each row below the names")
    return RawTable(file, trimmed(whole, missing), tuple(parts))


def release_text() -> None:
    """Give back the memory of tables that nothing refers to: a gigabyte, of a million rows of fifty columns."""
    pa.default_memory_pool().release_unused()


def trimmed(table: pa.Table, missing: tuple[str, ...]) -> dict[str, pa.ChunkedArray]:
    """The columns of text without spaces at the ends; what spells a missing value is null."""
    spellings, columns = pa.array(missing, pa.string()), {}
    for name in table.column_names:
        values = pc.utf8_trim_whitespace(table[name])
        columns[name] = pc.if_else(pc.is_in(values, spellings), pa.scalar(None, pa.string()), values)
    return columns


def named_delimiter(given: str, name: str) -> str:
    """The character of a delimiter that may be given by name; UserError for what no file can have between its columns."""
    mark = DELIMITERS.get(given, given)
    if len(mark) != 1 or not mark.isascii() or mark in '"\r\n\0':
        raise fail(
            name, f"the delimiter {shown(given)}", 'one character of ASCII, such as "," or ";", or tab, or space'
        )
    return mark


def delimiter_name(mark: str) -> str:
    """The delimiter as it is written in a profile: tab and space by name."""
    return {"\t": "tab", " ": "space"}.get(mark, mark)


def records(content: bytes, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The records of a text with the line in which each begins; empty lines are left out."""
    return rows(io.TextIOWrapper(io.BytesIO(content), "utf-8", newline=""), delimiter)  # decodes no more than is read


def detected(content: bytes, name: str) -> str:
    """The delimiter with which the first records all have as many fields as the names; UserError where none fits."""
    cut = content if len(content) < BLOCK // 64 else content[: content.rfind(b"\n", 0, BLOCK // 64) + 1] or content
    counts = {}
    for mark in (",", ";", "\t", "|"):
        counts[mark] = [len(record) for _, record in itertools.islice(records(cut, mark), SNIFFED)]
    named = {mark: common[0] for mark, common in counts.items() if common and common[0] > 1}
    fitting = {mark: count for mark, count in named.items() if set(counts[mark]) == {count}}
    if len(fitting) > 1:
        best = max(fitting.values())
        fitting = {mark: count for mark, count in fitting.items() if count == best}
    if len(fitting) == 1:
        return next(iter(fitting))
    if fitting:
        both = " and ".join(f'"{delimiter_name(mark)}"' for mark in fitting)
        raise fail(name, f"columns with the delimiters {both} alike", f"a delimiter named {NAMED}", "line 1")
    if named:  # rows that do not fit are reported in their lines
        return max(named, key=named.get)
    if not any(counts.values()):
        raise fail(name, "empty lines alone", "a line with the names of the columns, then a line for each row")
    raise fail(
        name,
        f"one column: {shown(next(records(cut, ','))[1][0].strip())}",
        f"columns between , ; tabs or |; another delimiter named {NAMED}",
        "line 1",
    )


def delimited(content: bytes, delimiter: str, name: str) -> pa.Table:
    """The columns of a text; UserError with each row that has more or fewer fields than the header."""
    header = next(records(content, delimiter), None)
    if header is None:
        raise fail(name, "empty lines alone", "a line with the names of the columns, then a line for each row")
    names = column_names(header[1], header[0], name)
    if len(names) == 1:
        marks = [mark for mark in (",", ";", "\t", "|") if mark != delimiter and mark in header[1][0]]
        hint = f"; the line has {header[1][0].count(marks[0])} of {shown(marks[0])}" if marks else ""
        raise fail(
            name,
            f"one column with the delimiter {shown(delimiter)}{hint}",
            f"two columns or more with a delimiter named {NAMED}; rows to predict have that of their study",
            f"line {header[0]}",
        )
    invalid = []

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        invalid.append((row.number, row.actual_columns))
        return "skip"

    block = max(2**20, min(len(content) + 1, BLOCK))
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(content if content.endswith(b"\n") else content + b"\n"),  # which a header alone needs
            pyarrow.csv.ReadOptions(use_threads=False, block_size=block, autogenerate_column_names=True),
            pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip),
            pyarrow.csv.ConvertOptions(column_types={f"f{place}": pa.string() for place in range(len(names))}),
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, TypeError) as error:
        found = f"what is not a table ({' '.join(str(error).split())[:200]})"
        raise fail(name, found, f"rows of {len(names)} fields with the delimiter {shown(delimiter)}") from None
    if invalid:
        report_invalid(invalid, content, delimiter, names, name)
    return table.slice(1).rename_columns(names)


def report_invalid(invalid: list[tuple], content: bytes, delimiter: str, names: list[str], name: str) -> None:
    """UserError for the records of these numbers, which have so many fields."""
    problems, counts = TableProblems(name), dict(invalid)
    for number, (line, _) in enumerate(records(content, delimiter), 1):
        if number in counts:
            found = f"{counts[number]} field{'s' * (counts[number] != 1)}"
            problems.add(f"line {line}", found, f"{len(names)}, as the header has: {shown(', '.join(names))}")
    if not problems.lines:  # where the two parsers see other records
        problems.add("", f"{len(invalid)} rows with other numbers of fields", f"{len(names)}, as the header has")
    problems.stop()


def column_names(header: list[str], line: int, file: str) -> list[str]:
    """The names of the columns; a column without one is called after its place, column_1."""
    place = f"line {line}"
    names = [each.strip() or f"column_{number}" for number, each in enumerate(header, 1)]
    problems = TableProblems(file)
    for name, count in Counter(names).items():
        if count > 1:
            problems.add(place, f"{count} columns with the name {shown(name)}", "a name of its own for each column")
    for name in dict.fromkeys(names):
        if not name.isprintable() or len(name) > 200 or "${" in name or name == "???":
            problems.add(
                place,
                f"the column name {shown(name)}",
                "a name of at most 200 printed characters in one line, without ${",
            )
    if all(is_number(name) for name in names):
        problems.add(place, f"numbers alone: {shown(', '.join(names))}", "the names of the columns in the first line")
    problems.stop()
    return names


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def parquet(path: Path, content: bytes) -> pa.Table:
    """The columns of a parquet file as text; UserError where it is damaged or a column holds lists or the like."""
    try:
        table = pyarrow.parquet.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise fail(str(path), f"a damaged parquet file ({' '.join(str(error).split())[:200]})", "parquet") from None
    names = column_names(table.column_names, 1, str(path)) if table.num_columns else []
    if len(names) < 2:
        raise fail(str(path), f"{len(names)} columns", "two columns or more")
    columns, problems = [], TableProblems(str(path))
    for name, column in zip(names, table.columns, strict=True):
        try:
            values = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
            columns.append(values.cast(pa.string()).fill_null(""))
        except (pa.ArrowException, UserError):
            columns.append(None)
            problems.add(f"column {name}", f"values of the type {column.type}", "numbers, texts, truth values, dates")
    problems.stop()
    return pa.table(dict(zip(names, columns, strict=True)))
