"""Boundaries of error spending: published ones, closed forms, and the error that a simulated Brownian motion spends."""

import numpy as np
import pytest
from scipy import stats

from reglab.evaluation.error_spending import nominal_levels, power_spending

FIFTHS = np.arange(1, 6) / 5


def pocock_type(level: float) -> np.ndarray:
    """Lan & DeMets 1983, α_2(t) = α log(1 + (e - 1) t)."""
    return level * np.log1p((np.e - 1) * FIFTHS)


def obrien_fleming_type(level: float) -> np.ndarray:
    """Lan & DeMets 1983, α_1(t) = 2 - 2 Φ(z_(α/2) / √t) on each side with half of the level."""
    return 2 * (2 - 2 * stats.norm.cdf(stats.norm.isf(level / 4) / np.sqrt(FIFTHS)))


def boundaries(times, spent) -> np.ndarray:
    return stats.norm.isf(nominal_levels(times, spent) / 2)


def test_the_boundaries_of_both_spending_functions_of_lan_and_demets_are_those_published():
    # Two-sided, level 0.05, five equal steps, as in Jennison & Turnbull 2000, section 7.2, and as tables of SAS and
    # WinLD print them, to three digits after the point.
    pocock, obrien_fleming = [2.438, 2.427, 2.410, 2.397, 2.386], [4.877, 3.357, 2.680, 2.290, 2.031]
    assert boundaries(FIFTHS, pocock_type(0.05)) == pytest.approx(pocock, abs=6e-4)
    assert boundaries(FIFTHS, obrien_fleming_type(0.05)) == pytest.approx(obrien_fleming, abs=6e-4)


@pytest.mark.parametrize(("shape", "constant"), [(0, 2.413), (1, 2.040)])
def test_what_the_classical_boundaries_spend_gives_them_back(shape, constant):
    """Pocock 1977 and O'Brien & Fleming 1979, level 0.05, five looks: Jennison & Turnbull 2000, tables 2.1 and 2.3."""
    classical = constant * np.sqrt(1 / FIFTHS) ** shape
    steps = np.random.default_rng(0).normal(0, np.sqrt(0.2), (400_000, 5))
    crossed = np.maximum.accumulate(np.abs(steps.cumsum(axis=1)) / np.sqrt(FIFTHS) >= classical, axis=1).mean(axis=0)
    assert crossed[-1] == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 400_000))
    seen = crossed > 1e-3  # of rarer ones too few were drawn
    assert boundaries(FIFTHS, crossed)[seen] == pytest.approx(classical[seen], rel=0.02)


def test_a_single_look_has_the_whole_level_and_the_first_of_many_what_it_spends():
    assert nominal_levels([1.0], [0.05]) == pytest.approx([0.05], rel=1e-9)
    assert nominal_levels([0.25, 1.0], [0.04, 0.05])[0] == pytest.approx(0.04, rel=1e-9)


def test_two_looks_spend_what_the_normal_distribution_of_both_says():
    first, last = nominal_levels([0.5, 1.0], [0.02, 0.05])
    bound = stats.norm.isf([first / 2, last / 2])
    both = stats.multivariate_normal(cov=[[1, np.sqrt(0.5)], [np.sqrt(0.5), 1]])
    inside = both.cdf(bound, lower_limit=-bound)
    assert 1 - inside == pytest.approx(0.05, abs=1e-5)  # the accuracy of SciPy's integral


def test_a_look_that_may_spend_nothing_more_rejects_nothing():
    levels = nominal_levels([0.5, 1.0], [0.05, 0.05])
    assert levels[1] < 1e-15


def test_the_power_function_spends_its_share_at_the_first_look_and_all_at_the_end():
    assert power_spending(0.25, 0.75, 0.25) == pytest.approx(0.75) and power_spending(1.0, 0.75, 0.25) == 1.0
    assert power_spending(0.5, 0.75, 0.25) == pytest.approx(0.75**0.5)
