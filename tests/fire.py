"""What `make stress COUNT=50` runs and `make test` leaves out: problems, injected many times."""

import os

import pytest

COUNT = int(os.environ.get("COUNT", 0))


def under_fire(test):
    """Mark a test that takes minutes: it runs where COUNT says how often."""
    skip = pytest.mark.skipif(not COUNT, reason="make stress COUNT=50 runs it")
    return pytest.mark.stress(skip(test))
