"""The intervals and tests against SciPy and hand counts; the verdict rule against its own level."""

from itertools import combinations

import looks_simulation
import numpy as np
import pytest
from scipy import integrate, stats

from reglab.evaluation.interval import mean_interval
from reglab.evaluation.statistics import (
    difference_interval,
    holm,
    practical,
    seeds_needed,
    shown_sign,
    sign_flip,
    sign_flips,
    smallest_p,
    smallest_seeds,
    standard_error,
    student_interval,
    student_test,
    verdict,
)

LEVEL = 0.05


def normal(n: int, mean: float = 0.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 1, n)


# intervals


def test_mean_interval_is_the_inverse_of_the_t_test():
    values = normal(10, 0.3)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert mean_interval(values, 0.9) == pytest.approx(tuple(expected), abs=1e-12)


def test_equal_values_have_an_interval_of_no_width_and_one_value_has_none():
    assert mean_interval(np.full(5, 0.25), 0.95) == (0.25, 0.25)
    assert difference_interval(np.zeros(10), 0.95) == (0.0, 0.0)
    rounded = np.array([0.3 - 0.2, 0.9 - 0.8, 0.1, 0.5 - 0.4])  # equal but for rounding
    assert np.ptp(rounded) > 0
    assert difference_interval(rounded, 0.95) == pytest.approx((0.1, 0.1))
    assert np.isnan([mean_interval(np.ones(1), 0.95), difference_interval(np.ones(1), 0.95)]).all()


def test_difference_interval_is_the_accelerated_bootstrap_written_out():
    """Efron and Tibshirani's equations on the same kind of resamples; 2 % of the width is their Monte-Carlo error."""
    d = np.random.default_rng(3).exponential(1, 20) - 0.5
    means = np.random.default_rng(7).choice(d, (200_000, 20)).mean(1)
    z0 = stats.norm.ppf((means < d.mean()).mean())
    left_out = (d.sum() - d) / 19
    u = left_out.mean() - left_out
    a = (u**3).sum() / (6 * (u**2).sum() ** 1.5)
    z = z0 + stats.norm.ppf([0.025, 0.975])
    expected = np.quantile(means, stats.norm.cdf(z0 + z / (1 - a * z)))
    assert difference_interval(d, 0.95) == pytest.approx(expected, abs=0.02 * np.ptp(expected))


@pytest.mark.parametrize("seeds", [11, 20, 30])
def test_difference_interval_is_scipys_on_the_same_resamples(seeds):
    """With fewer seeds many samples have the very same mean, which SciPy tells apart by rounding."""
    d = np.random.default_rng(seeds).exponential(1, seeds) - 0.5
    random = np.random.default_rng(0)
    theirs = stats.bootstrap((d,), np.mean, n_resamples=9_999, method="BCa", rng=random).confidence_interval
    assert difference_interval(d, 0.95) == pytest.approx(tuple(theirs), abs=1e-9)


def test_difference_interval_of_quotients_of_counts_is_that_of_the_counts():
    """Many samples have equal means, which rounding must not tell apart: 60 studies of 3 to 15 seeds, 400 examples."""
    random = np.random.default_rng(2)
    for _ in range(60):
        counts = random.integers(-6, 12, int(random.integers(3, 16)))
        one, two = random.permutation(400)[: len(counts)], 0
        quotients = (one + counts) / 400 - (one + two) / 400
        whole = difference_interval(counts.astype(float), 0.95)
        assert np.multiply(400, difference_interval(quotients, 0.95)) == pytest.approx(whole, abs=1e-7)


def test_difference_interval_is_the_same_every_time_and_follows_units():
    d = normal(10, 0.2)
    low, high = difference_interval(d, 0.95)
    assert (low, high) == difference_interval(d, 0.95)
    assert difference_interval(100 * d + 1, 0.95) == pytest.approx((100 * low + 1, 100 * high + 1), rel=2e-3)  # ties
    assert low < d.mean() < high


# the family


def test_holm_equals_the_example_worked_out_by_hand():
    """Sorted .005 .01 .03 .04 times 4 3 2 1 = .02 .03 .06 .04, then never falling: .02 .03 .06 .06."""
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.9])) == pytest.approx([1.0, 1.0])
    assert holm(np.array([])).size == 0


@pytest.mark.parametrize("members", [1, 2, 5, 8])
def test_holm_is_the_closed_test_of_bonferroni(members):
    """p_i is the largest over all subfamilies with i in them of min(1, size x smallest p), all of which are formed here."""
    p = np.random.default_rng(members).beta(0.3, 1, members)
    families = [each for size in range(1, members + 1) for each in combinations(range(members), size)]
    closed = [
        max(min(1, len(family) * p[list(family)].min()) for family in families if member in family)
        for member in range(members)
    ]
    assert holm(p) == pytest.approx(closed, abs=1e-15)


