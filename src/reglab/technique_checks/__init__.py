"""Checks that every technique must pass, one claim a function: `check_technique(MyTechnique())` runs them all."""

from reglab.technique_checks.results import Result
from reglab.technique_checks.suite import CHECKS, check_technique, run_check

__all__ = ["CHECKS", "Result", "check_technique", "run_check"]
