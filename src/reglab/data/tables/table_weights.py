"""Reads and checks a column with the weights of rows."""

import numpy as np

from reglab.data.example_weights import wrong_weights
from reglab.data.tables import values as reading
from reglab.data.tables.checked import report_rows
from reglab.data.tables.files import RawTable
from reglab.data.tables.table_problems import TableProblems


def row_weights(raw: RawTable, name: str, decimal: str, problems: TableProblems) -> np.ndarray:
    """The weights (n,) float64 in a column; a line for what is none, and where all are 0."""
    values = raw.columns[name]
    weights, wrong = reading.numbers(values, decimal)
    wrong = wrong | wrong_weights(weights)
    allowed = f'a weight: a finite number of 0 or more, with a decimal "{decimal}"'
    report_rows(raw, name, values, wrong, allowed, problems)
    if not wrong.any() and not weights.any():
        problems.add(f"column {name}", "the weight 0 in every row", "some weights above 0")
    return weights
