"""Splits the spread over seeds by source: the standard deviation with one random stream varied, and with all of them."""

import numpy as np

from reglab.core.streams import SOURCES
from reglab.evaluation.metric_names import DECIDES, quantity
from reglab.evaluation.metric_table import DECIDING
from reglab.evaluation.paired_values import Records, values_of, without_nan
from reglab.evaluation.rounding import ROUNDING

FAMILY = "variance_sources"
BESIDE = {  # by task, shown beside the metric that decides
    "classification": "test_nll",
    "regression": "test_mae",
    "multilabel": "test_binary_cross_entropy",
}
ALL = "all"  # the ordinary trainings of the study, where every stream differs


def std_interval(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """The chi-square interval of the standard deviation s of n normal values; NaN for fewer than two.

    s sqrt((n - 1) / chi²_[(1 + c)/2, n - 1]) to s sqrt((n - 1) / chi²_[(1 - c)/2, n - 1]). It assumes that the values are
    about normal. Snedecor & Cochran, "Statistical Methods", 1989, section 5.11.
    """
    from scipy import stats  # takes half a second, and `reglab check` needs none of it

    n = len(values)
    if n < 2:
        return np.nan, np.nan
    spread, quantiles = variance(values) ** 0.5, stats.chi2.ppf([(1 + confidence) / 2, (1 - confidence) / 2], n - 1)
    low, high = spread * np.sqrt((n - 1) / quantiles)
    return float(low), float(high)


def tables(
    records: Records, *, confidence: float, relevant_difference: float | None, metric: str = DECIDES
) -> dict[str, dict]:
    """The family's part of reports/metrics.json; spreads have no relevant difference."""
    return {FAMILY: rows(records, confidence=confidence, metric=metric)}


def comparison_counts(settings) -> dict[str, int]:
    """None: spreads are estimated, not compared."""
    return {}


def rows(records: Records, *, confidence: float, metric: str = DECIDES) -> dict[str, dict[str, dict[str, dict]]]:
    """recipe -> metric -> source -> `std` over seeds with `low`, `high`, and `share`; None where seeds diverged.

    The sources are SOURCES and, last, ALL. `share` is of the variance, relative to that of ALL. Shares need not add up to
    one: each source is varied around the first seed of the others, which act together, and each is an estimate.
    """
    return {
        name: of_recipe(record, ordinary(records, name), metric, confidence)
        for name, record in records.get(FAMILY, {}).items()
    }


def ordinary(records: Records, name: str) -> dict:
    """The record of the study's own trainings of this recipe."""
    return next(records[family][name] for family in ("regularizers", "combinations") if name in records.get(family, {}))


def of_recipe(record: dict, together: dict, metric: str, confidence: float) -> dict[str, dict[str, dict]]:
    by_metric = {}
    for measured in dict.fromkeys((metric, beside(metric))):
        values = {source: values_of(record, f"{measured}@{source}") for source in SOURCES}
        values[ALL] = values_of(together, measured)
        whole = variance(values[ALL])
        by_metric[measured] = {source: row(each, whole, confidence) for source, each in values.items()}
    return by_metric


def beside(metric: str) -> str:
    """The metric beside the one that decides."""
    return BESIDE[DECIDING[quantity(metric)].task if quantity(metric) in DECIDING else "classification"]


def row(values: np.ndarray, whole: float, confidence: float) -> dict[str, float | None]:
    """The row of one source; `whole` is the variance of all together."""
    low, high = std_interval(values, confidence)
    part = variance(values)
    return without_nan({"std": part**0.5, "low": low, "high": high, "share": part / whole if whole else np.nan})


def variance(values: np.ndarray) -> float:
    """The variance with n - 1 degrees of freedom; of equal values 0, though their mean is rounded. NaN for fewer than two."""
    if len(values) < 2:
        return np.nan
    return float(np.var(values, ddof=1)) if np.ptp(values) > ROUNDING else 0.0
