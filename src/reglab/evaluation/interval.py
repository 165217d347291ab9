"""Student's interval of a mean over seeds."""

import numpy as np
import scipy


def mean_interval(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """Student's interval of the mean over seeds, mean ± t s/√n; NaN for a single value."""
    n = len(values)
    if n < 2:
        return np.nan, np.nan
    half = scipy.stats.t.interval(confidence, n - 1)[1] * np.std(values, ddof=1) / np.sqrt(n)
    return float(np.mean(values) - half), float(np.mean(values) + half)
