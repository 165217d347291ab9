"""Text to values: numbers, dates and levels, with a mark at each text that is none."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reglab.data.tables.settings import Column

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
THOUSANDS = r"[0-9]{1,3}([.,' ][0-9]{3})+([.,][0-9]+)?"
AMOUNT = rf"({THOUSANDS}|[0-9]+([.,][0-9]+)?)"
WRITTEN_NUMBER = rf"^[+-]?({THOUSANDS}|[€$£] ?{AMOUNT}|{AMOUNT} ?[%€$£]|{AMOUNT} [^ 0-9]{{1,5}})$"  # 1.568,21 or 12 kg
COMMA_NUMBER = r"^[+-]?[0-9][0-9.]*,[0-9]+([eE][+-]?[0-9]+)?$|^[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?$"
INFINITE = r"(?i)^[+-]?inf(inity)?$"
MICROSECONDS = 86_400 * 1e6  # of a day
DATES = (
    "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S.%f%z", "%Y/%m/%d",
    "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d-%m-%Y", "%m-%d-%Y",
    "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%Y-%m",
)  # fmt: skip


def matches(values: pa.ChunkedArray, pattern: str) -> np.ndarray:
    """Where (n,) the text matches; a missing value does not."""
    return as_mask(pc.match_substring_regex(values, pattern))


def present(values: pa.ChunkedArray) -> np.ndarray:
    """Where (n,) a value is not missing."""
    return as_mask(pc.is_valid(values))


def as_mask(values: pa.ChunkedArray) -> np.ndarray:
    return values.fill_null(False).to_numpy().astype(bool, copy=False)


def numbers(values: pa.ChunkedArray, decimal: str = ".") -> tuple[np.ndarray, np.ndarray]:
    """Numbers (n,) float64, NaN where missing, and where (n,) a text is no finite number."""
    if decimal == ",":
        values = pc.replace_substring(pc.replace_substring(values, ".", "\0"), ",", ".")
    known = matches(values, NUMBER)
    kept = pc.if_else(pa.array(known), pc.utf8_ltrim(values, "+"), pa.scalar(None, pa.string()))
    converted = kept.cast(pa.float64()).to_numpy().astype(np.float64, copy=False)
    converted = np.where(known, converted, np.nan)
    return converted, present(values) & ~np.isfinite(converted)


def dates(values: pa.ChunkedArray, format: str) -> tuple[np.ndarray, np.ndarray]:
    """Days since 1970 (n,) float64, NaN where missing, and where (n,) a text is no date of this format.

    A date with an offset from UTC is read as UTC; ValueError where the format is none.
    """
    import pandas as pd

    parsed = pd.to_datetime(values.to_pandas(), format=format, errors="coerce", utc=True)
    moments = parsed.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    days = np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / MICROSECONDS)
    return days, present(values) & np.isnan(days)


def codes(values: pa.ChunkedArray, levels: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (n,) int32 of the levels, -1 where missing, and where (n,) a text is no level."""
    places = pc.index_in(values, pa.array(levels, pa.string())).fill_null(-1).to_numpy().astype(np.int32, copy=False)
    return places, present(values) & (places < 0)


def written(column: Column, value: float) -> float | str:
    """A number of days since 1970, or the number of a level, as a file has it; other numbers as they are."""
    if column.kind == "numeric":
        return value
    if column.kind == "date":
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=value)).strftime(column.format)
    return column.levels[round(value)]


def level_counts(values: pa.ChunkedArray, most: int) -> tuple[int, dict[str, int]]:
    """How many different texts there are, and how often each of them occurs; no counts where they are more than `most`."""
    counted = pc.value_counts(values.drop_null())
    if len(counted) > most:
        return len(counted), {}
    counts = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    return len(counts), {level: counts[level] for level in in_order(counts)}


def in_order(levels: Iterable[str]) -> list[str]:
    """Levels by their numbers where all are numbers, else by the alphabet."""
    levels = list(levels)
    try:
        return sorted(levels, key=lambda level: (float(level), level))
    except ValueError:
        return sorted(levels)
