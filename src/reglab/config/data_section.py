"""Reads the section `data` of params.yaml: what all sources share, and the settings of the one that it names."""

from dataclasses import fields, replace

from reglab.config.entries import find_own_source, in_checkout
from reglab.config.problems import Problems, checked, is_named
from reglab.core.errors import UserError
from reglab.core.registry import sources
from reglab.core.wording import Plain, nearest, one_of
from reglab.data import find_source
from reglab.data.settings import Data

SHARED = tuple(field.name for field in fields(Data) if not field.metadata.get("flat"))


def data_of(given: dict, problems: Problems) -> Data | None:
    """The section as `Data`, None where there are problems."""
    name = given.get("name")
    source, known = None, list(SHARED)
    own_path = isinstance(name, str) and "." in name
    if own_path or is_named(("data", "name"), name, sources(), problems, in_checkout("data/sources", name)):
        try:
            kind = find_own_source(name) if own_path else find_source(name)
        except UserError as error:
            if own_path:
                problems.add(("data", "name"), *error.lines[0].removeprefix(f"{name}: found ").split("; allowed: "))
            else:
                problems.report(("data", "name"), error.lines)
            return None
        if kind:
            known += [field.name for field in fields(kind)]
            of_source = {key: value for key, value in given.items() if key in known and key not in SHARED}
            source = checked(kind, of_source, ("data",), problems)
            if source is None:
                known = []
    for key in given:
        if known and key not in known:
            problems.add(("data", key), "an unknown setting", one_of(known) + nearest(key, known))
    data = checked(Data, {key: value for key, value in given.items() if key in SHARED}, ("data",), problems)
    complete = data and known and all(key in known for key in given)
    return replace(data, source=source) if complete else None


def paths(given: Plain) -> dict[str, str]:
    """The files, folders and patterns that the source of a plain section `data` reads, by the name of their setting."""
    name = given.get("name") if isinstance(given, dict) else None
    if not isinstance(name, str) or ("." not in name and name not in sources()):
        return {}
    kind = find_own_source(name) if "." in name else find_source(name)
    return {key: given[key] for key in kind.paths if isinstance(given.get(key), str)} if kind else {}


def of_another_source(base: dict, name: Plain) -> dict:
    """A plain section `data` without the settings that only its own source has, for one that is to name another source."""
    return base if name in (None, base.get("name")) else {key: base[key] for key in base if key in SHARED}
