"""Checks of a technique's declarations: its class, its settings, its docstrings."""

import copy
import inspect
import math
import pickle
import re
import warnings
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import MISSING, fields, is_dataclass, replace
from io import StringIO
from typing import Annotated, Literal, get_args, get_origin

from reglab.config.problems import Problems, checked, hints, limits
from reglab.evaluation.settings import Lecture
from reglab.technique_checks.results import NotApplicable, require
from reglab.technique_checks.workbench import stepped
from reglab.training.regularizer import Regularizer

PLAIN = (bool, int, float, str)
NEEDS = ("images", "unit_range", "classes", "discrete", "residual_blocks")
SIGNS = re.compile(r"<-|[=~^|<>*/]|\b[EJ] ?\(|\bE_\w+|\bmin\b|\bmax\b")


def _settings(technique: Regularizer) -> dict[str, object]:
    return {field.name: getattr(technique, field.name) for field in fields(technique)}


def _refusals(kind: type, settings: dict[str, object]) -> list[str]:
    problems = Problems("settings")
    checked(kind, settings, (), problems)
    return problems.lines


def _outside(kind: object) -> list[object]:
    """Values that the type of a setting does not allow: of another kind, and just beyond each bound."""
    if get_origin(kind) is Literal:
        return ["no such choice"]
    if kind is bool:
        return ["yes"]
    beyond: list[object] = ["many"]
    for constraint in get_args(kind)[1:] if get_origin(kind) is Annotated else ():
        for bound, aside in (("ge", -1), ("le", 1), ("gt", 0), ("lt", 0)):
            if (value := getattr(constraint, bound, None)) is not None:
                beyond.append(value + aside)
    return beyond


def it_is_a_frozen_dataclass_of_plain_settings(technique: Regularizer) -> None:
    kind = type(technique)
    require(is_dataclass(kind), f"{kind.__name__} is no dataclass: write @dataclass(frozen=True) above it")
    require(kind.__dataclass_params__.frozen, f"{kind.__name__} is not frozen: write @dataclass(frozen=True)")
    odd = {name: value for name, value in _settings(technique).items() if not isinstance(value, PLAIN)}
    require(not odd, f"settings that params.yaml cannot hold: {odd}; allowed: numbers, true, false, text")


def every_setting_has_a_default(technique: Regularizer) -> None:
    if not fields(technique):
        raise NotApplicable("it has no settings")
    without = [
        field.name for field in fields(technique) if field.default is MISSING and field.default_factory is MISSING
    ]
    require(not without, f"no default: {', '.join(without)}")


def its_default_settings_are_allowed(technique: Regularizer) -> None:
    if not fields(technique):
        raise NotApplicable("it has no settings")
    require(not (lines := _refusals(type(technique), {})), "; ".join(lines))


def every_setting_says_what_it_allows(technique: Regularizer) -> None:
    if not fields(technique):
        raise NotApplicable("it has no settings")
    open_ended = [
        name
        for name, kind in hints(type(technique)).items()
        if not (
            get_origin(kind) is Literal
            or kind is bool
            or (get_origin(kind) is Annotated and limits(get_args(kind)[1:]))
        )
    ]
    require(not open_ended, f"no range: {', '.join(open_ended)}; write Annotated[float, Ge(0)], say, or Literal[...]")


def settings_out_of_range_are_refused_by_name(technique: Regularizer) -> None:
    if not fields(technique):
        raise NotApplicable("it has no settings")
    for name, kind in hints(type(technique)).items():
        for value in _outside(kind):
            lines = _refusals(type(technique), {name: value})
            require(any(name in line for line in lines), f"{name}: {value!r} is accepted")


def equal_settings_are_an_equal_technique(technique: Regularizer) -> None:
    twin = replace(technique)
    require(twin == technique and hash(twin) == hash(technique), f"{technique!r} differs from one with its settings")
    for name, value in _settings(technique).items():
        if isinstance(value, float) and math.isfinite(value):
            require(replace(technique, **{name: value + 1}) != technique, f"another {name} makes no other technique")


