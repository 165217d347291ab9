"""The relative error reduction, which puts gains in different metrics and on different data sets on one scale."""

from typing import NamedTuple

import numpy as np

from reglab.evaluation import statistics
from reglab.evaluation.metric_names import quantity
from reglab.evaluation.metric_table import DECIDING, DecidingMetric
from reglab.evaluation.rounding import mean


class MeasuredEffect(NamedTuple):
    """The gain on one data set, more is better, with its standard error and the degrees of freedom of that."""

    gain: float
    error: float
    degrees_of_freedom: int


def relative_error_reduction(
    values: np.ndarray, reference: np.ndarray, metric: str, test_to_train: float = 0.0
) -> MeasuredEffect:
    """1 - mean(e) / mean(e_0) of the errors e of a recipe and e_0 of the reference, paired over seeds (seeds,).

    The error is the distance to the best value of the metric: 1 - accuracy, 1 - auroc, 1 - r2, and a loss or rmse itself. 0.1
    says that a tenth of the reference's error is gone, -0.1 that a tenth has been added. The standard error is that of the
    ratio of two means to first order (delta method), of the differences (1 - gain) e_0 - e over mean(e_0); `test_to_train` is
    for seeds that split the same examples (`statistics.standard_error`). An error counts once: rmse, not its square.

    Casella & Berger, "Statistical Inference", 2002, example 5.5.27, on the ratio. Raises ValueError for other than two or
    more finite pairs, and where the reference makes no error, for then nothing can be reduced.
    """
    about = DECIDING[quantity(metric)]
    errors, before = (errors_of(np.asarray(each, dtype=np.float64), about) for each in (values, reference))
    if errors.shape != before.shape or errors.ndim != 1 or len(errors) < 2:
        raise ValueError(
            f"found {errors.shape} values and {before.shape} of the reference: two pairs or more are needed"
        )
    if not (np.isfinite(errors).all() and np.isfinite(before).all()):
        raise ValueError(f"{metric}: some values are not finite")
    if not mean(before) > 0:
        raise ValueError(f"{metric}: the reference makes no error on any seed, so none can be taken away")
    gain = 1 - mean(errors) / mean(before)
    linear = (1 - gain) * before - errors
    return MeasuredEffect(gain, statistics.standard_error(linear, test_to_train) / mean(before), len(errors) - 1)


def errors_of(values: np.ndarray, about: DecidingMetric) -> np.ndarray:
    """The distance to the best value of the metric, (seeds,)."""
    return about.high - values if about.direction == "higher" else values - about.low
