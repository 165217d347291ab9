"""Finds classes by the name of their file: each file defines one class, in a folder that holds nothing else."""

import fnmatch
import inspect
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from reglab.core import outlines
from reglab.core.errors import UserError
from reglab.core.families import BY_SECTION, FAMILIES
from reglab.core.wording import unknown

# By section of params.yaml, the folder of the classes that are found by name, and their base class.
FOLDERS = {"models": "models"} | {family.section: family.folder for family in FAMILIES if family.folder}
FOLDERS |= {"metrics": "evaluation/further_metrics", "report_sections": "report/further_sections"}
BASES = {"models": "reglab.training.network.Architecture"}
BASES |= {family.section: family.base for family in FAMILIES if family.folder}
BASES |= {"metrics": "reglab.evaluation.metrics.Metric", "report_sections": "reglab.report.study.FurtherSection"}
# By stage of dvc.yaml, the module whose function `run_entry` its entries call.
RUNNERS = {family.stage: f"reglab.experiments.{family.home}.{family.module}" for family in FAMILIES}
SOURCES, LOADER = "data/sources", "reglab.data"  # the folder of the data sources, and the module that loads one


PACKAGE = Path(__file__).parent.parent


def find(family: str, name: str) -> type:
    """The class in the file of this name that derives from the family's base; its outline within `outlines`."""
    if name not in names(family):
        raise unknown(family, name, names(family))
    module, _, base = BASES[family].rpartition(".")
    module_name = f"reglab.{FOLDERS[family].replace('/', '.')}.{name}"
    path = f"src/reglab/{FOLDERS[family]}/{name}.py"
    if outlines.in_use() and (outline := outlines.find_subclass(module_name, BASES[family])):
        return outline
    try:
        file = import_module(module_name)
    except Exception as error:  # a user's file may raise anything when it is imported
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(
            f"{path}: found a file that cannot be imported ({reason}); allowed: Python that runs"
        ) from error
    parent = getattr(import_module(module), base)
    for kind in vars(file).values():
        if inspect.isclass(kind) and issubclass(kind, parent) and kind.__module__ == file.__name__:
            return kind
    raise UserError(f"{path}: found no class that derives from {base}; allowed: one in each file of {family}")


def family_needs(section: str) -> tuple[str, ...]:
    """What all entries of a section need of the data."""
    return BY_SECTION[section].needs


def runner(stage: str) -> tuple[str, Callable]:
    """The section of the family whose stage this is, such as train@dropout, and the function that runs an entry."""
    known = {family.stage: family.section for family in FAMILIES}
    family = stage.partition("@")[0]
    if family not in known:
        raise unknown("dvc.yaml: a stage of a family", family, list(known))
    return known[family], import_module(RUNNERS[family]).run_entry


def class_at(path: str) -> type:
    """The class at a dotted path; within `outlines` its outline, unless its module holds settings alone."""
    module, _, name = path.rpartition(".")
    if outlines.in_use() and not module.endswith(".settings"):
        return outlines.outline(module).get(name)
    return getattr(import_module(module), name)


def names(family: str) -> list[str]:
    """The entry names of a family: those of its files, sorted."""
    files = fnmatch.filter(os.listdir(PACKAGE / FOLDERS[family]), "*.py")  # read hundreds of times for a params.yaml
    return sorted({file.removesuffix(".py") for file in files} - {"__init__"})


def sources() -> list[str]:
    """The names of the data sources: modules, or packages where a source has helper modules."""
    files = (*(PACKAGE / SOURCES).glob("*.py"), *(PACKAGE / SOURCES).glob("*/__init__.py"))
    stems = {file.parent.name if file.stem == "__init__" else file.stem for file in files}
    return sorted(stems - {Path(SOURCES).name})
