"""What params.yaml may name: one class a file, found by the file's name."""

import inspect
import os
import re
import sys
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from reglab import outlines
from reglab.errors import UserError
from reglab.faults import Faults, Key, Plain, checked, hints, nearest, one_of, shown, unknown, words

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
NOT_ENTRIES = {"__init__", "base", "parameters", "dense", "sentences", "probes", "pictures"}
SOURCES, LOADER = "data", "reglab.data"  # the folder of the data sources, and the module that loads one
PACKAGE = Path(__file__).parent


def entry_of(family: str, name: str, given: Plain, key: Key, faults: Faults) -> Any:
    """The entry `name` of a family, its settings completed with the defaults."""
    if name not in names(family):
        near = in_checkout(folder_of(family), name) or nearest(name, names(family))
        faults.add(key, "an unknown name", one_of(names(family)) + near)
        return None
    try:
        kind = find(family, name)
    except UserError as error:
        faults.tell(key, error.lines)
        return None
    return checked(kind, {} if given is None else given, key, faults)


def find(family: str, name: str) -> type:
    """The class in the file of this name that derives from the family's base, within `outlines` its outline."""
    if name not in names(family):
        raise unknown(family, name, names(family))
    module, _, base = BASES[family].rpartition(".")
    own = f"{module.rpartition('.')[0]}.{name}"
    if outlines.in_use() and (outline := outlines.derived(own, BASES[family])):
        return outline
    try:
        file = import_module(own)
    except Exception as fault:  # whatever a user's own file does when it is imported
        path = PACKAGE.joinpath(*own.split(".")[1:]).with_suffix(".py")
        said = " ".join(f"{type(fault).__name__}: {fault}".split())
        raise UserError(f"{path}: found a file that cannot be imported ({said}); allowed: Python that runs") from fault
    parent = getattr(import_module(module), base)
    for kind in vars(file).values():
        if inspect.isclass(kind) and issubclass(kind, parent) and kind.__module__ == file.__name__:
            return kind
    raise UserError(f"{file.__file__}: found no class that derives from {base}; allowed: one in each file of {family}")


def find_own(path: str) -> type:
    """The network at a dotted path such as mypackage.mynet.MyNet, from a package beside params.yaml or an installed one."""
    module, _, name = path.rpartition(".")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # behind all others: no folder of a study takes the place of a package
    try:
        kind = getattr(import_module(module), name)
    except Exception as fault:
        said = " ".join(f"{type(fault).__name__}: {fault}".split())
        file = f"{module.replace('.', '/')}.py"
        allowed = f"module.Class of a module that Python finds, such as {file} beside params.yaml"
        raise UserError(f"{path}: found nothing to import ({said}); allowed: {allowed}{not_queued(file)}") from fault
    base_module, _, base = BASES["models"].rpartition(".")
    if not (
        inspect.isclass(kind) and issubclass(kind, getattr(import_module(base_module), base)) and is_dataclass(kind)
    ):
        raise UserError(f"{path}: found no network; allowed: a dataclass that derives from {BASES['models']}")
    return kind


def folder_of(family: str) -> str:
    return BASES[family].split(".")[1]


def names(family: str) -> list[str]:
    """The names of its files, sorted."""
    return sorted({path.stem for path in (PACKAGE / folder_of(family)).glob("*.py")} - NOT_ENTRIES)


def in_checkout(folder: str, name: Plain) -> str:
    """`not_queued` for the file of an entry."""
    return not_queued(f"src/reglab/{folder}/{name}.py")


def not_queued(file: str) -> str:
    """The end of a line about a file that a queued experiment lacks, while the checkout that DVC_ROOT names has it."""
    root = os.environ.get("DVC_ROOT")
    if not root or not Path(root, file).is_file():
        return ""
    return f"; {Path(root, file)} is there, but git does not know it: say git add {file} and queue again"


def sources() -> list[str]:
    """The data sources: modules and packages with a function `load`, seen in their text, for some others import torch."""
    files = (*(PACKAGE / SOURCES).glob("*.py"), *(PACKAGE / SOURCES).glob("*/__init__.py"))
    found = [
        file for file in files if re.search(r"^def load\(|^from \..* import .*\bload\b", file.read_text("utf-8"), re.M)
    ]
    return sorted(file.parent.name if file.stem == "__init__" else file.stem for file in found)


def own_name(of: Any) -> str:
    """The name of an entry in params.yaml: that of its file, or the dotted path of a class of the user's own."""
    module = type(of).__module__
    return module.rpartition(".")[2] if module.startswith("reglab.") else f"{module}.{type(of).__name__}"


def describe(family: str, name: str) -> dict:
    """What the file says of itself in its first sentence, and for each setting what is allowed and the default."""
    kind = find(family, name)
    summary = re.split(r"(?<=[.!?])\s+(?=[A-Z])", inspect.getmodule(kind).__doc__ or "", maxsplit=1)[0]
    defaults = {own.name: own.default if isinstance(own.default, str) else shown(own.default) for own in fields(kind)}
    allowed = {name: f"{words(own)}; default {defaults[name]}" for name, own in hints(kind).items()}
    return {"summary": " ".join(summary.split()), "settings": allowed}
