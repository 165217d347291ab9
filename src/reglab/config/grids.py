"""Settings of regularizers that are varied: ranges for tuned recipes and cocktails, grids for sweeps."""

import contextlib
import math
from typing import Any

from reglab.config.entries import entry_of
from reglab.config.problems import Key, Problems, checked, hints, is_named
from reglab.config.references import mapping
from reglab.core.errors import UserError
from reglab.core.registry import find, names
from reglab.core.wording import Plain, nearest, one_of, shown
from reglab.experiments.tuning.ranges import is_range
from reglab.experiments.tuning.settings import Cocktail, Ranges, points

MOST = 1_000  # settings of a grid, each of which is trained


def tuned_of(name: str, given: Plain, recipes: dict, key: Key, problems: Problems) -> Ranges | None:
    """Ranges {setting: (lowest, highest)}, or choices {setting: (words)}, over the entry `name` of `regularizers`."""
    given = {} if given is None else given
    if not is_named(key, name, list(recipes), problems):
        return None
    if not isinstance(given, dict):
        problems.add(key, shown(given), "settings with their ranges, such as {strength: [0.001, 0.1]}, or {}")
        return None
    check_known(name, given, key, problems)
    for setting, values in given.items():
        if not isinstance(values, list) or len(dict.fromkeys(map(repr, values))) < 2:
            allowed = "two numbers, the lower first, or words of which one is chosen"
            problems.add((*key, setting), shown(values), allowed)
        elif any(type(value) in (int, float) for value in values) and not (is_range(values) and values[0] < values[1]):
            problems.add((*key, setting), shown(values), "two numbers, the lower first")
    if any((*key, setting) in problems.reported for setting in given):
        return None
    longest = max(map(len, given.values()), default=1)
    tried = [
        at(
            name,
            {setting: values[min(place, len(values) - 1)] for setting, values in given.items()},
            recipes,
            key,
            problems,
        )
        for place in range(longest)
    ]
    if None in tried:
        return None
    if name == "early_stopping":
        found = "a technique that chooses the epoch, which every tuned recipe does anyway"
        problems.add(key, found, f"no tuned.{name}, for it would be tuned.none")
        return None
    return {setting: tuple(dict.fromkeys(getattr(technique, setting) for technique in tried)) for setting in given}


def sweep_of(name: str, given: Plain, recipes: dict, key: Key, problems: Problems) -> dict[str, tuple] | None:
    """A grid {setting: (values)} over the entry `name` of `regularizers`."""
    if not is_named(key, name, list(recipes), problems):
        return None
    if not check_known(name, given, key, problems):
        return None
    if (
        not isinstance(given, dict)
        or not given
        or not all(isinstance(values, list) and values for values in given.values())
    ):
        problems.add(key, shown(given), "settings with the values to try, such as {strength: [0.1, 1.0]}")
        return None
    if (count := math.prod(map(len, given.values()))) > MOST:
        problems.add(key, f"{count:,} settings to try", f"at most {MOST:,}, so shorter lists")
        return None
    tried = [at(name, point, recipes, key, problems) for point in points(given)]
    if None in tried:
        return None
    return {setting: tuple(dict.fromkeys(getattr(point, setting) for point in tried)) for setting in given}


def cocktail_of(name: str, given: Plain, recipes: dict, key: Key, problems: Problems) -> Cocktail | None:
    """A search, its ingredients and ranges checked against `regularizers`."""
    for ingredient, ranges in mapping(given, "ingredients").items():
        check_known(ingredient, ranges, (*key, "ingredients", ingredient), problems)
    cocktail = checked(Cocktail, given, key, problems)
    if cocktail and not cocktail.ingredients:
        problems.add((*key, "ingredients"), "{}", "entries of regularizers with the settings that vary")
    for ingredient, ranges in cocktail.ingredients.items() if cocktail else ():
        place = (*key, "ingredients", ingredient)
        if not is_named(place, ingredient, list(recipes), problems):
            continue
        for setting, (low, high) in ranges.items():
            if not low < high:
                problems.add((*place, setting), shown([low, high]), "two numbers, the lower first")
        for end in (0, 1):  # a range is right when both of its ends are
            ends = {setting: both[end] for setting, both in given["ingredients"][ingredient].items()}
            at(ingredient, ends, recipes, place, problems)
    return cocktail


def check_known(name: str, given: Plain, key: Key, problems: Problems) -> bool:
    """Whether the technique has all settings that vary; a line for each that it does not have, whatever its value is."""
    if not isinstance(given, dict) or name not in names("regularizers"):
        return True  # what is reported elsewhere
    with contextlib.suppress(UserError):  # of the technique's file, which its entry reports
        known = hints(find("regularizers", name))
        for setting in (unknown := [each for each in given if each not in known]):
            allowed = one_of(known) + nearest(setting, known) if known else "no settings: {}"
            problems.add((*key, setting), "an unknown setting", allowed)
        return not unknown
    return True


def at(name: str, point: dict, recipes: dict, key: Key, problems: Problems) -> Any:
    """The entry `name` with some other settings; a line for what is wrong with these, not with the rest of the entry."""
    if name not in names("regularizers"):
        return None
    entry = recipes[name] if isinstance(recipes[name], dict) else {}
    technique = entry_of("regularizers", name, entry | point, key, scratch := Problems(problems.file))
    for line, place in zip(scratch.lines, scratch.reported, strict=True):
        if place[len(key) :][:1] and place[len(key)] in point and place not in problems.reported:
            problems.lines.append(line)
            problems.reported[place] = None
    return technique
