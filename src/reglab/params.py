"""The only reader of params.yaml: typed, frozen, and all its faults at once, before any work.

A section is a field of `Params`. Where its entries are found by name, one class a file, BASES says where they lie: one
section more is a line there and a line here.
"""

import inspect
import re
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge

from reglab.demands import check_across
from reglab.errors import UserError
from reglab.faults import Faults, Key, Plain, checked, hints, is_named, nearest, one_of, shown, unknown, words
from reglab.sections import (
    Attack,
    Data,
    Evaluation,
    FewLabels,
    FewScenes,
    Scenes,
    Text,
    Tracking,
    Training,
    Transfer,
)
from reglab.yaml_source import read

# What is found by name: the class that it derives from, and beside whose file its own lies; in the order of the report.
BASES = {
    "models": "reglab.models.base.Architecture",
    "regularizers": "reglab.regularizers.base.Regularizer",
    "baselines": "reglab.baselines.base.Baseline",
    "ensembles": "reglab.ensembles.base.Ensemble",
    "pretraining": "reglab.pretexts.base.Pretext",
    "semi_supervised": "reglab.semi_supervised.base.SemiSupervised",
    "multitask": "reglab.multitask.base.Multitask",
    "theory": "reglab.theory.base.Topic",
}
ATTACKED = ["regularizers", "combinations", "ensembles", "transfer"]
AUGMENTED = ["study", "scenes"]  # folders under data/ that hold images
NOT_ENTRIES = {"__init__", "base", "parameters", "dense", "sentences", "probes", "pictures"}
PACKAGE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Params:
    """params.yaml, its sections in the order of the file; entries by name, completed with their defaults."""

    data: Data
    seeds: Annotated[int, Ge(2)]
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
    evaluation: Evaluation
    tracking: Tracking
    processes: Annotated[int, Ge(1)] | None = None

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
        families = (field.name for field in fields(self) if isinstance(getattr(self, field.name), dict))
        return [(family, name) for family in families for name in getattr(self, family)]


def load(path: str | Path = "params.yaml") -> Params:
    """The file as `Params`; UserError with a line for each fault: key, what was found, what is allowed."""
    given, faults = read(path)
    kinds, values = hints(Params), {}
    for section in fields(Params):
        name = section.name
        if name in given:
            values[name] = section_of(name, kinds[name], given[name], faults)
        elif section.default is section.default_factory is MISSING:
            faults.add((name,), "no such section", words(kinds[name]))
    for name in given:
        if name not in kinds:
            faults.add((name,), "an unknown section", ", ".join(kinds) + nearest(name, list(kinds)))
    check_across(given, values, faults)
    if faults.lines:
        raise UserError(*faults.lines)
    return Params(**values)


def section_of(name: str, kind: Any, given: Plain, faults: Faults) -> Any:
    """What `Params` holds of a section, None or parts of it None where there are faults."""
    if name in BASES or name == "combinations":
        if not isinstance(given, dict):
            faults.add((name,), shown(given), words(kind))
            return {}
        if name == "combinations":
            for entry in given:
                name_of(name, entry, faults)
            return {entry: stacked((name, entry), steps, faults) for entry, steps in given.items()}
        return {entry: entry_of(name, entry, own, (name, entry), faults) for entry, own in given.items()}
    if name == "attacks" and isinstance(given, dict):
        known = [family for family in given if is_named((name, family), family, ATTACKED, faults)]
        return {family: checked(Attack, given[family], (name, family), faults) for family in known}
    if name == "transfer" and isinstance(given, dict):
        return {entry: free_entry(name, entry, own, Transfer, faults) for entry, own in given.items()}
    if name == "augmentation" and isinstance(given, dict):
        return policies(given, faults)
    if name == "model":
        return model_of((name,), given, faults)
    if name == "few_labels" and isinstance(given, dict):
        model = model_of((name, "model"), given.get("model"), faults)
        shared = stacked((name, "regularizers"), given["regularizers"], faults) if given.get("regularizers") else ()
        rest = checked(FewLabels, given | {"model": {}, "regularizers": []}, (name,), faults)
        return replace(rest, model=model, regularizers=shared) if rest and model else None
    if name == "data" and isinstance(given, dict):
        is_named(("data", "name"), given.get("name"), sources(), faults)
    return checked(kind, given, (name,), faults)


def model_of(key: Key, given: Plain, faults: Faults) -> Any:
    """A network: the class that `name` names, with the other settings."""
    if not isinstance(given, dict):
        faults.add(key, "nothing" if given is None else shown(given), words(Any))
        return None
    own = {name: value for name, value in given.items() if name != "name"}
    known = is_named((*key, "name"), given.get("name"), names("models"), faults)
    return checked(find("models", given["name"]), own, key, faults) if known else None


