"""Scales numeric columns by what the training part of a seed says: one rule for tables and for arrays.

robust: f((x - median) / (upper quartile - lower quartile)) with the soft clip f(z) = z / sqrt(1 + (z / 3)^2), so that no
value lies beyond 3; a column whose quartiles are equal is divided by half of its range instead (Holzmüller, Grinsztajn and
Steinwart, "Better by default", 2024, section 3). standard: (x - mean) / standard deviation. none: x. A constant column is
0 under the first two.
"""

from typing import Literal

import numpy as np

Scaling = Literal["robust", "standard", "none"]
CLIP = 3.0


def fit(columns: np.ndarray, scaling: Scaling) -> tuple[np.ndarray, np.ndarray]:
    """Centre and factor (d,) float64 of columns (n, d), for `scale`; missing values (NaN) are left out.

    A column without a value has centre and factor 0.
    """
    width = columns.shape[1]
    if scaling == "none":
        return np.zeros(width), np.ones(width)
    centre, factor = np.zeros(width), np.zeros(width)
    for number in range(width):  # one at a time: quantiles sort a copy
        values = columns[:, number].astype(np.float64)
        values = values[~np.isnan(values)]
        if len(values):
            centre[number], spread = robust(values) if scaling == "robust" else (values.mean(), values.std())
            constant = values.min() == values.max()  # whose standard deviation may be a rounding error
            factor[number] = 0.0 if constant else 1 / spread
    return centre, factor


def robust(values: np.ndarray) -> tuple[float, float]:
    """The median, and the distance of the quartiles or half of the range."""
    low, lower, median, upper, high = np.quantile(values, [0, 0.25, 0.5, 0.75, 1])
    return median, upper - lower if upper > lower else (high - low) / 2


def scale(columns: np.ndarray, centre: np.ndarray, factor: np.ndarray, scaling: Scaling) -> np.ndarray:
    """Columns (n, d) scaled, float32; a missing value stays NaN."""
    scaled = (columns - centre) * factor
    if scaling == "robust":
        scaled /= np.sqrt(1 + (scaled / CLIP) ** 2)
    return scaled.astype(np.float32)
