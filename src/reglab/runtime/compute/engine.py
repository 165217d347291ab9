"""What a file of runtime/engines/ offers: a class with its settings as fields, and a `concurrent.futures.Executor`."""

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from reglab.core.wording import unknown
from reglab.runtime.compute.worker import work_once

FOLDER = Path(__file__).parent.parent / "engines"
SPOOL = "REGLAB_SPOOL"  # the variable, as JSON: the folder for the jobs of `reglab submit`, and the number of workers


@dataclass(frozen=True)
class Engine:
    """Where trainings run: its fields are the settings of the section `compute` beside `engine`, the name of its file.

    `package` is what it imports, in the extra of its name. `attempts`: how often a job is tried, each time where the executor
    sends it. `work` takes a pickled `Job` on a worker and returns a pickled `JobResult`.
    """

    package: ClassVar[str] = ""
    attempts: ClassVar[int] = 3
    work: ClassVar[Callable[[bytes], bytes]] = staticmethod(work_once)

    @property
    def name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    def executor(self, processes: int | None) -> AbstractContextManager[Executor]:
        """The executor while the block runs; UserError where it cannot be reached. `processes`: the setting of this name,
        how many this machine may use.
        """
        raise NotImplementedError

    def workers(self, executor: Executor) -> int:
        """About how many jobs run at once: the trainings of a stage are divided into so many."""
        raise NotImplementedError

    def lost(self, executor: Executor) -> str:
        """Why no result can come at the moment, as where a scheduler has gone; "" while all is well."""
        return ""


def names() -> list[str]:
    """The names of the engines: those of their files."""
    return sorted({file.stem for file in FOLDER.glob("*.py")} - {"__init__"})


def find(name: str) -> type[Engine]:
    """The class in the file of this name."""
    if name not in names():
        raise unknown("compute.engine", name, names())
    module = import_module(f"reglab.runtime.engines.{name}")
    return next(kind for kind in vars(module).values() if getattr(kind, "__module__", "") == module.__name__)


def missing_extra(name: str) -> str:
    """What is said where the package of an engine is not installed, else ""."""
    package = find(name).package
    if package and find_spec(package) is None:
        return (
            f"{name}, which needs the package {package}; allowed: local, or {name} after pip install 'reglab[{name}]'"
        )
    return ""
