"""A data frame as a table of text, as files are read, so that the same schema checks both."""

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from reglab.data.source import NEW_ROWS
from reglab.data.tables.files import RawTable, TableFile, trimmed

if TYPE_CHECKING:
    import pandas as pd


def of_frame(frame: "pd.DataFrame", missing: tuple[str, ...], place: str = NEW_ROWS) -> RawTable:
    """The columns as text; numbers are written so that reading them gives the same ones, with a decimal point.

    `place` stands for the file in messages.
    """
    columns = {str(name): pa.array(map(text_of, frame[name]), pa.string()) for name in frame.columns}
    return RawTable(place, trimmed(pa.table(columns), missing), (TableFile(Path(place), len(frame), None, "utf-8"),))


def text_of(value: object) -> str | None:
    """None for what pandas counts as missing; true and false as parquet files give them; 2 for 2.0."""
    import pandas as pd

    if pd.isna(value):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if str(value) in ("True", "False") else str(value)
