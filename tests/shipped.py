"""params.yaml as it is shipped, and what is reported about a changed one."""

from pathlib import Path

from ruamel.yaml import YAML

from reglab.config import params
from reglab.core.errors import UserError
from reglab.core.outlines import outlines

SHIPPED = YAML(typ="safe", pure=True).load(Path(__file__).parent.parent / "params.yaml")


def problems_of(given: dict, folder: Path) -> list[str]:
    """The lines that are reported about these params."""
    path = folder / "params.yaml"
    YAML(typ="safe", pure=True).dump(given, path)
    with outlines():
        try:
            params.load(path)
        except UserError as error:
            return error.lines
    return []
