"""What params.yaml may name: one class a file, found by the file's name."""

import inspect
import os
import re
import sys
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from reglab.config.problems import Key, Problems, checked, hints, words
from reglab.core.errors import UserError
from reglab.core.registry import BASES, FOLDERS, find, names
from reglab.core.wording import Plain, nearest, one_of, shown
from reglab.data.source import Source


def entry_of(family: str, name: str, given: Plain, key: Key, problems: Problems) -> Any:
    """The entry `name` of a family, its settings completed with the defaults."""
    if name not in names(family):
        near = in_checkout(FOLDERS[family], name) or nearest(name, names(family))
        problems.add(key, "an unknown name", one_of(names(family)) + near)
        return None
    try:
        kind = find(family, name)
    except UserError as error:
        problems.report(key, error.lines)
        return None
    return checked(kind, {} if given is None else given, key, problems)


def find_own(path: str) -> type:
    """The network at a dotted path such as mypackage.mynet.MyNet, from a package beside params.yaml or an installed one."""
    kind = import_own(path, "Class")
    module, _, base = BASES["models"].rpartition(".")
    if not (inspect.isclass(kind) and issubclass(kind, getattr(import_module(module), base)) and is_dataclass(kind)):
        raise UserError(f"{path}: found no network; allowed: a dataclass that derives from {BASES['models']}")
    return kind


def find_own_source(path: str) -> type[Source] | None:
    """The class of a data source at a dotted path, None where it is a function; UserError where it is neither."""
    imported = import_own(path, "function")
    if inspect.isclass(imported) and issubclass(imported, Source) and is_dataclass(imported):
        return imported
    if inspect.isclass(imported) or not callable(imported):
        allowed = (
            "a function that returns inputs and targets, or a dataclass that derives from reglab.data.source.Source"
        )
        raise UserError(f"{path}: found {type(imported).__name__}; allowed: {allowed}")
    return None


def import_own(path: str, what: str) -> Any:
    """What stands at a dotted path, in a module beside params.yaml or an installed one."""
    module, _, name = path.rpartition(".")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # behind all others: no folder of a study takes the place of a package
    try:
        return getattr(import_module(module), name)
    except Exception as error:
        message = " ".join(f"{type(error).__name__}: {error}".split())
        file = f"{module.replace('.', '/')}.py"
        allowed = f"module.{what} of a module that Python finds, such as {file} beside params.yaml"
        raise UserError(f"{path}: found nothing to import ({message}); allowed: {allowed}{not_queued(file)}") from error


def in_checkout(folder: str, name: Plain) -> str:
    """`not_queued` for the file of an entry."""
    return not_queued(f"src/reglab/{folder}/{name}.py")


def not_queued(file: str) -> str:
    """The end of a line about a file that a queued experiment lacks, while the checkout that DVC_ROOT names has it."""
    root = os.environ.get("DVC_ROOT")
    if not root or not Path(root, file).is_file():
        return ""
    return f"; {Path(root, file)} is there, but git does not know it: say git add {file} and queue again"


def describe(family: str, name: str) -> dict:
    """The first sentence of the file's docstring, and for each setting what is allowed and the default."""
    kind = find(family, name)
    summary = re.split(r"(?<=[.!?])\s+(?=[A-Z])", inspect.getmodule(kind).__doc__ or "", maxsplit=1)[0]
    defaults = {
        each.name: each.default if isinstance(each.default, str) else shown(each.default) for each in fields(kind)
    }
    allowed = {name: f"{words(hint)}; default {defaults[name]}" for name, hint in hints(kind).items()}
    return {"summary": " ".join(summary.split()), "settings": allowed}