def test_holm_leaves_out_what_is_not_a_number():
    adjusted = holm(np.array([np.nan, 0.01, np.nan, 0.04]))
    assert np.isnan(adjusted[[0, 2]]).all()
    assert adjusted[[1, 3]] == pytest.approx([0.02, 0.04])


def test_twelve_comparisons_need_nine_seeds_and_nine_reach_the_level():
    assert smallest_seeds(12, LEVEL) == 9
    assert smallest_seeds(1, LEVEL) == 6
    for comparisons in (1, 3, 12, 40):
        n = smallest_seeds(comparisons, LEVEL)
        best, worse = sign_flip(np.ones(n)), sign_flip(np.ones(n - 1))
        family = np.ones(comparisons)
        assert holm(np.r_[best, family[1:]])[0] <= LEVEL < holm(np.r_[worse, family[1:]])[0]


# on this distribution


def test_without_overlap_the_corrected_test_is_students():
    d = normal(10, 0.4)
    error, expected = standard_error(d), stats.ttest_1samp(d, 0)
    assert student_test(d.mean(), error, 10) == pytest.approx(expected.pvalue, rel=1e-12)
    assert student_interval(d.mean(), error, 0.9, 10) == pytest.approx(
        tuple(expected.confidence_interval(0.9)), abs=1e-12
    )


def test_the_correction_is_the_formula_of_nadeau_and_bengio():
    """Differences 1, 2, 3: mean 2, variance 1; tested on half as many as trained on: t = 2 / sqrt(1/3 + 1/2), 2 degrees."""
    error = standard_error(np.array([1.0, 2.0, 3.0]), 0.5)
    assert error == pytest.approx(np.sqrt(5 / 6), abs=1e-15)
    t = 2 / np.sqrt(5 / 6)
    by_hand = 1 - t / np.sqrt(t**2 + 2)  # the closed form of Student's tails with two degrees of freedom
    assert student_test(2.0, error, 3) == pytest.approx(by_hand, abs=1e-12)
    low, high = student_interval(2.0, error, 0.95, 3)
    assert (high + low) / 2 == pytest.approx(2.0) and (high - low) / 2 == pytest.approx(4.30265272991 * error, abs=1e-9)


def test_with_ever_more_seeds_the_corrected_error_stays_where_the_other_vanishes():
    d = normal(100_000)
    assert standard_error(d) == pytest.approx(1 / np.sqrt(len(d)), rel=0.02)
    assert standard_error(d, 400 / 900) == pytest.approx(np.sqrt(400 / 900), rel=0.02)


def test_certainty_and_ignorance_have_no_error_bars():
    assert student_test(0.1, 0.0, 5) == 0.0 and student_test(0.0, 0.0, 5) == 1.0
    assert student_interval(0.1, 0.0, 0.95, 5) == (0.1, 0.1)
    lone = standard_error(np.ones(1), 0.5)
    assert np.isnan([lone, student_test(1.0, lone, 1), *student_interval(1.0, lone, 0.95, 1)]).all()
    assert practical(1.0, lone, 1, 0.005) is None


def test_the_correction_keeps_the_level_on_differences_that_are_alike():
    """Seeds with the correlation that the correction stands for, test / (test + train), and no true difference.

    2,000 studies at 5 % exceed 6.7 % in 1 of 2,000 cases; without the correction more than a fourth err.
    """
    overlap, seeds = 0.5, 10
    share = overlap / (1 + overlap)
    random = np.random.default_rng(5)
    common = random.normal(0, np.sqrt(share), (2_000, 1))
    individual = random.normal(0, np.sqrt(1 - share), (2_000, seeds))

    def false(ratio: float) -> float:
        return np.mean([student_test(d.mean(), standard_error(d, ratio), seeds) <= LEVEL for d in common + individual])

    assert false(overlap) < 0.067 and false(0.0) > 0.25


# practically relevant


@pytest.mark.parametrize("overlap", [0.0, 400 / 900])
def test_the_probabilities_are_the_integrals_of_the_posterior(overlap):
    """Student's density written out and integrated numerically over the three regions; 1e-8 is the integrator's error."""
    d, r = normal(9, 0.3), 0.25
    mean, error, degrees = d.mean(), standard_error(d, overlap), 8

    def density(x: float) -> float:
        return (1 + ((x - mean) / error) ** 2 / degrees) ** (-(degrees + 1) / 2)

    ends = [(r, np.inf), (-r, r), (-np.inf, -r)]
    parts = [integrate.quad(density, *each, epsabs=1e-12)[0] for each in ends]
    expected = dict(zip(("helps", "same", "hurts"), np.array(parts) / sum(parts), strict=True))
    assert practical(mean, error, 9, r) == pytest.approx(expected, abs=1e-8)


