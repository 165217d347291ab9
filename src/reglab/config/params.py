"""The only reader of params.yaml: typed, frozen, and all its problems at once, before any work.

A section is a field of `Params`. Where its entries are found by name, one class a file, `entries.BASES` says where they
lie: one section more is a line there and a line here.
"""

import re
from dataclasses import MISSING, dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le

from reglab.config.cross_checks import check_across, check_references
from reglab.config.entries import describe, entry_of, find_own, in_checkout
from reglab.config.grids import cocktail_of, sweep_of
from reglab.config.problems import Key, Problems, checked, hints, is_named, words
from reglab.config.renamed import renamed
from reglab.config.yaml_source import read
from reglab.core import outlines
from reglab.core.errors import UserError
from reglab.core.plain import entry_name, settings
from reglab.core.registry import BASES, find, names, sources
from reglab.core.wording import Plain, nearest, shown, unknown
from reglab.data.settings import Data, Scenes, Text
from reglab.evaluation.settings import Claim, Evaluation, Pair
from reglab.experiments.few_labels.settings import FewLabels, Transfer
from reglab.experiments.multitask.settings import FewScenes
from reglab.experiments.regimes.settings import Regimes
from reglab.experiments.robustness.settings import Attack
from reglab.experiments.tuning.settings import Cocktail, Tuning
from reglab.experiments.variance_sources.settings import VarianceSources
from reglab.tracking.settings import Tracking
from reglab.training.settings import Training

ATTACKED = ["regularizers", "combinations", "ensembles", "transfer"]
AUGMENTED = ["study", "scenes"]  # folders under data/ that hold images
FREE = {"transfer": Transfer, "comparisons": Pair, "claims": Claim}  # sections whose entries the user names
GRIDS = {"sweeps": sweep_of, "cocktails": cocktail_of}  # whose entries vary settings of regularizers
LISTS = ("regimes", "variance_sources")  # which have a record for each of their `recipes`
NOT_RECORDED = ("metrics", "comparisons", "claims", "report_sections", "profiles")
__all__ = ["BASES", "Params", "describe", "entry_name", "find", "load", "names", "settings", "sources"]


@dataclass(frozen=True, kw_only=True)
class Params:
    """params.yaml, its sections in the order of the file; entries by name, completed with their defaults."""

    data: Data
    seeds: Annotated[int, Ge(2), Le(1_000)]
    model: Any
    training: Training
    baselines: dict[str, Any]
    regularizers: dict[str, Any]
    combinations: dict[str, tuple]
    ensembles: dict[str, Any]
    scenes: Scenes
    text: Text
    augmentation: dict[str, Any]
    few_labels: FewLabels
    few_scenes: FewScenes
    pretraining: dict[str, Any]
    transfer: dict[str, Transfer]
    semi_supervised: dict[str, Any]
    multitask: dict[str, Any]
    theory: dict[str, Any]
    attacks: dict[str, Attack]
    tuning: Tuning
    sweeps: dict[str, dict[str, tuple]]
    cocktails: dict[str, Cocktail]
    regimes: Regimes
    variance_sources: VarianceSources
    evaluation: Evaluation
    metrics: dict[str, Any] = field(default_factory=dict)
    comparisons: dict[str, Pair]
    claims: dict[str, Claim]
    report_sections: dict[str, Any] = field(default_factory=dict)
    profiles: dict[str, dict]
    tracking: Tracking
    processes: Annotated[int, Ge(1), Le(1_024)] | None = None

    def recipe(self, name: str) -> tuple[str, tuple]:
        """The family and the techniques, in order of application, of an entry of `regularizers` or `combinations`."""
        if name in self.regularizers:
            return "regularizers", (self.regularizers[name],)
        if name in self.combinations:
            return "combinations", self.combinations[name]
        raise unknown("params.yaml: a recipe", name, [*self.regularizers, *self.combinations])

    def entry(self, family: str, name: str) -> Any:
        """An entry of the section `family`."""
        entries = getattr(self, family)
        if name not in entries:
            raise unknown(f"params.yaml: {family}", name, list(entries))
        return entries[name]

    def shared(self) -> dict[str, dict]:
        """The settings that every recipe trains with, as plain values."""
        return {section: settings(getattr(self, section)) for section in ("data", "model", "training")}

    def expected(self) -> list[tuple[str, str]]:
        """(family, name) of every record that the report reads, in the order of params.yaml."""
        recorded = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in NOT_RECORDED}
        recorded |= {family: dict.fromkeys(recorded[family].recipes) for family in LISTS}
        return [(family, name) for family, own in recorded.items() if isinstance(own, dict) for name in own]


def load(path: str | Path = "params.yaml") -> Params:
    """The file as `Params`; UserError with a line for each fault: key, what was found, what is allowed."""
    given, problems = read(path)
    kinds, values = hints(Params), {}
    given = renamed(known_sections(given, list(kinds), problems), problems)
    check_references(given, problems)
    for section in fields(Params):
        name = section.name
        if name in GRIDS and name in given:
            values[name] = varied(name, given, problems)
        elif name in given:
            values[name] = section_of(name, kinds[name], given[name], problems)
        elif section.default is section.default_factory is MISSING:
            problems.add((name,), "no such section", words(kinds[name]))
    profiles = given.get("profiles")
    for name, profile in profiles.items() if isinstance(profiles, dict) else ():
        name_of("profiles", name, problems)
        if name == "only":
            problems.add(("profiles", name), "the name of the folder that `--only` takes", "another name")
        for section in profile if isinstance(profile, dict) else ():
            is_named(("profiles", name, section), section, list(kinds), problems)
    check_across(given, values, problems)
    if problems.lines:
        raise UserError(*problems.lines)
    return Params(**values)


