"""Checks settings against their types, and reports each problem in a line of words."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import GroupedMetadata
from pydantic import TypeAdapter, ValidationError
from ruamel.yaml.events import Event

from reglab.core.wording import Plain, nearest, one_of, shown

Key = tuple[str | int, ...]  # where a value stands: ("combinations", "both", 0, "dropout")

PHRASES = {"ge": "of at least", "gt": "above", "le": "of at most", "lt": "below"}


class Problems:
    """The lines about one file: key, what was found, what is allowed."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: list[str] = []
        self.reported: dict[Key, None] = {}  # one line about a key is enough
        self.unreadable: set[Key] = set()  # the values that could not be taken over

    def add(self, key: Key, found: str, allowed: str) -> None:
        """Add a line about the value of `key`, unless one is reported already or a part of the value is unreadable."""
        if key not in self.reported and not any(place[: len(key)] == key for place in self.unreadable):
            self.write(key, found, allowed)

    def in_text(self, event: Event, key: Key, found: str, allowed: str, *, unreadable: bool = False) -> None:
        """A line about the text itself, at this event of the parser."""
        self.write(key, f"{found}, in line {event.start_mark.line + 1}", allowed)
        if unreadable:
            self.unreadable.add(key)

    def report(self, key: Key, lines: Iterable[str]) -> None:
        """Lines of another file's problems, found on the way to the value of `key`."""
        self.lines += [line for line in lines if line not in self.lines]
        self.reported[key] = None

    def write(self, key: Key, found: str, allowed: str) -> None:
        place = f"{self.file}: {dotted(key)}" if key else self.file
        line = f"{place}: found {found}; allowed: {allowed}"
        self.lines.append(line if line.isprintable() else line.encode("unicode_escape").decode())
        self.reported[key] = None


def dotted(key: Key) -> str:
    """regularizers.dropout.input_rate, combinations.both[0].dropout"""

    def step(part: str | int) -> str:
        if isinstance(part, int):
            return f"[{part}]"
        return f".{part if re.fullmatch('[a-zA-Z0-9_?-]+', part) else shown(part)}"

    return "".join(map(step, key)).removeprefix(".")


def words(kind: Any) -> str:
    """What a value of this type may be: Annotated[float, Ge(0), Lt(1)] is "a number from 0 to below 1"."""
    if is_dataclass(kind):
        return "a mapping of " + (", ".join(field.name for field in fields(kind)) or "nothing: {}")
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        mapping = get_origin(parts[0]) is dict  # whose limit says how many names there must be
        return ("a mapping of names to settings" if mapping else words(parts[0])) + limits(parts[1:])
    if origin is Literal:
        return one_of(parts)
    if origin in (Union, UnionType):
        return ", or ".join("null" if part is NoneType else words(part) for part in parts)
    if origin is tuple:
        length = "" if parts[-1] is Ellipsis else f" of {len(parts)}"
        return f"a list{length}, each item {words(parts[0])}"
    if origin is dict or kind is dict:
        return "a mapping of names to settings, {} where there are none"
    named = {float: "a number", int: "a whole number", bool: "true or false", str: "text"}
    return named.get(kind, "a mapping of a name and the settings that go with it")


def limits(constraints: Iterable) -> str:
    """The constraints of `Annotated` as they follow "a number"."""
    bounds = {}
    for given in constraints:
        for constraint in given if isinstance(given, GroupedMetadata) else (given,):
            bounds |= {
                name: getattr(constraint, name) for name in (*PHRASES, "min_length") if hasattr(constraint, name)
            }
    match bounds:
        case {"ge": low, "le": high}:
            return f" from {low:,} to {high:,}"
        case {"ge": low, "lt": high}:
            return f" from {low:,} to below {high:,}"
        case {"min_length": 1}:
            return ", not empty"
        case {"min_length": low}:
            return f", at least {low} of them"
    return " and".join(f" {PHRASES[name]} {bound}" for name, bound in bounds.items())


def checked(kind: Any, given: Plain, key: Key, problems: Problems) -> Any:
    """What is given as a value of this type, a dataclass completed with its defaults; None and lines if it is none."""
    if is_dataclass(kind):
        if not isinstance(given, dict):
            problems.add(key, shown(given), words(kind))
            return None
        given = {field.name: field.default for field in fields(kind) if field.default is not MISSING} | given
    try:  # as JSON, for its types are those of YAML: a list may become a tuple, but no text a number
        return adapter(kind).validate_json(json.dumps(given), strict=True, extra="forbid")
    except ValidationError as error:
        wrong = {each["loc"]: each for each in error.errors(include_url=False)}
    for place, each in wrong.items():
        kind_of_error = each["type"]
        inside, wanted, value = reached(kind, given, place)
        name = place[len(inside) :]  # of a setting that is unknown or missing there
        kinds = hints(without_null(wanted)) if is_dataclass(without_null(wanted)) else {}
        if kind_of_error == "unexpected_keyword_argument" and len(name) == 1:
            allowed = one_of(kinds) + nearest(*name, kinds) if kinds else "no settings: {}"
            problems.add(key + place, "an unknown setting", allowed)
        elif kind_of_error == "missing" and len(name) == 1 and name[0] in kinds:
            problems.add(key + place, "nothing", words(kinds[name[0]]))
        elif kind_of_error == "too_long" and get_origin(wanted) is Annotated:  # a list of another length is shown whole
            problems.add(key + inside, f"{len(value):,} entries", f"at most {each['ctx']['max_length']:,} entries")
        else:
            choices = get_args(wanted) if get_origin(wanted) is Literal else ()
            problems.add(key + inside, shown(value), words(wanted) + nearest(value, choices))
    return None


def reached(kind: Any, given: Plain, place: Key) -> tuple[Key, Any, Plain]:
    """The key, the type and the value to which `place` leads, as far as there are settings by name; a list is one value."""
    for depth, name in enumerate(place):
        inner = without_null(kind)
        if not isinstance(given, dict) or name not in given:
            return place[:depth], kind, given
        if is_dataclass(inner) and name in hints(inner):
            kind = hints(inner)[name]
        elif get_origin(inner) is dict:
            kind = get_args(inner)[1]
        else:
            return place[:depth], kind, given
        given = given[name]
    return place, kind, given


def without_null(kind: Any) -> Any:
    """The type itself, of one with constraints, or of one that may also be null."""
    if get_origin(kind) is Annotated:
        return without_null(get_args(kind)[0])
    parts = [part for part in get_args(kind) if part is not NoneType]
    return without_null(parts[0]) if get_origin(kind) in (Union, UnionType) and len(parts) == 1 else kind


def is_named(key: Key, name: Plain, choices: list[str], problems: Problems, why: str = "") -> bool:
    """Whether there is something of this name; a line where not, which ends with `why` or a name that looks like it."""
    if name in choices:
        return True
    allowed = (
        one_of(choices) + (why or nearest(name, choices)) if choices else "nothing, for there is nothing to choose from"
    )
    problems.add(key, "nothing" if name is None else shown(name), allowed)
    return False


def at_places(places: Sequence[Key], most: int = 6) -> str:
    """regimes.recipes[2], sweeps.dropout, ... (9 places)"""
    listed = ", ".join(map(dotted, places[:most]))
    return listed if len(places) <= most else f"{listed}, ... ({len(places)} places)"


@cache
def hints(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields, with their constraints."""
    all_of_them = get_type_hints(kind, include_extras=True)
    return {field.name: all_of_them[field.name] for field in fields(kind)}


@cache
def adapter(kind: Any) -> TypeAdapter:
    return TypeAdapter(kind)
