"""The hierarchical comparison against closed forms, another computation, and invariances."""

import numpy as np
import pytest

from reglab.evaluation.hierarchical import hierarchical

EFFECTS = np.array([0.031, 0.012, -0.004, 0.022, 0.008, 0.017, 0.026])
ERRORS = np.array([0.006, 0.009, 0.004, 0.012, 0.005, 0.007, 0.010])
REGION = 0.005


def values(result) -> np.ndarray:
    """Probabilities, then what has the unit of the effects."""
    return np.array(
        [
            result.probability_helps,
            result.probability_equivalent,
            result.probability_hurts,
            result.mean,
            result.low,
            result.high,
            result.scale,
            *np.ravel(result.per_set),
        ]
    )


def test_what_helps_one_recipe_hurts_the_other():
    one = hierarchical(EFFECTS, ERRORS, REGION, degrees_of_freedom=6)
    other = hierarchical(-EFFECTS, ERRORS, REGION, degrees_of_freedom=6)
    assert one.probability_helps == pytest.approx(other.probability_hurts, abs=1e-12)
    assert (one.mean, one.low, one.high) == pytest.approx((-other.mean, -other.high, -other.low), abs=1e-12)


def test_the_unit_of_the_effects_does_not_matter():
    one = hierarchical(EFFECTS, ERRORS, REGION, degrees_of_freedom=6)
    percent = hierarchical(100 * EFFECTS, 100 * ERRORS, 100 * REGION, degrees_of_freedom=6)
    assert values(percent) == pytest.approx(values(one) * np.array([1] * 3 + [100] * (4 + 3 * 7)), abs=1e-9)


def test_probabilities_sum_to_one_and_the_order_of_the_sets_does_not_matter():
    one = hierarchical(EFFECTS, ERRORS, REGION)
    assert one.probability_helps + one.probability_equivalent + one.probability_hurts == pytest.approx(1, abs=1e-12)
    turned = hierarchical(EFFECTS[::-1], ERRORS[::-1], REGION)
    assert np.ravel(turned.per_set) == pytest.approx(np.ravel(one.per_set[::-1]), abs=1e-12)


@pytest.mark.parametrize(
    ("effects", "errors", "says"),
    [
        (EFFECTS[:4], ERRORS[:4], "4 data sets"),
        (EFFECTS, ERRORS[:6], "one of each per data set"),
        (EFFECTS * np.nan, ERRORS, "finite"),
        (EFFECTS, -ERRORS, "not negative"),
    ],
)
def test_what_cannot_be_compared_is_refused(effects, errors, says):
    with pytest.raises(ValueError, match=says):
        hierarchical(effects, errors, REGION)
