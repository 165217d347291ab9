"""Checks of how pretexts are tuned: `pretext_tuning`, and the `search` of each entry of `pretraining`."""

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import product
from typing import Any

from reglab.config.entries import entry_of
from reglab.config.problems import Key, Problems, is_named
from reglab.core.wording import Plain, shown
from reglab.experiments.tuning.ranges import is_range

# The learning rate is tuned of all of them, over pretext_tuning.learning_rate.
NOT_SEARCHED = ("source", "search", "learning_rate")


def check_pretext_searches(given: dict, values: dict, problems: Problems) -> None:
    """Every range is one of a setting that the pretext has, and both of its ends are allowed there."""
    seeds, tuning = values.get("seeds"), values.get("pretext_tuning")
    if seeds and tuning and tuning.seeds > seeds:
        problems.add(("pretext_tuning", "seeds"), shown(tuning.seeds), f"at most {seeds}, the seeds that are trained")
    if tuning and not tuning.learning_rate[0] < tuning.learning_rate[1]:
        key = ("pretext_tuning", "learning_rate")
        problems.add(key, shown(list(tuning.learning_rate)), "two numbers, the lower first")
    for name, pretext in (values.get("pretraining") or {}).items():
        if pretext is None or pretext.search is None:
            continue
        key: Key = ("pretraining", name, "search")
        if not pretext.epochs:
            problems.add(key, shown(given["pretraining"][name]["search"]), "no search, for this pretext learns nothing")
        for setting, ends in pretext.search.items():
            known = [each.name for each in fields(pretext) if each.name not in NOT_SEARCHED]
            if is_named((*key, setting), setting, known, problems):
                check_range(name, setting, ends, given["pretraining"][name], problems)


def check_range(name: str, setting: str, ends: tuple, given: Plain, problems: Problems) -> None:
    """A line where these are no range and no choices, or where one of them is no value of the setting."""
    key = ("pretraining", name, "search", setting)
    if len(dict.fromkeys(map(repr, ends))) < 2:
        problems.add(key, shown(list(ends)), "two numbers, the lower first, or words of which one is chosen")
    elif any(type(end) in (int, float) for end in ends) and not (is_range(ends) and ends[0] < ends[1]):
        problems.add(key, shown(list(ends)), "two numbers, the lower first")
    for end in ends:
        place = ("pretraining", name)
        entry_of("pretraining", name, given | {setting: end, "search": None}, place, scratch := Problems(problems.file))
        for line, wrong in zip(scratch.lines, scratch.reported, strict=True):
            if wrong == (*place, setting):
                problems.add(key, shown(end), line.partition("; allowed: ")[2])


def extremes(pretext: Any) -> Iterator[Any]:
    """The pretext, and those at the ends of the ranges over which it is tuned."""
    yield pretext
    ranges = {setting: (ends[0], ends[-1]) for setting, ends in (pretext.search or {}).items()}
    for values in product(*ranges.values()) if ranges else ():
        yield replace(pretext, **dict(zip(ranges, values, strict=True)))
