"""Runs every check of this package on a technique."""

from collections.abc import Callable, Iterator
from types import ModuleType

from reglab.technique_checks import (
    around_steps,
    batches,
    composition,
    declaration,
    evaluated_network,
    hooks,
    randomness,
    whole_trainings,
)
from reglab.technique_checks.results import CheckFailed, NotApplicable, Result
from reglab.training.regularizer import Regularizer

SUBJECTS = (declaration, randomness, batches, hooks, around_steps, evaluated_network, whole_trainings, composition)


def _checks(subject: ModuleType) -> Iterator[Callable[[Regularizer], None]]:
    """The public functions of a file, each a claim about one technique, in the order of the file."""
    for name, value in vars(subject).items():
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", None) == subject.__name__:
            yield value


CHECKS = {check.__name__: check for subject in SUBJECTS for check in _checks(subject)}


def run_check(name: str, technique: Regularizer) -> Result:
    """The result of one check; any error that is raised is a failure."""
    try:
        CHECKS[name](technique)
    except NotApplicable as reason:
        return Result(name, "not applicable", str(reason))
    except CheckFailed as failure:
        return Result(name, "failed", str(failure))
    except Exception as error:
        return Result(name, "failed", f"{type(error).__name__}: {error}")
    return Result(name, "passed")


def check_technique(technique: Regularizer) -> list[Result]:
    """Every check on one technique with its settings, in the manner of scikit-learn's `check_estimator`.

    It changes no file and takes a few seconds. A result's `status` is passed, failed or not applicable; `message` says
    what was found, or why the check does not apply.
    """
    return [run_check(name, technique) for name in CHECKS]
