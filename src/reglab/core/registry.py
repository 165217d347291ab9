"""Finds classes by the name of their file: one class a file, in a folder that holds nothing else."""

import inspect
from importlib import import_module
from pathlib import Path

from reglab.core import outlines
from reglab.core.errors import UserError
from reglab.core.families import FAMILIES
from reglab.core.wording import unknown

# By section of params.yaml, what is found by name: the folder that holds nothing else, and the class that it derives from.
FOLDERS = {"models": "models"} | {family.section: family.folder for family in FAMILIES if family.folder}
FOLDERS |= {"metrics": "evaluation/further_metrics", "report_sections": "report/further_sections"}
BASES = {"models": "reglab.training.network.Architecture"}
BASES |= {family.section: family.base for family in FAMILIES if family.folder}
BASES |= {"metrics": "reglab.evaluation.metrics.Metric", "report_sections": "reglab.report.study.FurtherSection"}
SOURCES, LOADER = "data/sources", "reglab.data"  # the folder of the data sources, and the module that loads one


PACKAGE = Path(__file__).parent.parent


def find(family: str, name: str) -> type:
    """The class in the file of this name that derives from the family's base, within `outlines` its outline."""
    if name not in names(family):
        raise unknown(family, name, names(family))
    module, _, base = BASES[family].rpartition(".")
    own = f"reglab.{FOLDERS[family].replace('/', '.')}.{name}"
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


def names(family: str) -> list[str]:
    """The names of its files, sorted."""
    return sorted({path.stem for path in (PACKAGE / FOLDERS[family]).glob("*.py")} - {"__init__"})


def sources() -> list[str]:
    """The data sources: modules, and packages where a source has helper modules."""
    files = (*(PACKAGE / SOURCES).glob("*.py"), *(PACKAGE / SOURCES).glob("*/__init__.py"))
    found = {file.parent.name if file.stem == "__init__" else file.stem for file in files}
    return sorted(found - {Path(SOURCES).name})
