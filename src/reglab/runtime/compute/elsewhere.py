"""Sends the trainings of a stage to an engine, tries again what fails, and puts the files where they belong."""

import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from reglab.core.errors import UserError, WorkError
from reglab.runtime.compute import machine
from reglab.runtime.compute.engine import Engine
from reglab.runtime.compute.payload import Job, dump_call, tidy
from reglab.runtime.compute.worker import JobResult
from reglab.runtime.processes import Progress, on_signals, run_all
from reglab.runtime.recovery import replace

POLL_SECONDS = 0.25
GONE_SECONDS = 15.0  # for which a scheduler may be unreachable


@dataclass(frozen=True)
class JobBuilder:
    """The study that jobs are of: the stage, its list of code as in data/code, and the main checkout."""

    stage: str
    code: str
    checkout: Path

    def jobs(self, calls: Sequence[tuple], folder: Path) -> list[Job | None]:
        """A job for each call (function, *arguments); None for one that mentions no path in `folder`: it leaves no file."""
        store = self.checkout / ".reglab" / "arrays"
        tidy(store)
        dumped = [dump_call(call, folder, store) for call in calls]
        shared = {"study": Path.cwd(), "code": self.code, "versions": machine.versions(), "folder": folder.absolute()}
        return [Job(self.stage, **shared, folders=folders, call=call) if folders else None for call, folders in dumped]


@dataclass(frozen=True)
class Elsewhere:
    """Runs the trainings of a stage by an engine that is not `local`."""

    collects: ClassVar[bool] = False
    engine: Engine
    study: JobBuilder

    def run(
        self,
        calls: Sequence[tuple],
        folder: Path,
        joined: Callable[[Sequence[tuple], int], list[tuple]],
        progress: Progress | None,
        processes: int | None,
    ) -> list:
        """As `tracking.stage.Stage.train`. Calls that leave no file are done here meanwhile."""
        if not calls:
            return []
        with self.engine.executor(processes) as executor:
            calls = joined(calls, self.engine.workers(executor))
            jobs = self.study.jobs(calls, folder)
            sent = {place: job for place, job in enumerate(jobs) if job}
            here = {place: call for place, call in enumerate(calls) if place not in sent}
            with Futures(self.engine, executor, sent).cancelled_on_error() as futures:
                values = dict(zip(here, run_all(here.values(), processes=processes), strict=True)) if here else {}
                values |= futures.results(progress)
        return [values[place] for place in range(len(calls))]


class Futures:
    """Jobs by their place, as they are sent to an executor until each has come back."""

    def __init__(self, engine: Engine, executor: Executor, jobs: dict[int, Job]) -> None:
        self.engine, self.executor, self.jobs = engine, executor, jobs
        self.contents = {place: job.dumps() for place, job in jobs.items()}
        self.attempts = dict.fromkeys(jobs, 0)
        self.pending: dict[Future, int] = {}
        for place in jobs:
            self.send(place)

    def send(self, place: int) -> None:
        self.attempts[place] += 1
        self.pending[self.executor.submit(self.engine.work, self.contents[place])] = place

    @contextmanager
    def cancelled_on_error(self) -> Iterator[Self]:
        """Cancel what has not come back where the block raises or this process is interrupted."""

        def cancel() -> None:
            for future in self.pending:
                future.cancel()

        def leave(number: int, frame) -> None:
            cancel()
            os._exit(128 + number)

        with on_signals(leave):
            try:
                yield self
            except BaseException:
                cancel()
                raise

    def results(self, progress: Progress | None = None) -> dict[int, object]:
        """Wait for all, put their files where they belong as they come; the value of each call by its place.

        WorkError with the job's own message where one has failed as often as the engine tries, UserError at once.
        """
        values, processors = {}, set()
        with progress.bar() if progress else nullcontext(lambda: None) as update:
            while self.pending:
                done, _ = wait(self.pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                self.wait_while_lost()
                for future in done:
                    place = self.pending.pop(future)
                    result = result_of(future, self.engine.name)
                    if result.problem:
                        self.again(place, result)
                    else:
                        receive(result, self.jobs[place].folder)
                        values[place] = result.value
                        processors.add(result.processor)
                update()
        if len(processors) > 1:
            kinds = "; ".join(sorted(processors))
            print(f"Trained on several kinds of processor, whose last digits may differ: {kinds}", file=sys.stderr)
        return values

    def wait_while_lost(self) -> None:
        """Wait until the engine can be reached; WorkError where that takes too long."""
        deadline = time.monotonic() + GONE_SECONDS
        while reason := self.engine.lost(self.executor):
            if time.monotonic() > deadline:
                raise WorkError(f"{reason}. What is finished is kept: run the command again to go on from there.")
            time.sleep(POLL_SECONDS)

    def again(self, place: int, result: JobResult) -> None:
        """Send a job again that has failed, or raise its error."""
        if result.of_user:
            raise UserError(*result.problem.splitlines())
        tried = self.attempts[place]
        if tried < self.engine.attempts:
            print(f"{self.jobs[place].title}: {result.worker}: {result.problem}; trying again", file=sys.stderr)
            self.send(place)
            return
        print(result.traceback, end="", file=sys.stderr)
        times = f"failed {tried} times, at last on " if tried > 1 else "failed on "
        raise WorkError(f"{self.jobs[place].title}: a training {times}{result.worker}: {result.problem}")


def result_of(future: Future, engine: str) -> JobResult:
    """The result of a job that has ended; of one whose worker has died, what the executor of the engine says."""
    try:
        return pickle.loads(future.result())
    except CancelledError:
        return JobResult(engine, problem="it has lost the job")
    except UserError:
        raise
    except Exception as error:
        return JobResult(engine, problem=f"{type(error).__name__}: {error}")


def receive(result: JobResult, folder: Path) -> None:
    """Put the files of a training where they belong, each whole, and last those that say that a seed is finished; beside
    them stands on which kind of processor they were made.
    """
    for name, content in sorted(result.files.items(), key=lambda item: item[0].endswith(".safetensors")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, content)
    places = {(folder / name).parent for name in result.files}
    for place in places or {folder}:  # a job that was done in its own folder hands no files back
        machine.note_processors(place, [result.processor])
