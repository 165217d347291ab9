"""Every technique answers to exact checks, and passes them, each time with the same gap."""

import math

import pytest
import torch

from reglab import params

NAMES = [name for name in params.names("regularizers") if name != "none"]


@pytest.mark.parametrize("name", NAMES)
def test_every_technique_has_a_topic_and_passes_its_exact_checks(name):
    technique = params.find("regularizers", name)
    checks = technique.checks()
    assert technique.topic and checks and len({check.name for check in checks}) == len(checks)
    assert all(math.isfinite(check.tolerance) for check in checks)
    assert [check for check in checks if not check.passed] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_check_does_not_depend_on_what_was_drawn_before(name):
    technique = params.find("regularizers", name)
    first = technique.checks()
    torch.rand(7)
    assert technique.checks() == first
