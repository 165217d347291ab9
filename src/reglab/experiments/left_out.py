"""What a study leaves out of its comparisons: the entries that are not applicable, and the pairs and claims about them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from reglab.core.families import FAMILIES
from reglab.evaluation.paired_values import Key, Records
from reglab.evaluation.pairs import by_name
from reglab.experiments.applicability import Facts, reason

DECLARED = ("comparisons", "claims")
REASON = "not_applicable"  # the key of the sentence, in a record and in reports/metrics.json


def by_facts(settings, facts: Facts) -> dict[Key, str]:
    """By section and name, why entries of `settings`, the `Params`, are not applicable to the data."""
    entries = {(family, name): reason(settings, family, name, facts) for family, name in settings.expected()}
    return with_declared(settings, {key: why for key, why in entries.items() if why})


def by_records(settings, records: Records) -> dict[Key, str]:
    """The same, as the records say it."""
    entries = {
        (family, name): record[REASON]
        for family, named in records.items()
        for name, record in named.items()
        if REASON in record
    }
    return with_declared(settings, entries)


def with_declared(settings, entries: dict[Key, str]) -> dict[Key, str]:
    """The entries, and the pairs and claims that name one of them."""
    named = by_name(
        {family: {name: why for (of, name), why in entries.items() if of == family} for family, _ in entries}
    )
    reasons = dict(entries)
    for section in DECLARED:
        for name, declared in getattr(settings, section).items():
            for side in (declared.recipe, declared.versus):
                if side in named:
                    reasons.setdefault((section, name), of_part(side, named[side]))
    return reasons


def of_part(name: str, why: str) -> str:
    """The reason of a part that is named: "cutmix needs images; ..."."""
    return f"{name} {why}" if why.startswith("needs ") else why


def without(settings, keys: Iterable[Key]):
    """The `Params` without these entries."""
    left_out: dict[str, set[str]] = {}
    for section, name in keys:
        left_out.setdefault(section, set()).add(name)
    changes: dict[str, Any] = {}
    for section, names in left_out.items():
        entries = getattr(settings, section)
        if hasattr(entries, "recipes"):
            changes[section] = replace(entries, recipes=tuple(each for each in entries.recipes if each not in names))
        else:
            changes[section] = {name: entry for name, entry in entries.items() if name not in names}
    cocktails = changes.get("cocktails", settings.cocktails)
    if fewer := fewer_ingredients(cocktails, left_out.get("regularizers", ())):
        changes["cocktails"] = cocktails | fewer
    return replace(settings, **changes) if changes else settings


def fewer_ingredients(cocktails: dict[str, Any], gone: Iterable[str]) -> dict[str, Any]:
    """Those of the cocktails that have an ingredient which is gone, by name, without it."""
    gone = set(gone)
    return {
        name: replace(
            cocktail, ingredients={each: ranges for each, ranges in cocktail.ingredients.items() if each not in gone}
        )
        for name, cocktail in cocktails.items()
        if gone & set(cocktail.ingredients)
    }


def applicable(records: Records) -> Records:
    """The records of the entries that took part."""
    return {
        family: {name: record for name, record in named.items() if REASON not in record}
        for family, named in records.items()
    }


def rows(settings, left_out: dict[Key, str]) -> Iterator[tuple[Key, dict]]:
    """The row in reports/metrics.json of each: the reason, and of pairs and claims what they name and say."""
    for (section, name), why in left_out.items():
        declared = getattr(settings, section)[name] if section in DECLARED else None
        shown = {
            key: getattr(declared, key) for key in ("recipe", "versus", "says", "lecture") if hasattr(declared, key)
        }
        yield (section, name), shown | {REASON: why}


def grouped(left_out: dict[Key, str]) -> Iterator[tuple[str, list[str], str]]:
    """The section, the names and the reason that they share, in the order of the families."""
    order = [*(family.section for family in FAMILIES), *DECLARED]
    groups: dict[tuple[str, str], list[str]] = {}
    for (section, name), why in sorted(left_out.items(), key=lambda item: order.index(item[0][0])):
        groups.setdefault((section, why), []).append(name)
    for (section, why), names in groups.items():
        yield section, names, why


def notes(settings, left_out: dict[Key, str]) -> Iterator[str]:
    """A line for each section and reason, and for each cocktail that is searched over fewer ingredients."""
    for section, names, why in grouped(left_out):
        yield f"params.yaml: {section}: not applicable: {', '.join(names)}: {why}"
    for name, absent in absent_ingredients(settings, left_out).items():
        yield f"params.yaml: cocktails.{name}: searched without {', '.join(absent)}: not applicable, as above"


def absent_ingredients(settings, left_out: dict[Key, str]) -> dict[str, list[str]]:
    """By name of the cocktails that are searched, the ingredients that are not applicable, where there are any."""
    return {
        name: absent
        for name, cocktail in settings.cocktails.items()
        if ("cocktails", name) not in left_out
        and (absent := [each for each in cocktail.ingredients if ("regularizers", each) in left_out])
    }
