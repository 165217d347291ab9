"""Processes of this machine, one a core or as many as `processes` says."""

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from reglab.runtime.compute.engine import Engine
from reglab.runtime.compute.worker import work_in_place
from reglab.runtime.processes import pool


@dataclass(frozen=True)
class Local(Engine):
    """Jobs write where their files belong, and resume there after a kill; so none is tried twice."""

    attempts: ClassVar[int] = 1
    work: ClassVar = staticmethod(work_in_place)

    @contextmanager
    def executor(self, processes: int | None) -> Iterator[Executor]:
        with pool(processes) as executor:
            yield executor

    def workers(self, executor: ProcessPoolExecutor) -> int:
        return executor._max_workers
