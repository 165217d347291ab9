"""The families of experiments: their rows, each of which stands in the `__init__.py` of a folder of experiments/.

A family is a folder there, a stage of dvc.yaml and a section of params.yaml.
"""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

from reglab.core.family import Family

FOLDER = Path(__file__).parent.parent / "experiments"


def rows() -> list[Family]:
    """The rows of all folders, in their order; those of one folder stand in its tuple FAMILIES."""
    homes = sorted(file.parent.name for file in FOLDER.glob("*/__init__.py"))
    pairs = [(home, family) for home in homes for family in import_module(f"reglab.experiments.{home}").FAMILIES]
    return sorted((replace(family, home=home) for home, family in pairs), key=lambda family: family.order)


FAMILIES = tuple(rows())
BY_SECTION = {family.section: family for family in FAMILIES}


def sections(**facts) -> tuple[str, ...]:
    """The sections of the families with these facts, such as `sections(compared_with="none")` or `sections(trains=True)`."""
    return tuple(
        family.section for family in FAMILIES if all(getattr(family, fact) == value for fact, value in facts.items())
    )


def stage_name(section: str, entry: str) -> str:
    """The DVC stage that makes the record of an entry, such as train@dropout."""
    return f"{BY_SECTION[section].stage}@{entry}"
