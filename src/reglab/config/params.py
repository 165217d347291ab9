"""Reads params.yaml, and nothing else does: typed, frozen, with all problems at once, before any work.

The section of a family comes from its row in core/families.py; the others are the fields of `Sections`.
"""

import re
from dataclasses import MISSING, dataclass, field, fields, make_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le

from reglab.config.compute_section import engine_of, overriding
from reglab.config.cross_checks import check_across, check_references
from reglab.config.data_section import data_of
from reglab.config.entries import describe, entry_of, find_own, in_checkout
from reglab.config.grids import cocktail_of, sweep_of, tuned_of
from reglab.config.problems import Key, Problems, checked, hints, is_named, words
from reglab.config.renamed import renamed
from reglab.config.suite_section import claim_class, split_claims
from reglab.config.yaml_source import read
from reglab.core.errors import UserError
from reglab.core.families import BY_SECTION, FAMILIES
from reglab.core.plain import entry_name, settings
from reglab.core.registry import BASES, class_at, find, names, sources
from reglab.core.wording import Plain, nearest, shown, unknown
from reglab.data.settings import Data, Scenes, Text
from reglab.evaluation.looks import Looks
from reglab.evaluation.metric_names import DECIDES
from reglab.evaluation.settings import Claim, Evaluation, Pair
from reglab.experiments.few_labels.settings import FewLabels
from reglab.experiments.multitask.settings import FewScenes
from reglab.experiments.pretraining.settings import PretextTuning
from reglab.experiments.suite.settings import Suite
from reglab.experiments.suite.suite_claim import SuiteClaim
from reglab.experiments.tuning.settings import Tuning
from reglab.runtime.compute.engine import Engine
from reglab.runtime.engines.local import Local
from reglab.tracking.settings import Tracking
from reglab.training.settings import Training

DECLARED = {"comparisons": Pair, "claims": Claim}  # entries that the user names
GRIDS = {"tuned": tuned_of, "sweeps": sweep_of, "cocktails": cocktail_of}  # entries that vary settings of regularizers
__all__ = ["BASES", "Params", "describe", "entry_name", "find", "load", "names", "settings", "sources"]


@dataclass(frozen=True, kw_only=True)
class Sections:
    """The sections of params.yaml that are no family's; entries by name, completed with their defaults."""

    data: Data
    seeds: Annotated[int, Ge(2), Le(1_000)]  # of every record; with `looks` the first ones, some recipes have more
    model: Any
    training: Training
    scenes: Scenes
    text: Text
    few_labels: FewLabels
    few_scenes: FewScenes
    tuning: Tuning
    pretext_tuning: PretextTuning = field(default_factory=PretextTuning)
    evaluation: Evaluation
    metrics: dict[str, Any] = field(default_factory=dict)
    comparisons: dict[str, Pair]
    claims: dict[str, Claim]
    report_sections: dict[str, Any] = field(default_factory=dict)
    suite: Suite = field(default_factory=Suite)
    profiles: dict[str, dict]
    tracking: Tracking
    compute: Engine = field(default_factory=Local)
    processes: Annotated[int, Ge(1), Le(1_024)] | None = None
    looks: Looks | None = field(default=None, metadata={"derived": True})  # of a mapping under `seeds`
    suite_claims: dict[str, SuiteClaim] = field(default_factory=dict, metadata={"derived": True})  # of `claims`

    @property
    def most_seeds(self) -> int:
        """How many seeds a recipe may have."""
        return self.looks.most if self.looks else self.seeds

    def recipe(self, name: str) -> tuple[str, tuple]:
        """The family and the techniques, in order of application, of an entry of `regularizers` or `combinations`."""
        if name in self.regularizers:
            return "regularizers", (self.regularizers[name],)
        if name in self.combinations:
            return "combinations", self.combinations[name]
        raise unknown("params.yaml: a recipe", name, [*self.regularizers, *self.combinations])

    def model_of(self, family: str) -> Any:
        """The network of the entries of the section `family`: the section's own, or that of the study."""
        return getattr(getattr(self, family), "model", self.model)

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
        """(family, name) of every record that the report reads, in the order of the families."""
        entries = {family: getattr(self, family.section) for family in FAMILIES}
        entries |= {family: section.recipes for family, section in entries.items() if family.recipes_of}
        return [(family.section, name) for family, names in entries.items() for name in names]


# The section of a family is its own settings where it lists recipes; elsewhere it maps the names of entries to these.
Params = make_dataclass(
    "Params",
    [(family.section, class_at(family.settings) if family.recipes_of else dict[str, Any]) for family in FAMILIES],
    bases=(Sections,),
    namespace={"__module__": __name__, "__doc__": "params.yaml; entries by name, completed with their defaults."},
    frozen=True,
    kw_only=True,
)


def section_names() -> list[str]:
    """The names of all sections, in the order of `Params`."""
    return [section.name for section in fields(Params) if "derived" not in section.metadata]


def load(path: str | Path = "params.yaml") -> Params:
    """The file as `Params`; UserError with a line for each problem: key, what was found, what is allowed."""
    return settings_of(*read(path))


def settings_of(given: dict, problems: Problems) -> Params:
    """The plain params as `Params`; UserError with a line for each problem, after those of the text."""
    kinds, values = hints(Params), {}
    given = renamed(known_sections(given, section_names(), problems), problems) | overriding()
    check_references(given, problems)
    for section in (each for each in fields(Params) if "derived" not in each.metadata):
        name = section.name
        if name == "seeds" and isinstance(given.get(name), dict):
            values[name], values["looks"] = seeds_at_looks(given[name], problems)
        elif name in GRIDS and name in given:
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
            is_named(("profiles", name, section), section, section_names(), problems)
    values["claims"], values["suite_claims"] = split_claims(values.get("claims") or {})
    name_deciding_metric(values)
    check_across(given, values, problems)
    if problems.lines:
        raise UserError(*problems.lines)
    return Params(**values)