def load_tracking(path: str | Path) -> Tracking:
    """The section `tracking` alone, whatever the others say; UserError where it has a fault."""
    given, problems = read(path)
    tracking = section_of("tracking", Tracking, given.get("tracking"), problems)
    if tracking is None:
        raise UserError(*problems.lines)
    return tracking


def known_sections(given: dict, known: list[str], problems: Problems) -> dict:
    """The sections under their names: one that is spelled wrong is told once and then read as what it was meant for."""
    found = {}
    for name, section in given.items():
        close = get_close_matches(name, [each for each in known if each not in given], n=1)
        if name not in known:
            problems.add((name,), "an unknown section", ", ".join(known) + nearest(name, close or known))
        found |= {name: section} if name in known else {close[0]: section} if close else {}
    return found


def section_of(name: str, kind: Any, given: Plain, problems: Problems) -> Any:
    """What `Params` holds of a section, None or parts of it None where there are problems."""
    if name in BASES or name == "combinations":
        if not isinstance(given, dict):
            problems.add((name,), shown(given), words(kind))
            return {}
        if name == "combinations":
            for entry in given:
                name_of(name, entry, problems)
            return {entry: stacked((name, entry), steps, problems) for entry, steps in given.items()}
        return {entry: entry_of(name, entry, own, (name, entry), problems) for entry, own in given.items()}
    if name == "attacks" and isinstance(given, dict):
        known = [family for family in given if is_named((name, family), family, ATTACKED, problems)]
        return {family: checked(Attack, given[family], (name, family), problems) for family in known}
    if name in FREE and isinstance(given, dict):
        return {entry: free_entry(name, entry, own, FREE[name], problems) for entry, own in given.items()}
    if name == "augmentation" and isinstance(given, dict):
        return policies(given, problems)
    if name == "model":
        return model_of((name,), given, problems)
    if name == "few_labels" and isinstance(given, dict):
        model = model_of((name, "model"), given.get("model"), problems)
        shared = stacked((name, "regularizers"), given["regularizers"], problems) if given.get("regularizers") else ()
        rest = checked(FewLabels, given | {"model": {}, "regularizers": []}, (name,), problems)
        return replace(rest, model=model, regularizers=shared) if rest and model else None
    if name == "data" and isinstance(given, dict):
        is_named(
            ("data", "name"), given.get("name"), sources(), problems, in_checkout("data/sources", given.get("name"))
        )
    return checked(kind, given, (name,), problems)


def model_of(key: Key, given: Plain, problems: Problems) -> Any:
    """A network: the class that `name` names, of models/ or by its dotted path, with the other settings."""
    if not isinstance(given, dict):
        problems.add(key, "nothing" if given is None else shown(given), words(Any))
        return None
    own = {name: value for name, value in given.items() if name != "name"}
    name = given.get("name")
    if isinstance(name, str) and "." in name:
        try:
            return checked(find_own(name), own, key, problems)
        except UserError as error:
            problems.add((*key, "name"), *error.lines[0].removeprefix(f"{name}: found ").split("; allowed: "))
            return None
    known = is_named((*key, "name"), name, names("models"), problems, in_checkout("models", name))
    return checked(find("models", name), own, key, problems) if known else None


def policies(given: dict, problems: Problems) -> dict[str, Any]:
    """How the images of each folder are varied."""
    known = [name for name in given if is_named(("augmentation", name), name, AUGMENTED, problems)]
    policy = policy_class()
    return {name: checked(policy, given[name], ("augmentation", name), problems) for name in known}


def policy_class() -> type:
    if outlines.in_use():
        return outlines.outline("reglab.data.augmentation.policy").get("Policy")
    from reglab.data.augmentation.policy import Policy

    return Policy


def varied(name: str, given: dict, problems: Problems) -> dict[str, Any]:
    """A section whose entries vary settings of those of `regularizers`."""
    if not isinstance(given[name], dict):
        problems.add((name,), shown(given[name]), words(dict))
        return {}
    recipes = given["regularizers"] if isinstance(given.get("regularizers"), dict) else {}
    for entry in given[name]:
        name_of(name, entry, problems)
    return {entry: GRIDS[name](entry, own, recipes, (name, entry), problems) for entry, own in given[name].items()}


def free_entry(family: str, name: str, given: Plain, kind: type, problems: Problems) -> Any:
    """An entry whose name is the user's own."""
    name_of(family, name, problems)
    return checked(kind, {} if given is None else given, (family, name), problems)


def name_of(family: str, name: str, problems: Problems) -> None:
    """A line where a name that the user gave could not be a folder's and a stage's."""
    if not re.fullmatch(r"[a-z0-9_]{1,80}", name):
        problems.add((family, name), f"the name {shown(name)}", "lower-case letters, digits and _, at most 80")


def stacked(key: Key, steps: Plain, problems: Problems) -> tuple:
    """A list of techniques in order of application, each with its settings."""
    techniques, earlier = [], set()
    if not isinstance(steps, list) or not steps:
        problems.add(key, shown(steps), "a list of techniques, such as - dropout: {}")
        return ()
    for number, step in enumerate(steps):
        if not isinstance(step, dict) or len(step) != 1:
            problems.add((*key, number), shown(step), "one technique and its settings, such as dropout: {}")
            continue
        [(technique, own)] = step.items()
        place = (*key, number, technique)
        techniques.append(entry_of("regularizers", technique, own, place, problems))
        if technique in earlier:
            problems.write(place, "a technique that the list has already", "each technique once")
        earlier.add(technique)
    return tuple(techniques)