def test_the_probabilities_are_those_of_means_drawn_from_the_posterior():
    """Variance from its scaled inverse chi², then the mean given the variance; 400,000 draws err by 5 x 0.0008 at most."""
    d, r, random = normal(8, 0.2, seed=3), 0.3, np.random.default_rng(6)
    variance = 7 * d.var(ddof=1) / random.chisquare(7, 400_000)
    means = random.normal(d.mean(), np.sqrt(variance / 8))
    expected = {"helps": (means > r).mean(), "same": (abs(means) <= r).mean(), "hurts": (means < -r).mean()}
    assert practical(d.mean(), standard_error(d), 8, r) == pytest.approx(expected, abs=0.004)


def test_equal_differences_are_certain_and_a_turned_sign_turns_the_answer():
    assert practical(0.0, 0.0, 10, 0.005) == {"helps": 0.0, "same": 1.0, "hurts": 0.0}
    assert practical(0.01, 0.0, 10, 0.005) == {"helps": 1.0, "same": 0.0, "hurts": 0.0}
    probabilities, turned = practical(0.01, 0.004, 10, 0.005), practical(-0.01, 0.004, 10, 0.005)
    assert (probabilities["helps"], probabilities["hurts"]) == pytest.approx((turned["hurts"], turned["helps"]))
    assert sum(probabilities.values()) == pytest.approx(1.0)


# the verdict


@pytest.mark.parametrize(
    ("low", "high", "p_holm", "expected"),
    [
        (0.01, 0.03, 0.01, "helps"),
        (-0.03, -0.01, 0.01, "hurts"),
        (0.001, 0.03, 0.01, "helps"),  # real, though perhaps small
        (0.001, 0.004, 0.01, "no relevant difference"),  # real, and certainly small
        (-0.004, 0.005, 1.0, "no relevant difference"),
        (0.0, 0.0, 1.0, "no relevant difference"),
        (0.01, 0.03, 0.06, "cannot tell"),
        (-0.01, 0.03, 0.04, "cannot tell"),
        (-0.01, 0.03, 0.50, "cannot tell"),
        (np.nan, np.nan, np.nan, "cannot tell"),
    ],
)
def test_verdict_follows_its_rule(low, high, p_holm, expected):
    assert verdict(low, high, p_holm, seeds=10, relevant_difference=0.005, level=LEVEL) == expected


def test_too_few_seeds_give_no_verdict():
    for low, high in [(0.0, 0.0), (0.1, 0.2)]:
        assert verdict(low, high, 0.001, seeds=5, relevant_difference=0.005, level=LEVEL) == "cannot tell"


def judged(differences: np.ndarray, p_holm: float, relevant_difference: float = 0.1) -> str:
    interval = difference_interval(differences, 1 - LEVEL)
    seeds = len(differences)
    return verdict(*interval, p_holm, seeds=seeds, relevant_difference=relevant_difference, level=LEVEL)


def test_noise_against_itself_gets_a_false_verdict_in_at_most_five_percent_of_1000_comparisons():
    """The exact test of ten seeds errs in 50 of 1024 cases; 1,000 of them exceed 80 errors in 1 of 100,000 studies."""
    random = np.random.default_rng(0)
    pairs = random.normal(0, 1, (1_000, 2, 10)) + random.normal(0, 3, (1_000, 1, 10))  # seeds differ, recipes do not
    differences = pairs[:, 1] - pairs[:, 0]
    verdicts = [judged(d, p) for d, p in zip(differences, sign_flips(differences), strict=True)]
    false = sum(v in ("helps", "hurts") for v in verdicts)
    assert 0 < false <= 80


def test_a_family_of_noise_gets_any_false_verdict_in_at_most_five_percent_of_families():
    """Twelve recipes against one shared `none`; 300 families with 5 % each exceed 34 in 1 of 100,000 studies."""
    random = np.random.default_rng(1)
    families = random.normal(0, 1, (300, 13, 10))
    wrong = 0
    differences = families[:, 1:] - families[:, :1]
    p = np.reshape(sign_flips(differences.reshape(-1, 10)), (300, 12))
    for family, p_values in zip(differences, p, strict=True):
        p_holm = holm(p_values)
        wrong += any(judged(d, p) in ("helps", "hurts") for d, p in zip(family, p_holm, strict=True) if p <= LEVEL)
    assert wrong <= 34


