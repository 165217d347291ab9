"""Checks lists of techniques: which of them may stand together, and in which order."""

from typing import Any

from reglab.config.problems import Key, Problems
from reglab.core.plain import entry_name
from reglab.core.wording import shown


def check_stacks(values: dict, problems: Problems) -> None:
    """Combinations, cocktails and what few labels share: inputs stay in [0, 1] where an attack needs them there."""
    for name, techniques in (values.get("combinations") or {}).items():
        places = [("combinations", name, number, entry_name(each)) for number, each in enumerate(techniques)]
        stack = list(zip(places, techniques, strict=True))
        check_range(stack, problems)
        check_predictions(stack, problems)
    recipes = values.get("regularizers") or {}
    for name, cocktail in (values.get("cocktails") or {}).items():
        if cocktail:
            places = {each: ("cocktails", name, "ingredients", each) for each in cocktail.ingredients}
            check_range([(place, recipes[each]) for each, place in places.items() if recipes.get(each)], problems)
    if few := values.get("few_labels"):
        places = [
            ("few_labels", "regularizers", number, entry_name(each)) for number, each in enumerate(few.regularizers)
        ]
        stack = list(zip(places, few.regularizers, strict=True))
        check_range(stack, problems)
        check_few_labels(stack, values, problems)


def check_range(stack: list[tuple[Key, Any]], problems: Problems) -> None:
    """A technique that attacks, or `needs` inputs in [0, 1] for another reason, comes before one that leaves that range.

    A penalty sees the batch after all of them, so beside it there is no right order.
    """
    for number, (place, technique) in enumerate(stack):
        if technique is None or "unit_range" not in technique.needs or is_off(technique):
            continue
        last = overrides(technique, "penalty")
        others = stack if last else stack[:number]
        leaving = [entry_name(other) for _, other in others if other and other.leaves_unit_range and not is_off(other)]
        if leaving:
            name, where = entry_name(technique), "beside it" if last else "before it"
            allowed = f"{name} without {leaving[0]}" if last else f"{name} before {leaving[0]} in the list"
            found = f"{leaving[0]} {where}, which moves inputs beyond [0, 1], where {name} needs them"
            problems.add(place, found, allowed)


def check_predictions(stack: list[tuple[Key, Any]], problems: Problems) -> None:
    """An average over masks asks for the layers of the network, so it comes before what changes the evaluated scores."""
    for number, (place, technique) in enumerate(stack):
        if technique is None or getattr(technique, "prediction", "weight_scaling") == "weight_scaling":
            continue
        if fitted := [entry_name(other) for _, other in stack[:number] if other and overrides(other, "after_training")]:
            found = f"{shown(technique.prediction)} behind {fitted[0]}, which changes the scores of the whole network"
            allowed = f"{entry_name(technique)} before {fitted[0]} in the list"
            problems.add((*place, "prediction"), found, allowed)


def check_few_labels(stack: list[tuple[Key, Any]], values: dict, problems: Problems) -> None:
    """What all few-label trainings share must leave one network, after as many epochs as all the others."""
    policy = (values.get("augmentation") or {}).get("study")
    for place, technique in stack:
        if technique is None:
            continue
        if getattr(technique, "prediction", "weight_scaling") != "weight_scaling":
            allowed = "weight_scaling, for the weights of one network are kept"
            problems.add((*place, "prediction"), shown(technique.prediction), allowed)
        if overrides(technique, "callbacks"):
            problems.add(place, "a technique that acts between epochs, which has no effect here", "the list without it")
        if policy and policy.noise and "unit_range" in technique.needs and not is_off(technique):
            found = f"augmentation.study.noise: {policy.noise:g} before it, which moves inputs beyond [0, 1]"
            problems.add(
                place, found, f"{entry_name(technique)} without noise in the augmentation, or the list without it"
            )


def is_off(technique: Any) -> bool:
    """Whether its settings are those that make it `none`."""
    return technique.off is not None and all(getattr(technique, key) == value for key, value in technique.off.items())


def overrides(technique: Any, hook: str) -> bool:
    """Whether the class has the hook itself or from another class than the base of all techniques."""
    home = next(kind for kind in type(technique).__mro__ if hook in vars(kind))
    return home.__module__ != "reglab.training.regularizer"