def policies(given: dict, faults: Faults) -> dict[str, Any]:
    """How the images of each folder are varied."""
    from reglab.augmentation.policy import Policy

    known = [name for name in given if is_named(("augmentation", name), name, AUGMENTED, faults)]
    for name in AUGMENTED:
        if name not in given:
            faults.add(
                ("augmentation", name), "no such entry", f"{name}: {{}}, which changes nothing, or some strengths"
            )
    return {name: checked(Policy, given[name], ("augmentation", name), faults) for name in known}


def free_entry(family: str, name: str, given: Plain, kind: type, faults: Faults) -> Any:
    """An entry whose name is the user's own."""
    name_of(family, name, faults)
    return checked(kind, {} if given is None else given, (family, name), faults)


def name_of(family: str, name: str, faults: Faults) -> None:
    """A line where a name that the user gave could not be a folder's and a stage's."""
    if not re.fullmatch(r"[a-z0-9_]{1,80}", name):
        faults.add((family, name), f"the name {shown(name)}", "lower-case letters, digits and _, at most 80")


def stacked(key: Key, steps: Plain, faults: Faults) -> tuple:
    """A list of techniques in order of application, each with its settings."""
    techniques, earlier = [], set()
    if not isinstance(steps, list) or not steps:
        faults.add(key, shown(steps), "a list of techniques, such as - dropout: {}")
        return ()
    for number, step in enumerate(steps):
        if not isinstance(step, dict) or len(step) != 1:
            faults.add((*key, number), shown(step), "one technique and its settings, such as dropout: {}")
            continue
        [(technique, own)] = step.items()
        place = (*key, number, technique)
        techniques.append(entry_of("regularizers", technique, own, place, faults))
        if technique in earlier:
            faults.write(place, "a technique that the list has already", "each technique once")
        earlier.add(technique)
    return tuple(techniques)


def entry_of(family: str, name: str, given: Plain, key: Key, faults: Faults) -> Any:
    """The entry `name` of a family, its settings completed with the defaults."""
    if name not in names(family):
        faults.add(key, "an unknown name", one_of(names(family)) + nearest(name, names(family)))
        return None
    return checked(find(family, name), {} if given is None else given, key, faults)


def find(family: str, name: str) -> type:
    """The class in the file of this name that derives from the family's base."""
    if name not in names(family):
        raise unknown(family, name, names(family))
    module, _, base = BASES[family].rpartition(".")
    file = import_module(f"{module.rpartition('.')[0]}.{name}")
    parent = getattr(import_module(module), base)
    for kind in vars(file).values():
        if inspect.isclass(kind) and issubclass(kind, parent) and kind.__module__ == file.__name__:
            return kind
    raise UserError(f"{file.__file__}: found no class that derives from {base}; allowed: one in each file of {family}")


def names(family: str) -> list[str]:
    """The names of its files, sorted."""
    folder = PACKAGE.joinpath(*BASES[family].split(".")[1:-2])
    return sorted({path.stem for path in folder.glob("*.py")} - NOT_ENTRIES)


def sources() -> list[str]:
    """The files in data/ with a function `load`; told by their text, for some of the others import torch."""
    files = (PACKAGE / "data").glob("*.py")
    return sorted(path.stem for path in files if re.search(r"^def load\(", path.read_text("utf-8"), re.MULTILINE))


def settings(of: Any) -> Any:
    """Plain values of a settings object or of all `Params`, as they stand in params.yaml; a model with its `name`."""
    if isinstance(of, dict):
        return {key: settings(value) for key, value in of.items()}
    if isinstance(of, tuple):
        return [{own_name(item): settings(item)} if is_dataclass(item) else settings(item) for item in of]
    if not is_dataclass(of):
        return of
    plain = {field.name: settings(getattr(of, field.name)) for field in fields(of)}
    return {"name": own_name(of)} | plain if type(of).__module__.startswith("reglab.models.") else plain


def own_name(of: Any) -> str:
    return type(of).__module__.rpartition(".")[2]


def describe(family: str, name: str) -> dict:
    """What the file says of itself in its first sentence, and for each setting what is allowed and the default."""
    kind = find(family, name)
    summary = re.split(r"(?<=[.!?])\s+(?=[A-Z])", inspect.getmodule(kind).__doc__ or "", maxsplit=1)[0]
    defaults = {own.name: own.default if isinstance(own.default, str) else shown(own.default) for own in fields(kind)}
    allowed = {name: f"{words(own)}; default {defaults[name]}" for name, own in hints(kind).items()}
    return {"summary": " ".join(summary.split()), "settings": allowed}
