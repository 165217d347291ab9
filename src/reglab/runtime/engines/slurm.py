"""Jobs of a Slurm cluster, submitted by submitit; the command runs where `sbatch` works.

submitit was chosen over executorlib, whose Slurm back end needs h5py and pysqa, and over clusterfutures, last released in
2023: it is pure Python and maintained. Its jobs are no futures, and it asks `sacct` how they are, which is switched off on
many clusters; so they become futures here, and `squeue` says which are over.
"""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge

from reglab.core.errors import UserError
from reglab.runtime.compute.engine import Engine

POLL_SECONDS = 1.0
LATE_SECONDS = 20.0  # for which the file of a result may take to appear in a shared folder


@dataclass(frozen=True)
class Slurm(Engine):
    """`partition` and `account` as sbatch has them, `minutes` and `memory_gb` that a job may take, and about how many
    `jobs` run at once. A job takes one core.
    """

    package: ClassVar[str] = "submitit"

    partition: str | None = None
    account: str | None = None
    minutes: Annotated[int, Ge(1)] = 240
    memory_gb: Annotated[int, Ge(1)] | None = None
    jobs: Annotated[int, Ge(1)] = 16

    @contextmanager
    def executor(self, processes: int | None) -> Iterator[Executor]:
        try:
            running_jobs()
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
            allowed = "slurm where sbatch, srun and squeue work"
            raise UserError(f"compute.engine: found slurm, and {said}; allowed: {allowed}") from None
        executor = SlurmFutures(self)
        try:
            yield executor
        finally:
            executor.shutdown()

    def workers(self, executor: Executor) -> int:
        return self.jobs

    def lost(self, executor: "SlurmFutures") -> str:
        return executor.unreachable


class SlurmFutures(Executor):
    """Jobs of Slurm as futures; files of submitit lie below `.reglab/slurm` of the study."""

    def __init__(self, settings: Slurm) -> None:
        from submitit.slurm.slurm import SlurmExecutor

        self.folder = Path(".reglab", "slurm", f"{os.getpid()}-{time.time_ns()}").absolute()
        self.slurm = SlurmExecutor(self.folder)
        memory = f"{settings.memory_gb}GB" if settings.memory_gb else None
        asked = {"partition": settings.partition, "account": settings.account, "mem": memory}
        more = {name: value for name, value in asked.items() if value}
        self.slurm.update_parameters(job_name="reglab", time=settings.minutes, cpus_per_task=1, **more)
        self.jobs: dict[Future, object] = {}
        self.missing: dict[Future, float] = {}  # since when a job is over without a result
        self.unreachable, self.closed = "", threading.Event()
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def submit(self, function, /, *arguments) -> Future:
        job, future = self.slurm.submit(function, *arguments), Future()
        self.jobs[future] = job
        future.add_done_callback(lambda done: job.cancel(check=False) if done.cancelled() else None)
        return future

    def watch(self) -> None:
        while not self.closed.wait(POLL_SECONDS):
            try:
                running, self.unreachable = running_jobs(), ""
            except (OSError, subprocess.SubprocessError):
                running, self.unreachable = None, "Slurm does not answer"
            for future, job in list(self.jobs.items()):
                self.settle(future, job, running)

    def settle(self, future: Future, job, running: set[str] | None) -> None:
        """Give a future the result of its job, or say that the job has ended without one."""
        ended = job.paths.result_pickle.exists()
        if not ended and running is not None and job.job_id not in running:
            ended = time.monotonic() - self.missing.setdefault(future, time.monotonic()) > LATE_SECONDS
        if future.cancelled() or not ended:
            return
        del self.jobs[future]
        try:
            if not job.paths.result_pickle.exists():
                raise RuntimeError(f"Slurm ended job {job.job_id} before it had a result{last_line(job)}")
            future.set_result(job.result())
        except Exception as error:
            future.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.closed.set()
        if all(future.done() for future in self.jobs):
            shutil.rmtree(self.folder, ignore_errors=True)


def running_jobs() -> set[str]:
    """The numbers of this user's jobs that wait or run."""
    answer = subprocess.run(
        ["squeue", "--me", "--noheader", "--format=%A"], capture_output=True, encoding="utf-8", check=True, timeout=60
    )
    return set(answer.stdout.split())


def last_line(job) -> str:
    """The end of what a job has written to its log, for a message."""
    lines = (job.stderr() or "").strip().splitlines()
    return f": {lines[-1]}" if lines else ""
