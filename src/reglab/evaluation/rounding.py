"""Differences and means to twelve decimals, so that equal numbers stay equal in spite of rounding.

Whatever is compared, tested or chosen by is computed here. Most metrics are quotients of counts. A quotient of whole numbers
in double precision is right to 1e-16; its differences and means are off by some times that, so that 0.9125 - 0.91 is not
0.0125 - 0.01. DECIMALS are far finer than the share of one example in any data set, and far coarser than the rounding.
"""

from collections.abc import Iterable
from statistics import fmean

import numpy as np

DECIMALS = 12
ROUNDING = 10.0**-DECIMALS


def subtract(one: np.ndarray | float, other: np.ndarray | float) -> np.ndarray:
    """one - other, to DECIMALS."""
    return np.round(np.subtract(one, other), DECIMALS)


def mean(values: Iterable[float]) -> float:
    """The mean, to DECIMALS; NaN of nothing."""
    known = [float(value) for value in values]
    return round(fmean(known), DECIMALS) if known else np.nan
