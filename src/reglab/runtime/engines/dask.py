"""The workers of a Dask cluster: one thread each, `dask worker ADDRESS --nthreads 1`."""

import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from reglab.core.errors import UserError
from reglab.core.wording import shown
from reglab.runtime.compute.engine import Engine
from reglab.runtime.compute.worker import work

CONNECT_SECONDS = 10  # in which a scheduler must answer


@dataclass(frozen=True)
class Dask(Engine):
    """`address` of the scheduler, such as tcp://host:8786.

    Dask itself gives the jobs of a worker that has died to others, and starts new workers at any time.
    """

    package: ClassVar[str] = "distributed"
    work: ClassVar = staticmethod(work)

    address: str

    @contextmanager
    def executor(self, processes: int | None) -> Iterator[Executor]:
        import dask
        from distributed import Client

        allowed = "the address that dask scheduler prints, such as tcp://host:8786"
        if not re.fullmatch(r"[a-z]+://\S+:\d+", self.address):
            raise UserError(f"compute.address: found {shown(self.address)}; allowed: {allowed}")
        with dask.config.set({"distributed.comm.timeouts.connect": CONNECT_SECONDS}):
            try:
                client = Client(self.address, timeout=CONNECT_SECONDS, set_as_default=False)
            except (OSError, ValueError, TimeoutError) as error:
                raise UserError(
                    f"compute.address: found {self.address}, where no scheduler answers within {CONNECT_SECONDS} seconds "
                    f"({type(error).__name__}); allowed: {allowed}"
                ) from None
            try:
                yield client.get_executor(pure=False)
            finally:
                client.close(timeout=1)

    def workers(self, executor: Executor) -> int:
        return max(1, len(executor._client.scheduler_info(n_workers=-1)["workers"]))

    def lost(self, executor: Executor) -> str:
        return "" if executor._client.status == "running" else f"{self.address}: the scheduler is gone"
