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


def usable_rows(raw: RawTable, roles: dict[str, str]) -> int:
    """How many rows the parts may have in all: a third where groups last over several times, and both are named.

    A group is in the past, in the validation or in the test alone, and its rows of the other times are left out.
    """
    if not {"group", "time"} <= roles.keys():
        return len(raw)
    groups, times = (raw.columns[roles[role]].to_pylist() for role in ("group", "time"))
    lasting = len(set(zip(groups, times, strict=True))) > len(set(groups))
    return len(raw) // 3 if lasting else len(raw)
