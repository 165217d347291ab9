"""Rank tests over data sets against the example of Demšar's article, SciPy, and hand counts."""

from itertools import permutations, product

import numpy as np
import pytest
from scipy import stats

from reglab.evaluation.rank_tests import friedman, signed_rank

# Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006, table 6: AUC of C4.5, of C4.5 with
# m, with cf, and with both tuned, on 14 data sets of UCI.
C45 = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],  # adult
        [0.599, 0.591, 0.590, 0.569],  # breast cancer
        [0.954, 0.971, 0.968, 0.967],  # breast cancer wisconsin
        [0.628, 0.661, 0.654, 0.657],  # cmc
        [0.882, 0.888, 0.886, 0.898],  # ionosphere
        [0.936, 0.931, 0.916, 0.931],  # iris
        [0.661, 0.668, 0.609, 0.685],  # liver disorders
        [0.583, 0.583, 0.563, 0.625],  # lung cancer
        [0.775, 0.838, 0.866, 0.875],  # lymphography
        [1.000, 1.000, 1.000, 1.000],  # mushroom
        [0.940, 0.962, 0.965, 0.962],  # primary tumor
        [0.619, 0.666, 0.614, 0.669],  # rheum
        [0.972, 0.981, 0.97501, 0.975],  # voting; printed as 0.975 and 0.975, but ranked 2 and 3
        [0.957, 0.978, 0.946, 0.970],  # wine
    ]
)


def effects(sets: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.5, 1, sets)


# Friedman


def test_friedman_ranks_the_published_example_as_published():
    """Section 3.2.4: mean ranks 3.143, 2.000, 2.893, 1.964; chi² 9.28 without regard to ties; critical difference 1.25."""
    result = friedman(C45)
    assert result.mean_ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert 12 * 14 / (4 * 5) * (np.square(result.mean_ranks).sum() - 4 * 5**2 / 4) == pytest.approx(9.28, abs=5e-3)
    assert result.critical_difference == pytest.approx(1.25, abs=5e-3)
    assert result.p < 0.05  # the paper rejects: F = 3.69, critical value 2.85


@pytest.mark.parametrize("shape", [(5, 3), (8, 6), (14, 4)])
def test_friedmans_chi_square_is_scipys_with_and_without_ties(shape):
    random = np.random.default_rng(1)
    for scores in (random.normal(size=shape), random.integers(0, 3, shape).astype(float)):
        expected = stats.friedmanchisquare(*scores.T)
        assert friedman(scores).chi_square == pytest.approx(expected.statistic, rel=1e-9)


def test_friedmans_p_is_that_of_all_permutations():
    """Five sets and three recipes: 6^5 orders are counted; 0.02 are four standard errors of 9,999 random ones."""
    for scores in (
        np.random.default_rng(2).normal((0, 0.5, 1.5), size=(5, 3)),
        np.array([[1, 1, 2], [0, 1, 2.0]] * 3)[:5],
    ):
        orders = [
            [[ranks[i] for i in order] for order in permutations(range(3))] for ranks in stats.rankdata(-scores, axis=1)
        ]
        distances = [np.square(np.sum(chosen, 0) - 10).sum() for chosen in product(*orders)]
        observed = np.square(stats.rankdata(-scores, axis=1).sum(0) - 10).sum()
        assert friedman(scores).p == pytest.approx(np.mean(np.array(distances) >= observed - 1e-9), abs=0.02)


def test_nemenyis_critical_values_are_those_of_the_published_table():
    """Table 5 (a) of the article, rounded to three digits; its largest error is 0.001."""
    for level, published in ((0.05, [2.343, 2.569, 2.728, 2.850]), (0.10, [2.052, 2.291, 2.459, 2.589])):
        for recipes, q in enumerate(published, start=3):
            difference = friedman(np.random.default_rng(0).normal(size=(6, recipes)), level).critical_difference
            assert difference / np.sqrt(recipes * (recipes + 1) / 36) == pytest.approx(q, abs=1.1e-3)


def test_friedman_asks_only_for_the_order_within_each_set():
    scores = np.random.default_rng(3).normal(size=(7, 4))
    assert friedman(scores) == friedman(np.exp(3 * scores) * np.arange(1, 8)[:, None] - 5)


def test_recipes_that_are_equal_on_every_set_have_equal_ranks_and_no_difference():
    result = friedman(np.array([[0.3 - 0.2, 0.1, 0.5 - 0.4]] * 6))  # equal but for rounding
    assert result.mean_ranks == (2, 2, 2)
    assert (result.chi_square, result.p) == (0, 1)


# signed ranks


@pytest.mark.parametrize("sets", [5, 8, 12, 16])
def test_signed_rank_is_scipys_exact_test(sets):
    assert signed_rank(effects(sets)) == pytest.approx(stats.wilcoxon(effects(sets), method="exact").pvalue, abs=1e-12)


def test_signed_rank_of_the_published_example_counts_zeros_in_the_ranks():
    """Section 3.1.3: ranks of gains 93, of losses 12, with two sets that tie; critical value 21 at 5 %."""
    gains = C45[:, 1] - C45[:, 0]
    ranks = stats.rankdata(np.round(np.abs(gains), 9))
    signs = np.array(list(product([-1, 1], repeat=14)))
    expected = np.mean(np.abs(signs @ (ranks * (np.round(gains, 9) != 0))) >= 93 - 12 - 1e-9)
    assert signed_rank(gains) == pytest.approx(expected, abs=1e-12)
    assert expected < 0.05


def test_signed_rank_does_not_change_with_the_order_the_side_or_the_unit():
    values = effects(9)
    assert signed_rank(values) == signed_rank(-values) == signed_rank(100 * values[::-1])


def test_five_sets_cannot_reach_five_percent():
    assert signed_rank(np.arange(1, 6.0)) == 1 / 16
    assert signed_rank(np.arange(1, 7.0)) == 1 / 32


def test_no_effect_on_any_set_gives_a_p_value_of_one():
    assert signed_rank(np.zeros(7)) == 1


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: signed_rank(effects(4)), "4 data sets: a rank test needs at least 5"),
        (lambda: friedman(np.zeros((4, 3))), "4 data sets: a rank test needs at least 5"),
        (lambda: friedman(np.zeros((6, 2))), "2 recipes"),
        (lambda: signed_rank([1, 2, 3, 4, np.nan]), "1 numbers that are not finite"),
        (lambda: signed_rank(np.zeros((5, 3))), "found 2 axes"),
    ],
)
def test_rank_tests_refuse_what_they_cannot_test(call, says):
    with pytest.raises(ValueError, match=says):
        call()
