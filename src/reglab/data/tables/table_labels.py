"""Checks the targets of a table that are labels: several columns, each of which says whether a row has one."""

from collections.abc import Mapping, Sequence

import numpy as np

from reglab.core.wording import shown
from reglab.data.classes import LEAST
from reglab.data.label_matrix import ONE_HOT, is_one_hot, rarity
from reglab.data.tables import values as reading
from reglab.data.tables.checked import report_rows
from reglab.data.tables.files import RawTable
from reglab.data.tables.settings import Column
from reglab.data.tables.table_problems import TableProblems
from reglab.data.tables.table_targets import missing_targets

TRUTH = (("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("0", "1"))  # pairs that make a boolean
PAIRS = ", ".join("/".join(pair) for pair in TRUTH)


def truth(levels: Sequence[str]) -> tuple[str, ...]:
    """The two spellings of false and true, in this order; nothing where they are other levels."""
    spelled = {level.lower(): level for level in levels}
    pair = next((pair for pair in TRUTH if set(pair) == set(spelled)), ())
    return tuple(spelled[word] for word in pair) if len(levels) == 2 else ()


def label_targets(
    raw: RawTable, names: Sequence[str], columns: Mapping[str, Column], problems: TableProblems
) -> np.ndarray:
    """Whether (n, labels) uint8 each row has each of the labels `names`, whose columns are boolean.

    A line for each value that is neither of the two of its column, for missing values, and for a label that too few rows have
    or lack.
    """
    return all_labels(raw, {name: columns[name].levels for name in names}, problems)


def all_labels(raw: RawTable, levels: Mapping[str, tuple[str, ...]], problems: TableProblems) -> np.ndarray:
    """Whether (n, labels) uint8 each row has each label, whose two values `levels` gives by the name of the column."""
    before = len(problems.lines)
    labels = np.column_stack([one_label(raw, name, pair, problems) for name, pair in levels.items()])
    if len(problems.lines) == before and is_one_hot(labels):
        place = f"columns {', '.join(list(levels)[:5])}{', ...' if len(levels) > 5 else ''}"
        problems.add(
            place, ONE_HOT, "one column with the classes as the target, or labels of which some rows have not one"
        )
    return labels


def one_label(raw: RawTable, name: str, levels: tuple[str, ...], problems: TableProblems) -> np.ndarray:
    """Whether (n,) uint8 each row has the label; the level that says so is the second."""
    missing_targets(raw, name, problems, "one of the two values of the label in each row")
    values = raw.columns[name]
    codes, wrong = reading.codes(values, levels)
    allowed = f"{shown(levels[0])}, without the label, or {shown(levels[1])}, with it"
    report_rows(raw, name, values, wrong, allowed, problems)
    has = (codes == 1).astype(np.uint8)
    if values.null_count == len(values):
        problems.add(f"column {name}", "no value in any row", "a column that says of each row whether it has the label")
    elif not wrong.any() and (found := rarity(int(has.sum()), len(has), levels)):
        rows = f"at least {LEAST} rows with the label and {LEAST} without it; leave the column out of the targets"
        problems.add(f"column {name}", found.replace("example", "row"), rows)
    return has


def understood_levels(raw: RawTable, name: str, problems: TableProblems) -> tuple[str, ...]:
    """The two values of a column that is to be a label, the one without it first; lines where they are no such values."""
    counts = reading.level_counts(raw.columns[name], 1_000)[1]
    levels = truth(list(counts))
    if not levels:
        fitting = {pair: sum(counts[level] for level in counts if level.lower() in pair) for pair in TRUTH}
        best = max(fitting, key=fitting.get)
        if 2 * fitting[best] > sum(counts.values()):  # mistakes among labels, or one value alone
            known = {level.lower(): level for level in counts if level.lower() in best}
            levels = tuple(known.get(word, word) for word in best)
    if levels:
        return levels
    missing_targets(raw, name, problems, "one of the two values of the label in each row")
    example = next((text for text in raw.columns[name].to_pylist() if text is not None), None)
    found = "no value in any row" if example is None else f"{shown(example)}, which is no label"
    problems.add(f"column {name}", found, f"one of these pairs of values: {PAIRS}; several targets are labels")
    return ()
