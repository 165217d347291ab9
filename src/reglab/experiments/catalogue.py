"""The modules of the families, found in their folders: what the evaluation and the report are made of."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from reglab.core.families import FAMILIES

FOLDER = Path(__file__).parent


def modules(name: str) -> list[ModuleType]:
    """The module of this name of every family that has one, in the order of the families.

    comparisons   `plan(settings)`: what its entries are compared with, where that is not regularizers/none
    evaluate      `tables(records, ...)`: its rows of reports/metrics.json; `comparison_counts(settings)`
    report        `SECTIONS`: its sections of the report
    """
    homes = dict.fromkeys(family.home for family in FAMILIES)
    return [
        import_module(f"reglab.experiments.{home}.{name}") for home in homes if (FOLDER / home / f"{name}.py").exists()
    ]
