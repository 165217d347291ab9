"""Why an entry is not applicable to the data or the network of a study: it trains nothing, and its record says so.

What a technique, a pretext or a method needs stands in its class, as `needs`, and what all of a family need in its row:

    images            the examples are images (channels, height, width)
    classes           the targets are classes, one an example
    amounts           the targets are real numbers
    discrete          the targets are classes, or labels of which an example may have several
    one_target        an example has one class or one amount
    label_noise       the study trains on wrong labels, data.label_noise
    residual_blocks   the network has a `ResidualBlock`
    unit_range        inputs in [0, 1] are still there; `config.stacks` checks this, which no data can lack
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from reglab.core.plain import entry_name
from reglab.core.registry import family_needs  # core.families would be code of every stage
from reglab.core.task_names import TaskName
from reglab.data import prepared
from reglab.data.inputs import Inputs, shape_of
from reglab.data.preprocessing.ready import ReadyInputs
from reglab.data.target_kind import task_of
from reglab.tracking.stage import StageBuilder

MEMORY = 8 * 10**9  # bytes that a classical method may take for copies of examples which stay in their file
FEW_LABELS = ("pretraining", "transfer", "semi_supervised")  # the sections whose network is few_labels.model


class Facts(NamedTuple):
    """What is known of the data: the shape of a prepared example, and the kind of its targets.

    `in_file`: how many numbers the training part has, where it stays in its file because all examples may be more than the
    memory holds; else 0.
    """

    shape: tuple[int, ...]
    task: TaskName = "classification"
    in_file: int = 0

    @property
    def targets(self) -> str:
        """What the targets are, in words."""
        return {"classification": "classes", "regression": "amounts", "multilabel": "sets of labels"}[self.task]


def not_applicable(needs: tuple[str, ...], facts: Facts, model: Any) -> str:
    """The first of the needs that data and network do not meet, and what there is instead; "" where all are met."""
    if "images" in needs and len(facts.shape) != 3:
        return f"needs images; examples are {described(facts.shape)}"
    if "classes" in needs and facts.task != "classification":
        return f"needs classes; the targets are {facts.targets}"
    if "amounts" in needs and facts.task != "regression":
        return f"needs amounts; the targets are {facts.targets}"
    if "discrete" in needs and facts.task == "regression":
        return f"needs classes or labels; the targets are {facts.targets}"
    if "one_target" in needs and facts.task == "multilabel":
        return f"needs one target an example; the targets are {facts.targets}"
    if "residual_blocks" in needs and not has_residual_blocks(model):
        return f"needs residual blocks; the network {entry_name(model)} has none"
    return ""


def too_large(part: Any, facts: Facts) -> str:
    """Why a classical method does not take a training part that stays in its file: it copies more than MEMORY; else ""."""
    needed = getattr(part, "copied", 0) * facts.in_file
    if needed <= MEMORY:
        return ""
    return f"needs {needed / 1e9:.0f} GB for copies of the training examples; allowed are {MEMORY / 1e9:.0f} GB"


def described(shape: tuple[int, ...]) -> str:
    return f"rows of {shape[0]} numbers" if len(shape) == 1 else f"{' x '.join(map(str, shape))} numbers"


def has_residual_blocks(model: Any) -> bool:
    """Whether a network with these settings has a `ResidualBlock`: its class says so, or its setting `residual`.

    With that setting shortcuts begin at the second layer.
    """
    if "residual_blocks" in getattr(model, "provides", ()):
        return True
    return bool(getattr(model, "residual", False)) and model.depth > 1


def parts_of(settings, section: str, name: str) -> dict[str, Any]:
    """By name the techniques, the pretext or the method that an entry trains with; `settings` are the `Params`."""
    entries = getattr(settings, section)
    if section in ("regularizers", "combinations") or hasattr(entries, "recipes"):
        return {entry_name(technique): technique for technique in settings.recipe(name)[1]}
    if section in ("tuned", "sweeps"):
        return {name: settings.regularizers[name]}
    if section == "cocktails":
        return {each: settings.regularizers[each] for each in entries[name].ingredients}
    if section == "transfer":
        return {entries[name].start: settings.pretraining[entries[name].start], name: entries[name]}
    return {name: entries[name]}


def needs_of(part: Any) -> tuple[str, ...]:
    return getattr(part, "needs", ())


def needs_of_family(section: str, name: str) -> tuple[str, ...]:
    """What all entries of a section need; an attack needs what the entries of the section need that it is named after."""
    return family_needs(section) + (family_needs(name) if section == "attacks" else ())


def has_own_network(settings, section: str) -> bool:
    """Whether the section names a network that takes the place of the study's."""
    return hasattr(getattr(settings, section), "model")


