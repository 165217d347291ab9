"""The sign-flip test against an enumeration of all sign patterns, SciPy's test of the sum, and hand counts."""

import numpy as np
import pytest
from scipy import stats

from reglab.evaluation.rounding import ROUNDING
from reglab.evaluation.statistics import TIE, sign_flip, sign_flips


def by_enumeration(differences: np.ndarray) -> float:
    """The share of all sign patterns whose sum is as far from 0 as the observed one, but for rounding."""
    reached = abs(differences.sum()) - max(TIE * np.abs(differences).sum(), ROUNDING * len(differences))
    sums = np.zeros(1)
    for difference in differences:
        sums = np.concatenate([sums - difference, sums + difference])
    return float(np.mean(np.abs(sums) >= reached))


@pytest.mark.parametrize("seeds", [1, 2, 5, 10, 11, 13])
def test_all_comparisons_at_once_have_the_p_values_of_an_enumeration(seeds):
    family = np.random.default_rng(seeds).normal(0.3, 1, (20, seeds))
    assert sign_flips(family) == [by_enumeration(d) for d in family]


@pytest.mark.parametrize("seeds", [1, 2, 5, 10, 11, 13])
@pytest.mark.parametrize("examples", [3, 400, 1797])
def test_tied_sums_of_differences_of_counts_have_the_p_values_of_an_enumeration(seeds, examples):
    family = np.random.default_rng(seeds).integers(-3, 5, (20, seeds)) / examples + 0.1 - 0.1
    assert sign_flips(family) == [by_enumeration(d) for d in family]


def test_sixteen_seeds_are_enumerated():
    family = np.random.default_rng(0).integers(-3, 5, (2, 16)) / 400 + 0.1 - 0.1
    assert sign_flips(family) == [by_enumeration(d) for d in family]


def test_comparisons_of_different_numbers_of_seeds_keep_their_places():
    rng = np.random.default_rng(1)
    family = [rng.normal(0.5, 1, n) for n in (6, 0, 9, 6, 1, 20, 9)]
    family[3][2] = np.nan
    p = sign_flips(family)
    assert np.isnan([p[1], p[3]]).all()
    assert [p[place] for place in (0, 2, 4, 6)] == [by_enumeration(family[place]) for place in (0, 2, 4, 6)]
    assert p[5] == sign_flip(family[5])
    assert sign_flips([]) == []


@pytest.mark.parametrize("n", [2, 5, 10, 12])
def test_sign_flip_equals_scipys_exact_permutation_test(n):
    for seed in range(5):
        d = np.random.default_rng(seed).normal(0.5, 1, n)
        expected = stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue
        assert sign_flip(d) == pytest.approx(expected, abs=1e-12)


def test_sign_flip_counts_ties_in_spite_of_rounding():
    """+1 +1 -1 in units of 1/400: 6 of 8 patterns have a sum of ±1 and 2 one of ±3, so all are as far out: p = 1."""
    assert sign_flip(np.array([0.9525 - 0.95, 0.91 - 0.9075, 0.87 - 0.8725])) == 1.0
    assert sign_flip(np.array([0.9525 - 0.95, 0.91 - 0.9075, 0.875 - 0.8725])) == 0.25


def test_sign_flip_of_nothing_is_one_and_of_non_numbers_is_not_a_number():
    assert sign_flip(np.zeros(10)) == 1.0
    assert np.isnan([sign_flip(np.array([])), sign_flip(np.array([1.0, np.nan])), sign_flip(np.array([np.inf]))]).all()


def test_sign_flip_above_the_enumerable_agrees_with_the_normal_limit_and_repeats():
    d = np.random.default_rng(0).normal(0.3, 1, 40)
    expected = 2 * stats.norm.sf(abs(d.sum()) / np.sqrt(np.square(d).sum()))
    assert sign_flip(d) == sign_flip(d)
    assert sign_flip(d) == pytest.approx(expected, abs=0.01)
    assert sign_flip(np.ones(40)) == 1e-5  # only the observed pattern itself, of 99,999 + 1


def test_the_random_signs_are_always_the_same():
    """The p-value of 18 seeds to the last pattern; of all 2^18 patterns it is 0.003288."""
    assert sign_flip(np.random.default_rng(1).normal(0.4, 1, 18)) == 0.0034
