"""What `make stress COUNT=50` runs and `make test` leaves out: problems, injected many times."""

import os

import pytest

COUNT = int(os.environ.get("COUNT", 0))


UNDER_FIRE = (pytest.mark.stress, pytest.mark.skipif(not COUNT, reason="make stress COUNT=50 runs it"))


def under_fire(test):
    """Mark a test that takes minutes: it runs where COUNT says how often."""
    for mark in UNDER_FIRE:
        test = mark(test)
    return test


def some_of(cases, first: int) -> list:
    """Cases for `parametrize`: the first always, the others under fire alone."""
    cases = list(cases)
    return [*cases[:first], *(pytest.param(case, marks=UNDER_FIRE) for case in cases[first:])]
