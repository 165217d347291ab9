"""The spread over seeds by source: standard deviations, their chi-square intervals, and shares of the whole."""

import numpy as np
import pytest

from reglab.core.streams import SOURCES
from reglab.experiments.variance_sources.evaluate import ALL, row, rows, std_interval, variance


def record(values: dict[str, list[float]], status="finished"):
    return {
        "technique": ["dropout"],
        "seeds": {
            str(seed): {"status": status, "metrics": {name: numbers[seed] for name, numbers in values.items()}}
            for seed in range(3)
        },
    }


VALUES = {
    "split": [1.0, 2.0, 3.0],
    "initialization": [1.0, 1.0, 4.0],
    "batch_order": [2.0, 2.5, 3.0],
    "masks": [1.0] * 3,
}
OWN = record(
    {f"{metric}@{source}": values for metric in ("test_accuracy", "test_nll") for source, values in VALUES.items()}
)
TOGETHER = record({"test_accuracy": [0.0, 2.0, 4.0], "test_nll": [1.0, 1.0, 1.0]})


@pytest.mark.parametrize("family", ["regularizers", "combinations"])
def test_std_and_share_of_the_variance_of_all_together(family):
    result = rows({"variance_sources": {"x": OWN}, family: {"x": TOGETHER}}, confidence=0.95)["x"]["test_accuracy"]
    assert list(result) == [*SOURCES, ALL]
    assert [result[source]["std"] for source in result] == pytest.approx([1, 3**0.5, 0.5, 0, 2])
    assert [result[source]["share"] for source in result] == pytest.approx([1 / 4, 3 / 4, 1 / 16, 0, 1])
    assert (result["masks"]["low"], result["masks"]["high"]) == (0, 0)


def test_a_share_of_no_spread_is_unknown_and_so_is_everything_where_a_seed_diverged():
    result = rows({"variance_sources": {"x": OWN}, "regularizers": {"x": TOGETHER}}, confidence=0.95)["x"]
    assert result["test_nll"]["split"] == result["test_accuracy"]["split"] | {"share": None}
    diverged = record({}, status="diverged")
    result = rows({"variance_sources": {"x": diverged}, "regularizers": {"x": TOGETHER}}, confidence=0.95)["x"]
    assert set(result["test_accuracy"]["split"].values()) == {None}
    assert result["test_accuracy"][ALL]["std"] == 2


def test_two_values_have_a_variance_of_half_their_squared_distance_and_one_has_none():
    assert variance(np.array([0.5, 0.9])) == pytest.approx(0.4**2 / 2, abs=1e-15)
    assert np.isnan([variance(np.array([0.5])), variance(np.empty(0))]).all()
    low, high = std_interval(np.array([0.5, 0.9]), 0.95)
    assert 0 < low < 0.4 / 2**0.5 < high


@pytest.mark.parametrize("value", [0.3137, 0.43210987654321, 0.9225])
def test_a_source_that_changes_nothing_has_a_std_of_exactly_zero(value):
    """The mean of eleven equal numbers is rounded: 0.3137 eleven times has a standard deviation of 5.8e-17 to NumPy."""
    same = np.full(11, value)
    assert variance(same) == 0.0
    assert std_interval(same, 0.95) == (0.0, 0.0)
    assert row(same, 0.01, 0.95) == {"std": 0.0, "low": 0.0, "high": 0.0, "share": 0.0}


def test_the_interval_of_ten_values_is_that_of_the_textbooks():
    values = np.array([-1.0, 1.0] * 5) * (9 / 10) ** 0.5  # s = 1
    assert std_interval(values, 0.95) == pytest.approx((0.688, 1.826), abs=5e-4)  # sqrt(9/19.02), sqrt(9/2.700)
    assert np.isnan(std_interval(values[:1], 0.95)).all()


def test_the_interval_covers_as_often_as_it_says():
    random = np.random.default_rng(0)
    ends = np.array([std_interval(random.normal(0, 3, 11), 0.9) for _ in range(4000)])
    covered = ((ends[:, 0] <= 3) & (ends[:, 1] >= 3)).mean()
    assert covered == pytest.approx(0.9, abs=4 * (0.9 * 0.1 / 4000) ** 0.5)  # four standard errors
