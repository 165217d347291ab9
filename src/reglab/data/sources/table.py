"""A table in a file: csv, tsv, parquet, compressed, or several files of one pattern; read by a schema that is frozen.

`reglab new` writes the schema (`columns`) once. A file that does not fit it is an error with column and line.
"""

import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from annotated_types import MinLen

from reglab.core.wording import nearest
from reglab.data.preprocessing.mixed_columns import TableInputs
from reglab.data.scaling import Scaling
from reglab.data.source import Examples, NewExamples, Source
from reglab.data.tables import values as reading
from reglab.data.tables.checked import check_names, column_values, report_rows
from reglab.data.tables.features import check_feature
from reglab.data.tables.files import RawTable, read, release_text
from reglab.data.tables.frames import of_frame
from reglab.data.tables.settings import MISSING, USED, Column
from reglab.data.tables.table_labels import label_targets
from reglab.data.tables.table_problems import TableProblems
from reglab.data.tables.table_targets import amount_targets, class_problems
from reglab.data.tables.table_weights import row_weights

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("train", "validation", "test", "unlabelled")


@dataclass(frozen=True, kw_only=True)
class Table(Source):
    """A row is an example. `target` names the column with the classes, or with amounts where its kind is numeric; or several
    boolean columns, each of which says whether a row has a label. `columns` names the kind of every column.

    `group`, `time` and `parts` name columns that say how to split, and `weight` one with the weights of the rows in the
    training loss (`data.example_weights`); they are no inputs. `delimiter` is a character, tab or
    space. `missing` lists the spellings of a missing value. `scaling` is that of the numbers, fitted on the training part.
    """

    paths: ClassVar[tuple[str, ...]] = ("file",)

    file: Annotated[str, MinLen(1)]
    target: Annotated[str, MinLen(1)] | Annotated[tuple[str, ...], MinLen(2)]
    columns: Annotated[dict[str, Column], MinLen(2)]
    delimiter: str = ","
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8"
    missing: tuple[str, ...] = field(default=MISSING)
    group: str | None = None
    time: str | None = None
    parts: str | None = None
    weight: str | None = None
    scaling: Scaling = "robust"

    def load(self) -> Examples:
        table, raw = self.table()
        examples = table.examples(raw, declared=True)
        del raw
        release_text()
        return examples

    def table(self) -> tuple["Table", RawTable]:
        """The schema, and the columns as text."""
        return self, read(self.file, delimiter=self.delimiter, encoding=self.encoding, missing=self.missing)

    def examples(self, raw: RawTable, *, declared: bool = False) -> Examples:
        """The rows by the schema; `declared` by a person, whose mistakes are then problems (`tables.features`)."""
        problems = TableProblems(self.file)
        self.check_schema(problems)
        check_names(raw, self.columns, problems)
        problems.stop()
        inputs = self.inputs(raw, problems)
        for place, name in enumerate(inputs.names if declared else ()):
            numbers = inputs.numeric[:, place] if place < inputs.numeric.shape[1] else None
            check_feature(raw, name, self.columns[name], numbers, problems)
        targets = self.targets(raw, problems)
        structure = {"groups": self.groups, "times": self.times, "parts": self.named_parts, "weights": self.weights}
        arrays = {name: read_column(raw, problems) for name, read_column in structure.items()}
        problems.stop()
        classes = self.columns[self.target].levels if isinstance(self.target, str) else self.target
        return Examples(inputs=inputs, targets=targets, classes=classes, **arrays)

    def load_new(self, path: str) -> NewExamples:
        """Rows of another file: it has the columns that are inputs, and may have the others of the schema."""
        return NewExamples(inputs=self.new_inputs(replace(self, file=path).table()[1]))

    @property
    def input_columns(self) -> dict[str, Literal["number", "text"]]:
        return {name: "number" if column.kind == "numeric" else "text" for name, column in self.used.items()}

    def of_frame(self, frame: "pd.DataFrame") -> TableInputs:
        return replace(self, decimal=".").new_inputs(of_frame(frame, self.missing))

    def example_row(self, inputs: TableInputs) -> dict[str, object]:
        """Of numbers, dates and truth values the median, of levels the first."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a column without values
            medians = np.nan_to_num(np.nanmedian(inputs.numeric, axis=0)).tolist()
        middle = dict(zip(inputs.names, medians, strict=False))
        return {name: reading.written(column, middle.get(name, 0.0)) for name, column in self.used.items()}

    def new_inputs(self, raw: RawTable) -> TableInputs:
        """The inputs of rows without a target; UserError with a line for each column and row that does not fit."""
        problems = TableProblems(raw.file)
        check_names(raw, [name for name in self.columns if name in self.used or name in raw.columns], problems)
        problems.stop()
        columns = self.inputs(raw, problems, learnt_from=False)
        problems.stop()
        return columns

    @property
    def target_names(self) -> tuple[str, ...]:
        """The columns of the targets."""
        return (self.target,) if isinstance(self.target, str) else self.target

    @property
    def roles(self) -> tuple[tuple[str, str], ...]:
        """The role and the name of each column that is no input whatever its kind."""
        others = (("group", self.group), ("time", self.time), ("parts", self.parts), ("weight", self.weight))
        named = [(role, name) for role, name in others if name is not None]
        return (*(("target", name) for name in self.target_names), *named)

    @property
    def used(self) -> dict[str, Column]:
        """The columns that are inputs."""
        roles = {name for _, name in self.roles}
        return {name: column for name, column in self.columns.items() if column.kind in USED and name not in roles}

    def check_schema(self, problems: TableProblems) -> None:
        """A line for each contradiction of the settings, which needs no file."""
        for role, name in self.roles:
            if name not in self.columns:
                allowed = f"a column of data.columns{nearest(name, list(self.columns))}"
                problems.add(f"data.{role}", f'no column "{name}"', allowed)
        for name, column in self.columns.items():
            place = f"data.columns.{name}"
            if column.kind in ("categorical", "boolean") and len(set(column.levels)) < len(column.levels):
                problems.add(place, "a level twice", "each level once")
            if column.kind == "categorical" and name in (*self.used, *self.target_names) and not column.levels:
                problems.add(place, "no levels", "levels: [...], all that the column may have")
            if column.kind == "boolean" and len(column.levels) != 2:
                problems.add(place, f"{len(column.levels)} levels", "two levels, the false one first")
            if column.kind == "date" and not column.format:
                problems.add(place, "no format", "format: as in Python's strptime, such as %Y-%m-%d")
        if not isinstance(self.target, str):
            self.check_labels(problems)
        target = self.columns.get(self.target) if isinstance(self.target, str) else None
        if target and target.kind not in ("categorical", "boolean", "numeric"):
            allowed = "categorical, with the classes as levels, or numeric, with amounts to predict"
            problems.add(f"data.columns.{self.target}", f"a target of the kind {target.kind}", allowed)
        if not self.used:
            allowed = (
                f"at least one column of the kinds {', '.join(USED)} beside {', '.join(name for _, name in self.roles)}"
            )
            problems.add("data.columns", "no column that is an input", allowed)

    def check_labels(self, problems: TableProblems) -> None:
        """A line for each target of several that is not boolean, and for one that is there twice."""
        if len(set(self.target)) < len(self.target):
            problems.add("data.target", "a column twice", "each column once")
        for name in dict.fromkeys(self.target):
            if name in self.columns and self.columns[name].kind != "boolean":
                allowed = (
                    'boolean, with two levels, such as ["0", "1"]; several targets are labels that a row has or lacks'
                )
                problems.add(f"data.columns.{name}", f"a target of the kind {self.columns[name].kind}", allowed)

    def inputs(self, raw: RawTable, problems: TableProblems, *, learnt_from: bool = True) -> TableInputs:
        """The columns that are inputs; `learnt_from` as in `column_values`."""
        numeric = [name for name, column in self.used.items() if column.kind != "categorical"]
        levels = [name for name in self.used if name not in numeric]
        arrays = np.empty((len(raw), len(numeric))), np.empty((len(raw), len(levels)), np.int32)
        for names, array in zip((numeric, levels), arrays, strict=True):
            for place, name in enumerate(names):
                array[:, place] = column_values(
                    raw, name, self.columns[name], self.decimal, problems, learnt_from=learnt_from
                )
        return TableInputs(
            *arrays,
            names=(*numeric, *levels),
            missing=tuple(name for name in numeric if self.columns[name].missing),
            levels=tuple(self.columns[name].levels for name in levels),
            scaling=self.scaling,
        )

    def targets(self, raw: RawTable, problems: TableProblems) -> np.ndarray:
        """Class numbers (n,) int64, or amounts (n,) float64 of a numeric column; of several columns (n, labels) uint8."""
        if not isinstance(self.target, str):
            return label_targets(raw, self.target, self.columns, problems)
        column, values = self.columns[self.target], raw.columns[self.target]
        if column.kind == "numeric":
            return amount_targets(raw, self.target, self.decimal, problems)
        codes, wrong = reading.codes(values, column.levels)
        counts = dict(zip(column.levels, np.bincount(codes[codes >= 0], minlength=len(column.levels)), strict=True))
        of_target = class_problems(raw, self.target, len(counts), counts)
        problems.lines += of_target.lines
        report_rows(raw, self.target, values, wrong, f"one of the classes {', '.join(column.levels)}", problems)
        return codes.astype(np.int64)

    def groups(self, raw: RawTable, problems: TableProblems) -> np.ndarray | None:
        """The number (n,) int64 of each row's group, in the order in which they appear."""
        if self.group is None:
            return None
        values = raw.columns[self.group]
        report_rows(raw, self.group, values, ~reading.present(values), "a group in each row", problems)
        return values.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy().astype(np.int64)

    def times(self, raw: RawTable, problems: TableProblems) -> np.ndarray | None:
        """When (n,) float64 each row was: days since 1970, or the number in the column."""
        if self.time is None:
            return None
        column = self.columns[self.time]
        if column.kind not in ("date", "numeric"):
            allowed = "kind: date with its format, or numeric, where later is larger"
            problems.add(f"column {self.time}", f"a time of the kind {column.kind}", allowed)
            return None
        values = raw.columns[self.time]
        if column.missing:  # which an input may be
            report_rows(raw, self.time, values, ~reading.present(values), "a time in each row", problems)
        return column_values(raw, self.time, column, self.decimal, problems)

    def named_parts(self, raw: RawTable, problems: TableProblems) -> np.ndarray | None:
        """The part (n,) that the column of parts names."""
        if self.parts is None:
            return None
        values = raw.columns[self.parts]
        codes, wrong = reading.codes(values, PARTS)
        report_rows(raw, self.parts, values, wrong | (codes < 0), f"one of {', '.join(PARTS)}", problems)
        return np.array(PARTS)[codes]

    def weights(self, raw: RawTable, problems: TableProblems) -> np.ndarray | None:
        """The weight (n,) float64 of each row."""
        if self.weight is None:
            return None
        column = self.columns[self.weight]
        if column.kind != "numeric":
            allowed = "kind: numeric, with weights of 0 or more"
            problems.add(f"column {self.weight}", f"a weight of the kind {column.kind}", allowed)
            return None
        return row_weights(raw, self.weight, self.decimal, problems)