def inapplicable_ingredients(settings, name: str, facts: Facts) -> dict[str, str]:
    """By name the ingredients of a cocktail that data and network do not suit, and why."""
    reasons = {
        ingredient: not_applicable(needs_of(technique), facts, settings.model)
        for ingredient, technique in parts_of(settings, "cocktails", name).items()
    }
    return {ingredient: why for ingredient, why in reasons.items() if why}


def reason(settings, section: str, name: str, facts: Facts) -> str:
    """Why an entry is not applicable, with the name of the part where it is not the entry's own; "" where it is.

    A cocktail is searched over the ingredients that are applicable, unless fewer than two are left of more.
    """
    model = settings.few_labels.model if section in FEW_LABELS else settings.model_of(section)
    if "label_noise" in needs_of_family(section, name) and not settings.data.label_noise:
        return "needs label noise; data.label_noise is 0, so that `tuned` is on right labels"
    if has_own_network(settings, section):
        if model == settings.model and not settings.data.label_noise:
            return (
                f"needs another network; data.label_noise is 0, so that `tuned` has {entry_name(model)} on right labels"
            )
        if why := not_applicable(needs_of(model), facts, model):
            return f"{entry_name(model)} {why}"
    if why := not_applicable(needs_of_family(section, name), facts, model):
        return why
    parts = parts_of(settings, section, name)
    if section == "cocktails" and len(parts) - len(inapplicable_ingredients(settings, name, facts)) > 1:
        return ""
    for part_name, part in parts.items():
        if why := not_applicable(needs_of(part), facts, model) or too_large(part, facts):
            return why if part_name == name else f"{part_name} {why}"
        rule = getattr(part, "combine", "")  # of an ensemble; boosting adds amounts whatever its rule
        if facts.task != "classification" and rule in ("geometric", "vote") and not part.sequential:
            return f"combines by {rule}, which needs classes; the targets are {facts.targets}"
    return ""


def reason_of_stage(settings, section: str, name: str, folder: Path) -> str:
    """The `reason` by the prepared data in `folder`, which is read only where the entry needs something."""
    parts = parts_of(settings, section, name).values()
    read = needs_of_family(section, name) or section == "ensembles" or has_own_network(settings, section)
    if not read and not any(needs_of(part) or getattr(part, "copied", 0) for part in parts):
        return ""
    return reason(settings, section, name, facts_of(folder))


def facts_of(folder: Path) -> Facts:
    """What is known of the prepared data in `folder`."""
    return described_facts(prepared.describe(folder))


def described_facts(description: dict) -> Facts:
    """What the description of prepared data says."""
    shape, encoding = tuple(description["shape"]), description.get("encoding", {"kind": "ready"})
    in_file = prepared.stays_in_file(prepared.kind_of(encoding), description.get("examples", 0), shape)
    numbers = description["sizes"]["labelled"] * math.prod(shape) if in_file else 0
    return Facts(shape, description.get("task", "classification"), numbers)


def facts_of_examples(inputs: Inputs | np.ndarray, targets: np.ndarray, train_size: int) -> Facts:
    """What is known of examples of which so many are to be the training part."""
    shape, kind = tuple(shape_of(inputs)), ReadyInputs if isinstance(inputs, np.ndarray) else inputs
    in_file = prepared.stays_in_file(kind, len(inputs), shape)
    return Facts(shape, task_of(targets), train_size * math.prod(shape) if in_file else 0)


def run(settings, stage: StageBuilder, run_entry: Callable, folder: Path) -> str:
    """Run an entry by the `run_entry` of its family, or publish that it is not applicable to the data in `folder`, and why.

    Returns the reason, "" where the entry was run.
    """
    why = reason_of_stage(settings, stage.family, stage.name, folder)
    if why:
        publish(settings, stage, folder, why)
    else:
        run_entry(settings, stage)
    return why


def publish(settings, stage: StageBuilder, folder: Path, why: str) -> None:
    """Publish the record of an entry that is not applicable to the data in `folder`."""
    section, name = stage.family, stage.name
    techniques = {name: settings.transfer[name]} if section == "transfer" else parts_of(settings, section, name)
    built = stage.build(prepared.read(folder), techniques, seeds=[])
    with built.journal() as entry:
        built.publish(entry, {"seeds": {}, "not_applicable": why})