def test_a_difference_as_large_as_the_relevant_one_is_seldom_called_irrelevant():
    """The interval of ten seeds ends below the mean in about 6 % of studies; 60 of 500 lies 5 deviations above."""
    differences = np.random.default_rng(2).normal(1.0, 0.3, (500, 10))
    verdicts = [judged(d, p, 1.0) for d, p in zip(differences, sign_flips(differences), strict=True)]
    wrong = verdicts.count("no relevant difference")
    assert wrong <= 60


def test_clear_effects_get_verdicts_and_so_does_their_absence():
    gain, nothing = normal(10, 3.0), 0.02 * normal(10)
    assert judged(gain, sign_flip(gain)) == "helps"
    assert judged(-gain, sign_flip(-gain)) == "hurts"
    assert judged(nothing, sign_flip(nothing)) == "no relevant difference"


# how many seeds would tell


def test_seeds_needed_are_those_of_the_formula():
    d = np.array([-1.0, 1.0, 3.0])  # mean 1, spread 2; too far for ± 0.5
    z = stats.norm.ppf(1 - LEVEL / 24) + stats.norm.ppf(0.8)
    assert seeds_needed(d, comparisons=12, relevant_difference=0.5, level=LEVEL) == np.ceil((z * 2) ** 2)
    z = stats.norm.ppf(1 - LEVEL / 2) + stats.norm.ppf(0.8)  # no difference at all: the region is the cheaper way
    assert seeds_needed(d - 1, comparisons=12, relevant_difference=2.0, level=LEVEL) == np.ceil(z**2)


def test_seeds_needed_are_never_fewer_than_the_test_needs_or_than_there_are():
    rule = {"relevant_difference": 0.0, "level": LEVEL}
    assert seeds_needed(np.full(3, 1.0), comparisons=12, **rule) == 9
    assert seeds_needed(np.full(10, 1.0), comparisons=12, **rule) == 11


def test_seeds_needed_are_unknown_without_a_spread_or_with_nothing_to_find():
    rule = {"comparisons": 12, "relevant_difference": 0.0, "level": LEVEL}
    assert seeds_needed(np.ones(1), **rule) is None
    assert seeds_needed(np.array([-1.0, 1.0]), **rule) is None


def test_with_the_seeds_needed_four_of_five_studies_tell():
    """Mean 1/2 and spread 1, as found with five seeds; 200 studies at 80 % leave 70 to 90 % in 1 of 1,000 cases.

    The sign patterns of 32 seeds are random ones, and one product of matrices has the p-values of all studies.
    """
    result = stats.zscore(normal(5), ddof=1) + 0.5
    n = seeds_needed(result, comparisons=1, relevant_difference=0.0, level=LEVEL)
    assert n == 32
    studies = np.random.default_rng(4).normal(0.5, 1, (200, n))
    p = looks_simulation.sign_flips(studies)
    assert p[:4] == pytest.approx(sign_flips(studies[:4]), abs=0.01)
    assert 0.7 < np.mean([judged(*each, 0.0) == "helps" for each in zip(studies, p, strict=True)]) < 0.9


@pytest.mark.parametrize(
    ("differences", "sign"),
    [
        ([0.01, 0.02], 0),  # the interval leaves out zero, but p is 2/4
        ([0.01, 0.02, 0.01, 0.03, 0.02], 0),  # 2/32 is above 5 %
        ([0.01, 0.02, 0.01, 0.03, 0.02, 0.02], 1),  # 2/64
        ([-0.01, -0.02, -0.01, -0.03, -0.02, -0.02], -1),
        ([0.01, -0.02, 0.01, 0.03, -0.02, 0.02], 0),
        ([], 0),
    ],
)
def test_a_sign_is_shown_where_the_exact_test_and_the_interval_agree(differences, sign):
    assert shown_sign(np.array(differences), 0.95) == sign


def test_the_least_p_value_is_that_of_all_signs_alike_or_of_one_random_pattern():
    assert [smallest_p(seeds) for seeds in (1, 6, 17)] == [1.0, 1 / 32, 2.0**-16]
    assert smallest_p(18) == smallest_p(40) == 1 / 100_000
    assert sign_flip(np.ones(18)) == pytest.approx(smallest_p(18), abs=1e-5)


def test_two_values_have_an_interval_and_one_has_none():
    half = stats.t.ppf(0.975, 1) * np.std([0.0, 1.0], ddof=1) / 2**0.5
    assert mean_interval(np.array([0.0, 1.0]), 0.95) == pytest.approx((0.5 - half, 0.5 + half))
    assert np.isnan(mean_interval(np.array([1.0]), 0.95)).all()


def test_the_error_of_two_values_is_half_their_distance():
    assert standard_error(np.array([0.0, 1.0])) == pytest.approx(0.5)
    assert np.isnan(standard_error(np.array([1.0]))) and np.isnan(standard_error(np.array([1.0, np.nan, 2.0])))