def its_repr_builds_it_again(technique: Regularizer) -> None:
    names = {type(technique).__name__: type(technique), "inf": math.inf}
    try:
        again = eval(repr(technique), names)
    except Exception as error:
        require(False, f"{technique!r} cannot be evaluated: {error}")
    require(again == technique, f"{technique!r} builds {again!r}")


def it_reaches_worker_processes(technique: Regularizer) -> None:
    require(pickle.loads(pickle.dumps(technique)) == technique, "it is another one once it was pickled")
    require(copy.deepcopy(technique) == technique, "it is another one once it was copied")


def its_file_begins_with_a_sentence(technique: Regularizer) -> None:
    module = inspect.getmodule(technique)
    text = (module.__doc__ or "").strip() if module else ""
    require("." in text, "its file has no docstring: `reglab techniques` shows its first sentence")


def its_docstring_has_a_sentence_a_formula_and_a_source(technique: Regularizer) -> None:
    text = type(technique).__dict__.get("__doc__") or ""
    require(
        bool(re.match(r"[^\s(].*?[.:](\s|$)", text, re.DOTALL)) and not text.startswith(type(technique).__name__ + "("),
        "its class has no docstring: a sentence with the formula, and the source",
    )
    if technique.off == {}:
        raise NotApplicable("it changes nothing, so there is no formula")
    require(bool(SIGNS.search(text)), "its docstring has no formula")
    require(bool(re.search(r"\bSources?: ", text)), "its docstring has no line that begins with `Source: `")


def what_switches_it_off_are_settings_that_it_has(technique: Regularizer) -> None:
    if technique.off is None:
        raise NotApplicable("it has no setting that switches it off, and says so")
    unknown = sorted(set(technique.off) - set(_settings(technique)))
    require(not unknown, f"off names settings that it does not have: {', '.join(unknown)}")
    finite = {
        name: value for name, value in technique.off.items() if not (isinstance(value, float) and math.isinf(value))
    }
    require(not (lines := _refusals(type(technique), finite)), "; ".join(lines))


def what_it_needs_of_the_data_is_known(technique: Regularizer) -> None:
    odd = [need for need in technique.needs if need not in NEEDS]
    require(not odd, f"needs: found {', '.join(map(str, odd))}; allowed: {', '.join(NEEDS)}")


def its_place_in_the_lecture_is_known(technique: Regularizer) -> None:
    allowed = get_args(Lecture)
    require(technique.lecture in allowed, f"lecture: found {technique.lecture!r}; allowed: {', '.join(allowed)}")


def its_settings_stay_as_they_are_while_it_is_used(technique: Regularizer) -> None:
    before = pickle.dumps(vars(technique))
    stepped(technique).bits()
    require(pickle.dumps(vars(technique)) == before, "a training changed the technique: what lasts belongs in a buffer")


def it_prints_nothing_and_warns_of_nothing(technique: Regularizer) -> None:
    with (
        redirect_stdout(StringIO()) as out,
        redirect_stderr(StringIO()) as err,
        warnings.catch_warnings(record=True) as seen,
    ):
        warnings.simplefilter("always")
        stepped(technique).bits()
    printed = out.getvalue() + err.getvalue() + "".join(str(warning.message) for warning in seen)
    require(not printed, f"it says {printed[:200]!r}")


def its_exact_checks_hold_each_time_with_the_same_gap(technique: Regularizer) -> None:
    checks = type(technique).checks()
    if not checks:
        raise NotApplicable("it has no exact checks")
    names = [check.name for check in checks]
    require(len(set(names)) == len(names), "two exact checks have one name")
    wide = [check.name for check in checks if not math.isfinite(check.tolerance)]
    require(not wide, f"no finite tolerance: {', '.join(wide)}")
    failed = [f"{check.name}: gap {check.gap:g}, tolerance {check.tolerance:g}" for check in checks if not check.passed]
    require(not failed, "; ".join(failed))
    require(
        type(technique).checks() == checks, "a second time the gaps are others: they depend on what was drawn before"
    )
