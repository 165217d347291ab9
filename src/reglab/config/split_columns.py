"""What columns of groups and times say of the split, before `reglab new` writes a profile."""

from dataclasses import replace

from reglab.data.sources.table import Table
from reglab.data.tables.files import RawTable
from reglab.data.tables.inference import Understood
from reglab.data.tables.settings import Column
from reglab.data.tables.table_problems import TableProblems
from reglab.data.tables.values import numbers

LASTING = "; a group counts in one window of time alone"


def with_split_columns(
    raw: RawTable, columns: list[Understood], targets: list[str], roles: dict[str, str], decimal: str
) -> list[Understood]:
    """The columns, with a time of whole numbers that are all different as numeric; UserError for rows without group or time.

    roles: {"group": column, "time": column}, either of which may be absent.
    """
    group, time = roles.get("group"), roles.get("time")
    columns = [as_numeric(each) if each.name == time and is_count(raw, each, decimal) else each for each in columns]
    target, schema = targets[0] if len(targets) == 1 else tuple(targets), {each.name: each.column for each in columns}
    table = Table(file=raw.file, target=target, columns=schema, group=group, time=time, decimal=decimal)
    problems = TableProblems(raw.file)
    table.groups(raw, problems)
    table.times(raw, problems)
    problems.stop()
    return columns


def is_count(raw: RawTable, understood: Understood, decimal: str) -> bool:
    """Whether a column was taken for an identifier that consists of numbers, such as the seconds since 1970."""
    return understood.column.kind == "identifier" and not numbers(raw.columns[understood.name], decimal)[1].any()


def as_numeric(understood: Understood) -> Understood:
    return replace(understood, column=Column("numeric", missing=understood.column.missing), notes=())
