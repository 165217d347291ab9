"""The text of params.yaml as plain data.

DVC, OmegaConf and people read the same file. So only that part of YAML is let through that they all read alike:
mappings, lists, decimal numbers, true, false, null and text. What they read differently is a problem, reported with its line.
"""

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)
from ruamel.yaml.resolver import implicit_resolvers

from reglab.config.problems import Key, Problems
from reglab.core.errors import UserError
from reglab.core.wording import Plain, shown

DEPTH = 20
WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?|\.[0-9]+")


def read(path: str | Path, name: str = "") -> tuple[dict, Problems]:
    """The mapping in the file, None where a value could not be taken over, and the problems of the text.

    Problems call the file by this `name`, else by its own without the folder. Raises UserError where there is nothing to go
    on with: no such file, not UTF-8, not YAML, not one mapping.
    """
    problems = Problems(name or Path(path).name)
    events = parse(text_of(path), problems)
    documents = [event for event in events if isinstance(event, DocumentStartEvent)]
    for second in documents[1:2]:
        problems.in_text(second, (), "a second document (---)", "one document")
    for document in documents[:1]:
        if document.version or document.tags:
            problems.in_text(document, (), "a directive (%YAML or %TAG)", "none, YAML 1.2 as it is")
    nodes = iter(event for event in events if isinstance(event, NodeEvent | CollectionEndEvent))
    data = Reader(nodes, problems).value(next(nodes), ()) if documents else None
    if not isinstance(data, dict) and () not in problems.unreadable:
        found = "nothing: the file is empty" if data is None else shown(data)
        problems.write((), found, "a mapping of sections: data, seeds, model, ...")
    if not isinstance(data, dict) or documents[1:]:
        raise UserError(*problems.lines)
    return data, problems


def text_of(path: str | Path) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: found no such file in {Path.cwd()}; run this in the folder of the study") from None
    except OSError as error:
        raise UserError(f"{path}: found a file that can not be read ({error.strerror}); allowed: a text file") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        found = f"the byte 0x{error.object[error.start]:02x} in line {line}, which is not UTF-8"
        raise UserError(f"{Path(path).name}: found {found}; allowed: a text file saved as UTF-8") from None


class TooDeep(Exception):
    """The event of a list or a mapping within too many others."""


def parse(text: str, problems: Problems) -> tuple[Event, ...]:
    """What the YAML 1.2 parser that DVC uses sees in the text."""
    try:
        return events_of(text)
    except TooDeep as error:
        problems.in_text(error.args[0], (), "one more list or mapping within others", f"{DEPTH} within each other")
        raise UserError(*problems.lines) from None
    except (YAMLError, ValueError, OverflowError) as error:  # the last two: an escape beyond Unicode
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        where = f" in line {mark.line + 1}" if mark else ""
        problems.write((), f"what is not YAML{where} ({problem})", "YAML 1.2, `key: value`")
        raise UserError(*problems.lines) from None


@lru_cache(maxsize=2)
def events_of(text: str) -> tuple[Event, ...]:
    """The events of the text, kept for who reads the same file next: they take two thirds of the time of `params.load`."""
    events, depth = [], 0
    for event in YAML(typ="safe", pure=True).parse(text):
        events.append(event)
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > DEPTH:
            raise TooDeep(event)
    return tuple(events)


def read_ahead(root: Path) -> None:
    """Parse the params of the study in `root` before stages are forked that would parse them (runtime/warm.py)."""
    events_of(text_of(root / "params.yaml"))


class NotPlain(Exception):
    """A key or a value that its readers take for different things: what was found, what is allowed."""


class Reader:
    """Nodes to plain data; what is not plain becomes None and a problem."""

    def __init__(self, events: Iterator[Event], problems: Problems) -> None:
        self.events, self.problems = events, problems

    def value(self, event: Event, key: Key) -> Plain:
        if isinstance(event, AliasEvent):
            found, allowed = f"the alias *{event.anchor}", "the value itself, written out: DVC flattens aliases"
            self.problems.in_text(event, key, found, allowed, unreadable=True)
            return None
        if event.anchor:
            self.problems.in_text(event, key, f"the anchor &{event.anchor}", "no anchors: DVC flattens them")
        if event.tag:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            self.problems.in_text(event, key, f"the tag {tag}", "no tags", unreadable=isinstance(event, ScalarEvent))
        if isinstance(event, ScalarEvent):
            return None if event.tag else self.scalar(event, key)
        return self.mapping(key) if isinstance(event, MappingStartEvent) else self.sequence(key)

    def scalar(self, event: ScalarEvent, key: Key) -> Plain:
        try:
            return plain(event)
        except NotPlain as error:
            self.problems.in_text(event, key, *error.args, unreadable=True)
            return None

    def sequence(self, key: Key) -> list:
        items = []
        while not isinstance(event := next(self.events), CollectionEndEvent):
            items.append(self.value(event, (*key, len(items))))
        return items

    def mapping(self, key: Key) -> dict:
        result, lines = {}, {}
        while not isinstance(event := next(self.events), CollectionEndEvent):
            try:
                name = self.name(event, key)
            except NotPlain as error:
                self.problems.in_text(event, key, f"the key {error.args[0]}", "keys that are text, each written out")
                name = None
            value = self.value(next(self.events), (*key, "?" if name is None else name))
            if name in lines:
                again = f"the key a second time (first in line {lines[name]})"
                self.problems.in_text(event, (*key, name), again, "each key once")
            elif name is not None:
                result[name], lines[name] = value, event.start_mark.line + 1
        return result

    def name(self, event: Event, key: Key) -> str:
        """A key of the mapping at `key`; NotPlain where it is no text."""
        if isinstance(event, CollectionStartEvent):
            self.value(event, (*key, "?"))
        if not isinstance(event, ScalarEvent):
            raise NotPlain("that is a list, a mapping or an alias")
        if event.anchor or event.tag:
            raise NotPlain(f"{event.value}, with an anchor or a tag")
        if event.value == "<<" and not event.style:
            raise NotPlain("<<, which DVC flattens")
        name = plain(event)
        if not isinstance(name, str):
            raise NotPlain(f"{event.value or 'null'}, which is not text")
        return name


def plain(event: ScalarEvent) -> Plain:
    """What the text of a scalar stands for; NotPlain where not every reader agrees."""
    text, allowed = event.value, "a decimal number, true, false, null, or text in quotes"
    if "${" in text:
        raise NotPlain(f"{shown(text)}, which DVC does not fill in", "the value itself, written out")
    if text == "???":
        raise NotPlain(f"{shown(text)}, which OmegaConf takes for a missing value", "a value")
    if not text.isprintable():
        raise NotPlain(f"{shown(text)}, with characters that do not show", "text in one line")
    if event.style:  # in quotes
        return text
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    if NUMBER.fullmatch(text) or text.lower().lstrip("+-") in (".inf", ".nan"):
        raise NotPlain(f"{text}, which is not a finite number", "a finite number, or text in quotes")
    kinds = {tag.rpartition(":")[2] for _, tag, pattern, _ in implicit_resolvers if pattern.match(text)}
    if "timestamp" in kinds:
        raise NotPlain(f"{text}, a date, at which every DVC command stops", allowed)
    if kinds:
        raise NotPlain(f"{text}, which readers of YAML take for different values", allowed)
    return text
