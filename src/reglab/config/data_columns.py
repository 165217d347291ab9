"""The lines of the report on the data about the columns of a table."""

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from reglab.config.data_sentences import Line, line, listed
from reglab.core.wording import shown
from reglab.data.sources.table import Table
from reglab.data.tables.settings import MOST_LEVELS
from reglab.data.tables.values import level_counts

NEAR_CONSTANT = 0.99  # share of the rows with one value


def column_lines(columns: Mapping[str, pa.ChunkedArray], source: Table) -> Iterator[Line]:
    """Numbers and sentences on the columns as text, each (n,) with null where missing, read by the schema of `source`."""
    yield line(len(source.used), "column", "are", f"used as inputs: {listed(source.used)}.")
    labels = source.target_names if len(source.target_names) > 1 else ()
    if labels:
        yield line(len(labels), "column", "are", f"labels, which are no inputs: {listed(labels)}.")
    for role, name in source.roles[len(labels) :]:
        yield "1", f"column is the {role}, which is no input: {shown(name)}."
    left_out = {}
    for name, column in source.columns.items():
        if name not in source.used and name not in {other for _, other in source.roles}:
            left_out.setdefault(column.kind, []).append(name)
    for kind, names in left_out.items():
        yield line(len(names), "column", "are", f"left out, of the kind {kind}: {listed(names)}.")
    for name in source.used:
        value, share = most_frequent(columns[name])
        if share >= NEAR_CONSTANT:
            had = "no value" if value is None else f"the value {shown(value)}"
            yield f"{share:.1%}", f"of the rows have {had} in the column {shown(name)}."
    for name, column in source.used.items():
        if column.kind == "categorical":
            once = [level for level, count in level_counts(columns[name], MOST_LEVELS)[1].items() if count == 1]
            if once:
                yield line(len(once), "level", "are", f"seen once in the column {shown(name)}: {listed(once)}.")
    missing = {name: values.null_count for name, values in columns.items() if values.null_count}
    for name, count in missing.items():
        yield line(count, "row", "have", f"no value in the column {shown(name)}, {count / len(columns[name]):.1%}.")
    if not missing:
        yield line(0, "value", "are", "missing.")


def most_frequent(values: pa.ChunkedArray) -> tuple[str | None, float]:
    """The text (or None, a missing one) that most rows have, and the share of the rows that have it."""
    counted = pc.value_counts(values)
    place = pc.index(counted.field("counts"), pc.max(counted.field("counts"))).as_py()
    return counted.field("values")[place].as_py(), counted.field("counts")[place].as_py() / len(values)
