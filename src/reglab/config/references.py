"""Which entries of params.yaml name which others; what stays of a study when some of its entries are taken out."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from reglab.config.problems import Key
from reglab.core.families import BY_SECTION, FAMILIES
from reglab.core.outlines import outlines
from reglab.core.registry import find
from reglab.core.registry import names as entries_of
from reglab.core.wording import Plain
from reglab.evaluation.metric_names import TRAINED

SIDES = ("recipe", "versus")  # of a pair or a claim


class Reference(NamedTuple):
    """`place` says `name`, an entry of one of the `sections`."""

    place: Key
    name: str
    sections: tuple[str, ...]

    def holder(self) -> Key:
        """What has no meaning without the entry: a whole entry, an ingredient, or an item of a list."""
        return self.place[:-1] if self.place[-1] in ("start", *SIDES) else self.place


def mapping(given: Plain, *keys: str) -> dict:
    """The mapping at these keys, empty where there is none."""
    for key in keys:
        given = given.get(key) if isinstance(given, dict) else None
    return given if isinstance(given, dict) else {}


def references(given: dict) -> Iterator[Reference]:
    """Every place of plain params that names an entry; places that hold something else than a name are left out."""
    places: list[tuple[Key, Any, tuple[str, ...]]] = []
    for name in mapping(given, "transfer"):
        places.append((("transfer", name, "start"), mapping(given, "transfer", name).get("start"), ("pretraining",)))
    for section in ("tuned", "sweeps"):
        for name in mapping(given, section):
            places.append(((section, name), name, ("regularizers",)))
    for name in mapping(given, "cocktails"):
        for each in mapping(given, "cocktails", name, "ingredients"):
            places.append((("cocktails", name, "ingredients", each), each, ("regularizers",)))
    for family in FAMILIES:
        recipes = mapping(given, family.section).get("recipes") if family.recipes_of else None
        for number, name in enumerate(recipes if isinstance(recipes, list) else ()):
            places.append(((family.section, "recipes", number), name, family.recipes_of))
    for section in ("comparisons", "claims"):
        for name, declared in mapping(given, section).items():
            for side in SIDES if "over" not in mapping(declared) else ():  # a claim over the suite is about its recipes
                places.append(((section, name, side), mapping(declared).get(side), TRAINED))
    return (Reference(place, name, sections) for place, name, sections in places if isinstance(name, str))


def missing(given: dict) -> dict[str, list[Reference]]:
    """By name, the references to what is not there; none to sections that are absent or no mapping themselves."""
    unknown: dict[str, list[Reference]] = {}
    for reference in references(given):
        if not all(isinstance(given.get(section), dict) for section in reference.sections):
            continue
        if not any(reference.name in given[section] for section in reference.sections):
            unknown.setdefault(reference.name, []).append(reference)
    return unknown


def dangling_references(given: dict) -> list[Reference]:
    """All references to what is not there."""
    return [reference for places in missing(given).values() for reference in places]


def pruned(given: dict, whole: dict) -> dict:
    """The params without what refers to entries that only `whole` has, and without what is then left with nothing to do.

    References to what `whole` does not have either stay where they are, to be reported.
    """
    unknown = {(each.name, each.sections) for each in dangling_references(whole)}
    while gone := [each for each in dangling_references(given) if (each.name, each.sections) not in unknown]:
        for key in {each.holder() for each in gone}:
            given = without(given, key)
    given = without_short_cocktails(given, whole)
    given = with_shorter_lists(given, whole)
    for family in mapping(given, "attacks"):
        of_all_classes = [entry for entry in mapping(given, family).values() if not mapping(entry).get("classes")]
        if mapping(whole, family) and not of_all_classes:
            given = without(given, ("attacks", family))
    sources = {mapping(entry).get("source", "study") for entry in mapping(given, "pretraining").values()}
    shown = {"study": ("pretraining", "transfer", "semi_supervised"), "scenes": ("multitask",)}
    for folder in mapping(given, "augmentation"):
        if folder in shown and not any(given.get(section) for section in shown[folder]) and folder not in sources:
            given = without(given, ("augmentation", folder))
    return given


def without_short_cocktails(given: dict, whole: dict) -> dict:
    """The params without the cocktails that have lost ingredients and have fewer than two left, all of them known."""
    for name in mapping(given, "cocktails"):
        left, former = (mapping(each, "cocktails", name, "ingredients") for each in (given, whole))
        if len(left) < min(2, len(former)) and set(left) <= set(mapping(given, "regularizers")):
            given = without(given, ("cocktails", name))
    return given


def with_shorter_lists(given: dict, whole: dict) -> dict:
    """The params with lists of recipes that are without their gaps, and empty where `none` alone is left of several."""
    for section in (family.section for family in FAMILIES if family.recipes_of):
        recipes, former = (mapping(each, section).get("recipes") for each in (given, whole))
        if isinstance(recipes, list) and recipes != former and None not in former:
            kept = [name for name in recipes if name is not None]
            lone = BY_SECTION[section].lists_none and kept == ["none"]  # with nothing to compare it with
            given = given | {section: given[section] | {"recipes": [] if lone else kept}}
    if set(mapping(given, "tuned")) == {"none"} != set(mapping(whole, "tuned")):  # with nothing to compare it with
        given = given | {"tuned": {}}
    return given


def without(given: Any, key: Key) -> Any:
    """A copy without what is at the key; of a list the item becomes None, so that the others keep their numbers."""
    first, *rest = key
    if isinstance(given, list):
        return [None if number == first else item for number, item in enumerate(given)]
    if not rest:
        return {name: value for name, value in given.items() if name != first}
    return given | {first: without(given[first], tuple(rest))}


def only(given: dict, names: set[str]) -> dict:
    """The params with those entries of the sections that train which are named, with `none`, the classical baselines, and
    what the named ones start from or are compared with; and with what refers to these alone.
    """
    whole, names = given, names | {"none"}
    transfer = mapping(given, "transfer")
    if names & {*transfer, *mapping(given, "semi_supervised")}:
        class_lists = [None, *(mapping(transfer.get(name)).get("classes") for name in names)]
        names |= {name for name, entry in transfer.items() if is_reference(mapping(entry), class_lists)}
    names |= {mapping(transfer[name]).get("start") for name in names & set(transfer)}
    if names & set(mapping(given, "pretraining")):
        names |= {"scratch"}
    if names & set(mapping(given, "multitask")):
        names |= {"segmentation_only", "depth_only"}
    with outlines():
        names |= {find("regularizers", name).topic for name in names & set(entries_of("regularizers"))}
    for section in (*TRAINED, "theory"):
        if section != "baselines":
            given = given | {section: {name: entry for name, entry in mapping(given, section).items() if name in names}}
    return pruned(given, whole)


def is_reference(transfer: dict, class_lists: list) -> bool:
    """Whether other transfers are compared with this one: from scratch, all tuned, augmented, on the same classes."""
    defaults = {"backbone": "tuned", "augment": True, "label_propagation": None}
    rest = {key: value for key, value in transfer.items() if key != "classes" and defaults.get(key) != value}
    return rest == {"start": "scratch"} and transfer.get("classes") in class_lists
