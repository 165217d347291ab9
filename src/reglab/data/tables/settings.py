"""What a schema says of a column, as it stands in a profile under `data.columns`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import MaxLen

MOST_LEVELS = 1_000  # each of them is an input of the network
MISSING = (
    "",
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "NaN",
    "nan",
    "NULL",
    "Null",
    "null",
    "None",
    "?",
)  # spellings of a missing value
USED = ("numeric", "boolean", "date", "categorical")  # the kinds of columns that are inputs; the others are left out


@dataclass(frozen=True)
class Column:
    """`levels` are the values that a categorical or boolean column may have (boolean: the false one first).

    `format` is that of a date, as in Python's strptime; `missing` says whether values may be missing. Columns of the
    kinds text, identifier and constant are not used.
    """

    kind: Literal["numeric", "boolean", "date", "categorical", "text", "identifier", "constant"]
    levels: Annotated[tuple[str, ...], MaxLen(MOST_LEVELS)] = ()
    format: str = ""
    missing: bool = False