def name_deciding_metric(values: dict) -> None:
    """Pairs and claims that name no metric are about the one that decides."""
    decides = values["evaluation"].rule["metric"] if values.get("evaluation") else DECIDES
    for section in DECLARED:
        for name, declared in (values.get(section) or {}).items():
            if declared and declared.metric is None:
                values[section][name] = replace(declared, metric=decides)


def load_tracking(path: str | Path) -> Tracking:
    """The section `tracking` alone, whatever stands in the others; UserError where it is wrong."""
    given, problems = read(path)
    tracking = section_of("tracking", Tracking, given.get("tracking"), problems)
    if tracking is None:
        raise UserError(*problems.lines)
    return tracking


def known_sections(given: dict, known: list[str], problems: Problems) -> dict:
    """The sections under their names: one that is spelled wrong is reported once, then read as the section that was meant."""
    sections = {}
    for name, section in given.items():
        close = get_close_matches(name, [each for each in known if each not in given], n=1)
        if name not in known:
            problems.add((name,), "an unknown section", ", ".join(known) + nearest(name, close or known))
        sections |= {name: section} if name in known else {close[0]: section} if close else {}
    return sections


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
        return {entry: entry_of(name, entry, value, (name, entry), problems) for entry, value in given.items()}
    family = BY_SECTION.get(name)
    if family and family.named_after and isinstance(given, dict):
        known = [entry for entry in given if is_named((name, entry), entry, list(family.named_after), problems)]
        return {entry: checked(class_at(family.settings), given[entry], (name, entry), problems) for entry in known}
    entry_class = DECLARED.get(name) or (family and not family.recipes_of and class_at(family.settings))
    if entry_class and isinstance(given, dict):
        classes = {entry: claim_class(value) if name == "claims" else entry_class for entry, value in given.items()}
        return {entry: free_entry(name, entry, value, classes[entry], problems) for entry, value in given.items()}
    if name == "model":
        return model_of((name,), given, problems)
    if name == "tuned_other_network" and isinstance(given, dict) and given.get("model") is not None:
        model = model_of((name, "model"), given["model"], problems)
        listing = checked(kind, given | {"model": None}, (name,), problems)
        return replace(listing, model=model) if listing and model else None
    if name == "few_labels" and isinstance(given, dict):
        model = model_of((name, "model"), given.get("model"), problems)
        shared = stacked((name, "regularizers"), given["regularizers"], problems) if given.get("regularizers") else ()
        rest = checked(FewLabels, given | {"model": {}, "regularizers": []}, (name,), problems)
        return replace(rest, model=model, regularizers=shared) if rest and model else None
    if name == "data" and isinstance(given, dict):
        return data_of(given, problems)
    if name == "compute":
        return engine_of(given, problems)
    return checked(kind, given, (name,), problems)


def seeds_at_looks(given: dict, problems: Problems) -> tuple[int | None, Looks | None]:
    """The number of first seeds and the looks, of a mapping in the place of a number; no looks without `most`."""
    if "most" not in given:
        for setting in sorted({"looks", "first_share"} & set(given)):
            problems.add(("seeds", setting), f"{shown(given[setting])} without most", f"most, or no {setting}")
        looks = checked(Looks, given | {"most": 1_000}, ("seeds",), problems)
        return (looks.first, None) if looks else (None, None)
    looks, (first, most) = checked(Looks, given, ("seeds",), problems), (given.get("first"), given["most"])
    first = first if type(first) is int and ("seeds", "first") not in problems.reported else None
    if first and type(most) is int and most <= first:
        problems.add(("seeds", "most"), shown(most), f"more than {first}, the seeds.first")
    elif looks and looks.looks > (possible := looks.most - looks.first + 1):
        allowed = f"at most {possible}, for each look has at least one seed more than the one before"
        problems.add(("seeds", "looks"), shown(looks.looks), allowed)
    return first, looks


def model_of(key: Key, given: Plain, problems: Problems) -> Any:
    """A network: the class that `name` names, of models/ or by its dotted path, with the other settings."""
    if not isinstance(given, dict):
        problems.add(key, "nothing" if given is None else shown(given), words(Any))
        return None
    fields_given = {name: value for name, value in given.items() if name != "name"}
    name = given.get("name")
    if isinstance(name, str) and "." in name:
        try:
            return checked(find_own(name), fields_given, key, problems)
        except UserError as error:
            problems.add((*key, "name"), *error.lines[0].removeprefix(f"{name}: found ").split("; allowed: "))
            return None
    known = is_named((*key, "name"), name, names("models"), problems, in_checkout("models", name))
    return checked(find("models", name), fields_given, key, problems) if known else None


def varied(name: str, given: dict, problems: Problems) -> dict[str, Any]:
    """A section whose entries vary settings of those of `regularizers`."""
    if not isinstance(given[name], dict):
        problems.add((name,), shown(given[name]), words(dict))
        return {}
    recipes = given["regularizers"] if isinstance(given.get("regularizers"), dict) else {}
    for entry in given[name]:
        name_of(name, entry, problems)
    return {entry: GRIDS[name](entry, value, recipes, (name, entry), problems) for entry, value in given[name].items()}


def free_entry(family: str, name: str, given: Plain, kind: type, problems: Problems) -> Any:
    """An entry whose name the user chose."""
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
        [(technique, value)] = step.items()
        place = (*key, number, technique)
        techniques.append(entry_of("regularizers", technique, value, place, problems))
        if technique in earlier:
            problems.write(place, "a technique that the list has already", "each technique once")
        earlier.add(technique)
    return tuple(techniques)
