"""Points within ranges: evenly spread, on the right scale, within their ends."""

import numpy as np
import pytest

from reglab.experiments.tuning.ranges import shares, value_at


@pytest.mark.parametrize("shifts", [[0.0, 0.0, 0.0], [0.3, 0.77, 0.123]])
@pytest.mark.parametrize("count", [8, 16])
def test_every_half_quarter_and_eighth_of_each_dimension_has_equally_many_points(shifts, count):
    """Sobol's sequence is a net; a shift modulo 1 moves its intervals, here by whole eighths at most after rounding."""
    points = (np.array(shares(3, count, shifts)) - shifts) % 1.0
    for dimension in points.T:
        counts, _ = np.histogram(dimension + 1e-9, bins=8, range=(0, 1))
        assert counts.tolist() == [count // 8] * 8


def test_fewer_points_are_the_first_of_more_and_a_dimension_more_moves_none_of_the_others():
    many = np.array(shares(2, 16, [0.2, 0.6]))
    np.testing.assert_array_equal(shares(2, 5, [0.2, 0.6]), many[:5])
    np.testing.assert_array_equal(np.array(shares(3, 16, [0.2, 0.6, 0.1]))[:, :2], many)


def test_a_range_over_a_factor_of_ten_is_logarithmic_and_a_smaller_one_linear():
    assert value_at(0.5, (0.001, 0.1)) == 0.01 and value_at(0.5, (1.0, 9.0)) == 5.0
    assert value_at(0.5, (0.0, 1.0)) == 0.5 and value_at(0.0, (0.001, 0.1)) == 0.001
    assert value_at(0.123456, (0.0, 1.0)) == 0.123
    assert value_at(0.0, (0.12345, 0.9)) == 0.12345  # to three digits it would lie below the range


@pytest.mark.parametrize(("low", "high"), [(1, 4), (8, 192)])
def test_whole_numbers_reach_both_ends_and_stay_within_them(low, high):
    values = [value_at(share, (low, high), whole=True) for share in np.linspace(0, 0.99999, 1000)]
    assert values == sorted(values) and (values[0], values[-1]) == (low, high) and set(map(type, values)) == {int}
    if high == 4:
        assert [values.count(each) for each in (1, 2, 3, 4)] == pytest.approx([250] * 4, abs=1)


def test_words_are_chosen_with_equal_shares():
    chosen = [value_at(share, ("l2", "linf", "none")) for share in np.linspace(0, 0.999, 300)]
    assert [chosen.count(each) for each in ("l2", "linf", "none")] == pytest.approx([100] * 3, abs=1)
    assert value_at(0.7, (False, True)) is True
