"""Says of lines about merged settings where each setting is written: in the profile, or in params.yaml."""

import re
from collections.abc import Iterable, Sequence

from reglab.config.references import mapping
from reglab.core.wording import Plain

BEGIN = "params.yaml: "
NAMED_AT = re.compile(r"but these name it: (.*?)(?:, \.\.\.|; allowed: )")  # as `check_references` has it
RECIPE = re.compile(r"\b(\w+)\.recipes\[(\d+)\]")


def placed(lines: Iterable[str], given: dict, profile: dict, there: str) -> list[str]:
    """The lines about the plain params `given` with the profile merged in; those about the profile begin with `there`."""
    return [place_of(line, given, profile, there) for line in lines]


def place_of(line: str, given: dict, profile: dict, there: str) -> str:
    """The line about a setting; that about a missing entry is of the profile if the profile names the entry."""
    if not line.startswith(BEGIN):
        return line
    rest = line.removeprefix(BEGIN)
    named_at = NAMED_AT.search(line)
    keys = [rest.split(": ")[0], *(re.sub(r" \(.*", "", named_at[1]).split(", ") if named_at else ())]
    return there + rest if any(is_of_profile(key, profile, given) for key in keys) else line


def is_of_profile(key: str, profile: dict, given: dict) -> bool:
    """Whether the profile has the setting of a dotted key, or has its section and params.yaml does not have the setting."""
    section, *_ = steps = re.findall(r"[^.\[\]]+", key)
    if section not in profile:
        return False
    other_source = section == "data" and "name" in mapping(profile, "data")
    return other_source or has(profile, steps) or not has(given, steps) or replaces(profile, given, steps)


def has(settings: Plain, steps: Sequence[str]) -> bool:
    """Whether there is a value at the end of these steps; a list or a single value is whole."""
    for step in steps:
        if not isinstance(settings, dict):
            return True
        if step not in settings:
            return False
        settings = settings[step]
    return True


def replaces(profile: Plain, given: Plain, steps: Sequence[str]) -> bool:
    """Whether the profile has a mapping on the way where params.yaml has a list or a single value, such as `seeds`."""
    for step in steps:
        if not isinstance(profile, dict) or not isinstance(given, dict):
            break
        profile, given = profile.get(step), given.get(step)
    return isinstance(profile, dict) and not isinstance(given, dict)


def renumbered(line: str, given: dict, profile: dict, merged: dict) -> str:
    """The line with the numbers that recipes have in their file: the merged list is without those that are taken out."""

    def number(match: re.Match) -> str:
        section, place = match[1], int(match[2])
        written = mapping(profile, section).get("recipes", mapping(given, section).get("recipes"))
        left = mapping(merged, section).get("recipes")
        if not isinstance(written, list) or not isinstance(left, list):
            return match[0]
        places, number = [], 0
        for recipe in left:  # in the order in which they are written
            number = next((at for at in range(number, len(written)) if written[at] == recipe), number)
            places.append(number)
            number += 1
        return f"{section}.recipes[{places[place] if place < len(places) else place}]"

    return RECIPE.sub(number, line)
