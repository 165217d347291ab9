"""The section `compute`: where trainings run. A command may override it for its own processes and those that it starts."""

import json
import os

from reglab.config.problems import Problems, checked, is_named
from reglab.core.wording import Plain, shown
from reglab.runtime.compute import engine
from reglab.runtime.compute.engine import Engine

OVERRIDE = "REGLAB_COMPUTE"  # the variable with the section, as JSON, that takes the place of that of params.yaml
NO_EXECUTOR = {  # why a name that one might expect is no engine, and what to do
    "ray": "; Ray has no concurrent.futures executor: start dask workers on its machines and use dask, see Another engine in "
    "docs/guide/many-machines.md"
}
ALLOWED = "a mapping of engine and its settings, such as {engine: local}"


def overriding() -> dict[str, Plain]:
    """The section that the command line gives in place of that of params.yaml; nothing unless it gives one."""
    return {"compute": json.loads(os.environ[OVERRIDE])} if OVERRIDE in os.environ else {}


def engine_of(given: Plain, problems: Problems) -> Engine | None:
    """The engine that `engine` names, with the other settings; None and lines where there are problems."""
    key = ("compute",)
    if not isinstance(given, dict):
        problems.add(key, "nothing" if given is None else shown(given), ALLOWED)
        return None
    name = given.get("engine")
    if not is_named((*key, "engine"), name, engine.names(), problems, NO_EXECUTOR.get(str(name), "")):
        return None
    if missing := engine.missing_extra(name):
        problems.add((*key, "engine"), *missing.split("; allowed: "))
        return None
    return checked(engine.find(name), {key: value for key, value in given.items() if key != "engine"}, key, problems)
