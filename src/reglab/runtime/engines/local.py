"""Processes of this machine, one a core or as many as `processes` says."""

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from reglab.runtime.compute.engine import Engine
from reglab.runtime.compute.worker import work_in_place
from reglab.runtime.cores import usable_cores
from reglab.runtime.processes import START, begin_worker


@dataclass(frozen=True)
class Local(Engine):
    """Jobs write where their files belong, and resume there after a kill; so none is tried twice."""

    attempts: ClassVar[int] = 1
    work: ClassVar = staticmethod(work_in_place)

    @contextmanager
    def executor(self, processes: int | None) -> Iterator[Executor]:
        context = multiprocessing.get_context(START)
        beginning = {"initializer": begin_worker, "initargs": (os.getpid(), True)}
        with ProcessPoolExecutor(processes or usable_cores(), mp_context=context, **beginning) as pool:
            yield pool

    def workers(self, executor: ProcessPoolExecutor) -> int:
        return executor._max_workers
