"""The technique that a command names, with the settings of its entry in params.yaml or with given ones."""

from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml import YAML, YAMLError

from reglab.config import yaml_source
from reglab.config.entries import entry_of
from reglab.config.problems import Problems
from reglab.core.errors import UserError
from reglab.core.wording import shown
from reglab.training.regularizer import Regularizer


def technique_of(name: str, given: Sequence[str] = (), path: Path = Path("params.yaml")) -> Regularizer:
    """`given` are texts such as strength=0.1, which go before the entry, as that goes before the defaults; UserError."""
    problems = Problems(path.name)
    settings = _entry(name, path) | _parsed(given)
    technique = entry_of("regularizers", name, settings, ("regularizers", name), problems)
    if problems.lines:
        raise UserError(*problems.lines)
    return technique


def _entry(name: str, path: Path) -> dict:
    """The entry of `regularizers`; {} where there is none."""
    if not path.exists():
        return {}
    section = yaml_source.read(path)[0].get("regularizers")
    entry = section.get(name) if isinstance(section, dict) else None
    return entry if isinstance(entry, dict) else {}


def _parsed(given: Sequence[str]) -> dict:
    """Each setting with its value, read as in params.yaml."""
    settings = {}
    for text in given:
        key, equals, value = text.partition("=")
        try:
            settings[key] = YAML(typ="safe").load(value)
        except YAMLError:
            equals = ""
        if not key or not equals:
            raise UserError(f"check-technique: found {shown(text)}; allowed: settings such as strength=0.1")
    return settings
