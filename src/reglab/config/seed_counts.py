"""How many seeds each recipe has now, where `seeds.most` lets it have more than `seeds.first`: the file looks.yaml.

`reglab repro` writes it after each look, and nothing else does. It belongs to the study as dvc.lock does: with it, a plain
`dvc repro` makes the same records.
"""

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from reglab.config.params import Params
from reglab.config.references import mapping
from reglab.config.yaml_writing import to_yaml
from reglab.core.errors import UserError
from reglab.core.families import BY_SECTION, stage_name
from reglab.core.wording import Plain, shown
from reglab.runtime.recovery import replace

FILE = "looks.yaml"
HEAD = (
    "# How many seeds a recipe has where it has more than seeds.first of params.yaml; reglab repro writes this file.\n"
)
NONE_YET = f"{HEAD}{{}}\n".encode()
Counts = dict[str, dict[str, int]]  # section -> entry -> seeds


def growing(settings: Params) -> list[tuple[str, str]]:
    """(section, entry) of every recipe that may get more seeds: the networks that are compared with `none`, and the tuned
    recipes. An ensemble of networks that other recipes have trained has their first seeds.
    """
    if not settings.looks:
        return []
    entries = [(section, name) for section, name in settings.expected() if BY_SECTION[section].grows]
    gathered = {name for name, ensemble in settings.ensembles.items() if ensemble.gathers}
    return [(section, name) for section, name in entries if section != "ensembles" or name not in gathered]


def read(root: Path, settings: Params) -> Counts:
    """The number of seeds of every recipe that may get more; `seeds.first` where the file says nothing or counts of a
    schedule that params.yaml no longer has.

    Raises UserError where the file is not as `write` leaves it.
    """
    recipes, counts = growing(settings), {}
    given = content(root) if recipes else {}
    for section, name in recipes:
        seeds = mapping(given.get(section)).get(name)
        counts.setdefault(section, {})[name] = seeds if seeds in settings.looks.sizes else settings.seeds
    return counts


def content(root: Path) -> dict[str, Plain]:
    """What the file says, {} where there is none."""
    path = root / FILE
    allowed = "what reglab repro has written there, or {} to begin with seeds.first again"
    try:
        given = YAML(typ="safe").load(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{FILE}: found no YAML ({str(error).splitlines()[0]}); allowed: {allowed}") from None
    if given is None or not isinstance(given, dict):
        raise UserError(f"{FILE}: found {shown(given)}; allowed: {allowed}")
    return given


def write(root: Path, settings: Params, counts: Counts) -> None:
    """Write those numbers that are not `seeds.first`; the file is left alone where it says the same."""
    more = {
        section: grown
        for section, names in counts.items()
        if (grown := {name: seeds for name, seeds in names.items() if seeds != settings.seeds})
    }
    text = (HEAD + to_yaml(more)).encode()
    path = root / FILE
    if not path.exists() or path.read_bytes() != text:
        replace(path, text)


def of(root: Path, settings: Params, section: str, name: str) -> int:
    """The number of seeds of an entry."""
    return read(root, settings).get(section, {}).get(name, settings.seeds)


def by_stage(root: Path, settings: Params) -> dict[str, int]:
    """By stage of dvc.yaml the number of seeds of those recipes that have more than `seeds.first`."""
    return {
        stage_name(section, name): seeds
        for section, names in read(root, settings).items()
        for name, seeds in names.items()
        if seeds != settings.seeds
    }
