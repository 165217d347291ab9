"""Checks of a technique together with every other one, before and behind it."""

from collections.abc import Iterator

from reglab.config.problems import Problems
from reglab.config.stacks import check_range
from reglab.core.errors import UserError
from reglab.core.plain import entry_name
from reglab.core.registry import find, names
from reglab.technique_checks.results import require
from reglab.technique_checks.workbench import stepped
from reglab.training.regularizer import Regularizer


def _others(technique: Regularizer) -> Iterator[Regularizer]:
    """Every other technique of the project, with its default settings."""
    for name in names("regularizers"):
        if not isinstance(technique, kind := find("regularizers", name)):
            yield kind()


def _refused(first: Regularizer, second: Regularizer) -> bool:
    """Whether `reglab check` refuses the two in this order."""
    problems = Problems("")
    check_range([((entry_name(each),), each) for each in (first, second)], problems)
    return bool(problems.lines)


def _compose(first: Regularizer, second: Regularizer) -> None:
    refused = _refused(first, second)
    pair = f"{type(first).__name__}, then {type(second).__name__}"
    try:
        bits = stepped(first, second, steps=1).bits()
    except UserError as error:
        require(refused, f"{pair}: {error}")
    except Exception as error:
        require(False, f"{pair}: {type(error).__name__}: {error}")
    else:
        require(all(value.isfinite().all() for value in bits.values()), f"{pair}: something becomes NaN or infinite")
        require(not refused, f"{pair}: `reglab check` refuses them in this order, and they can be trained")


def it_goes_before_every_other_technique(technique: Regularizer) -> None:
    for other in _others(technique):
        _compose(technique, other)


def it_goes_behind_every_other_technique(technique: Regularizer) -> None:
    for other in _others(technique):
        _compose(other, technique)
