"""Checks the target of a table: classes, each with enough examples, or amounts."""

import numpy as np
import pyarrow.compute as pc

from reglab.core.wording import many, shown
from reglab.data.tables import values as reading
from reglab.data.tables.checked import report_rows
from reglab.data.tables.files import RawTable
from reglab.data.tables.table_problems import SHOWN_OF_A_COLUMN, TableProblems

MOST_CLASSES = 100  # of a target whose values are numbers; beyond, they are amounts
PARTS = 3  # training, validation and test: each needs an example of every class


def are_amounts(raw: RawTable, name: str, decimal: str) -> bool:
    """Whether the values of a target are numbers with fractions, or more different ones than there are classes."""
    numbers, wrong = reading.numbers(raw.columns[name], decimal)
    infinite = reading.matches(raw.columns[name], reading.INFINITE)
    return not (wrong & ~infinite).any() and no_class_numbers(numbers)


def no_class_numbers(numbers: np.ndarray) -> bool:
    """Whether numbers (n,), NaN where missing, have fractions, or more different values than there are classes."""
    known = np.unique(numbers[~np.isnan(numbers)])
    return len(known) > 1 and (bool((known != np.floor(known)).any()) or len(known) > MOST_CLASSES)


def amounts_with_texts(raw: RawTable, name: str, decimal: str) -> TableProblems:
    """A line where most of the values of a target are amounts and some are no numbers; none where it may be classes."""
    problems, values = TableProblems(raw.file), raw.columns[name]
    numbers, wrong = reading.numbers(values, decimal)
    filled = len(values) - values.null_count
    commas = wrong & reading.matches(values, reading.COMMA_NUMBER)
    if commas.any() and decimal == "." and (commas | ~wrong).all():
        allowed = 'a decimal point and no other separator; --decimal "," where it is a decimal comma'
        marked, found = commas, "a number with a comma"
    elif wrong.any() and 2 * wrong.sum() < filled and no_class_numbers(numbers):
        allowed = f"numbers alone, for an amount; --kind {shown(f'{name}=numeric')} lists all of them"
        marked, found = wrong, f"one of {wrong.sum():,} texts among {filled - wrong.sum():,} numbers"
    else:
        return problems
    row = int(np.flatnonzero(marked)[0])
    file, line = raw.place(row)
    problems.add(f"column {name}, {line}", f"{shown(values[row].as_py())}, {found}", allowed, file)
    return problems


def class_problems(raw: RawTable, name: str, distinct: int, counts: dict[str, int]) -> TableProblems:
    """Why the values of a target are not classes to learn."""
    problems, values = TableProblems(raw.file), raw.columns[name]
    place = f"column {name}"
    missing_targets(raw, name, problems)
    wrong = reading.numbers(values)[1]
    infinite = reading.matches(values, reading.INFINITE)
    if infinite.any() and (infinite | ~wrong).all():
        file, line = raw.place(int(np.flatnonzero(infinite)[0]))
        problems.add(f"{place}, {line}", f"{infinite.sum():,} infinite targets", "finite targets in every row", file)
    if not counts:
        found = f"{distinct:,} classes" if distinct else "no value at all"
        problems.add(place, found, "from two to 1,000 classes; is another column the target?")
    elif len(counts) == 1:
        problems.add(place, f"one class, {shown(next(iter(counts)))}, in every row", "two classes or more")
    rare = {level: count for level, count in counts.items() if count < PARTS}
    amounts = "" if wrong.any() else f"; --kind {shown(f'{name}=numeric')} if the numbers are amounts"
    if len(rare) > max(SHOWN_OF_A_COLUMN, len(counts) / 2):
        found = f"{len(rare):,} of {len(counts):,} classes with fewer than {PARTS} examples"
        problems.add(place, found, f"classes, each in several rows; is another column the target?{amounts}")
    elif rare and len(counts) > 1:
        report_rare(raw, name, rare, amounts, problems)
    return problems


def report_rare(raw: RawTable, name: str, rare: dict[str, int], amounts: str, problems: TableProblems) -> None:
    """A line for the classes with too few examples: the first, how many they are, and where the next ones stand.

    `amounts` ends the line: what to do where the classes are none.
    """
    named = []
    for level, count in list(rare.items())[:SHOWN_OF_A_COLUMN]:
        rows = np.flatnonzero(reading.as_mask(pc.equal(raw.columns[name], level)))
        named.append((shown(level), count, *(raw.place(int(rows[0])) if len(rows) else ("", ""))))
    (level, count, file, line), *others = named
    found = f"{many(count, 'example')} of the class {level}"
    if len(rare) > 1:
        found += f", the first of {len(rare)} classes with fewer than {PARTS}; then " + ", ".join(
            f"{count} of {level}" + f" in {line if each == file else f'{each}, {line}'}" * bool(line)
            for level, count, each, line in others
        )
        found += ", ..." * (len(rare) > len(named))
    allowed = f"{PARTS} or more, one each for training, validation and test; take such rows out, or join classes"
    problems.add(f"column {name}, {line}".removesuffix(", "), found, allowed + amounts, file)


def amount_targets(raw: RawTable, name: str, decimal: str, problems: TableProblems) -> np.ndarray:
    """The amounts (n,) float64 of a target; a line for what is none, and where there is nothing to learn."""
    missing_targets(raw, name, problems, "an amount in each row")
    values = raw.columns[name]
    amounts, wrong = reading.numbers(values, decimal)
    report_rows(raw, name, values, wrong, f'a finite number with a decimal "{decimal}"', problems)
    known = amounts[~np.isnan(amounts)]
    if not wrong.any() and len(known) and known.min() == known.max():
        problems.add(f"column {name}", f"the same amount, {known[0]:.12g}, in every row", "amounts that differ")
    if not wrong.any() and not len(known):
        problems.add(f"column {name}", "no value at all", "an amount in each row; is another column the target?")
    return amounts


def missing_targets(raw: RawTable, name: str, problems: TableProblems, allowed: str = "a class in each row") -> None:
    """A line for the rows without a target."""
    absent = np.flatnonzero(~reading.present(raw.columns[name]))
    if 0 < len(absent) < len(raw):
        file, line = raw.place(int(absent[0]))
        found = f"{len(absent):,} row{'s' * (len(absent) > 1)} without a target"
        problems.add(f"column {name}, {line}", found, f"{allowed}; take the rows without one out of the data", file)
