"""Trains ahead of DVC, which runs one stage after another: no core is idle while one ends and the next one begins.

    dvc repro -+- a stage   waits until its trainings are done, and collects them
               +- ahead     finds what is stale in DVC's order, and does its trainings in one pool

What DVC runs, in which order, and what it keeps are the same without. What is not done here, as after an error, the stage
does itself.
"""

import contextlib
import heapq
import itertools
import time
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from reglab.core.errors import UserError, WorkError
from reglab.runtime.compute.ahead_schedule import Schedule
from reglab.runtime.compute.elsewhere import POLL_SECONDS, result_of
from reglab.runtime.compute.engine import Engine
from reglab.runtime.compute.payload import Job
from reglab.runtime.compute.spool import collect
from reglab.runtime.compute.stale import Staleness


@dataclass(eq=False)
class Turn:
    """A stage that trains, at its place in DVC's order, with the jobs that were collected last and how many have to end.

    It is `behind` the folders of its jobs where those of another stage were being done.
    """

    stage: str
    place: int
    jobs: list[Job] = field(default_factory=list)
    behind: set[Path] = field(default_factory=set)
    done: int = 0
    left: int = 0
    failed: bool = False
    locks: ExitStack = field(default_factory=ExitStack)

    @property
    def folders(self) -> set[Path]:
        return {job.folder for job in self.jobs}


class Ahead:
    """Does the trainings of the stages of a schedule in an executor of this machine, those of the next stage first.

    `trains` are the stages that train, `searches` those of them that train what they have chosen behind what they tried;
    `code` are the lines of their lists of code, of the files as this process has imported them.
    `locked(folder, stage)` keeps other processes out of a folder of the journal.
    """

    def __init__(
        self,
        schedule: Schedule,
        staleness: Staleness,
        engine: Engine,
        processes: int,
        trains: Collection[str],
        searches: Collection[str],
        code: Collection[str],
        locked: Callable[[Path, str], AbstractContextManager],
    ) -> None:
        self.schedule, self.staleness, self.locked = schedule, staleness, locked
        self.engine, self.processes, self.searches, self.code = engine, processes, searches, {*code}
        turns = [Turn(stage, place) for place, stage in enumerate(schedule.stages())]
        self.waiting = [turn for turn in turns if turn.stage in trains]  # nothing has been collected of them
        self.ready: list[tuple[int, int, Turn, Job]] = []  # a heap, by the place of the stage and a running number
        self.numbers = itertools.count()
        self.pending: dict[Future, Turn] = {}
        for turn in turns:
            if turn.stage not in trains:
                schedule.leave(turn.stage)

    def run(self) -> None:
        """Until nothing is left to do, or DVC, whose end is that of this process, has ended."""
        with self.engine.executor(self.processes) as executor, contextlib.suppress(BrokenProcessPool):
            while self.waiting or self.ready or self.pending:
                self.send(executor)
                if len(self.ready) < self.processes and (turn := self.next_turn()):
                    self.collect(turn)
                elif self.pending:
                    self.receive()
                else:
                    time.sleep(POLL_SECONDS)  # all that waits, waits for DVC

    def send(self, executor: Executor) -> None:
        """Give each process a job and one more to the executor, so that none waits for this process."""
        while self.ready and len(self.pending) <= self.processes:
            *_, turn, job = heapq.heappop(self.ready)
            self.pending[executor.submit(self.engine.work, job.dumps())] = turn

    def next_turn(self) -> Turn | None:
        """The next stage that would train; those that would not, and those that DVC has passed, are left on the way."""
        passed, busy = self.schedule.passed(), self.busy()
        for turn in [*self.waiting]:
            if turn.behind & busy:
                continue
            reached = turn.stage in passed or self.staleness.needed(turn.stage) <= passed
            if not reached and not self.schedule.is_awaited(turn.stage):
                continue
            self.waiting.remove(turn)
            if turn.stage not in passed and (turn.behind or self.staleness.would_run(turn.stage)):
                return turn
            self.schedule.leave(turn.stage)
        return None

    def busy(self) -> set[Path]:
        """The folders in which jobs are being done."""
        turns = (*self.pending.values(), *(turn for _, _, turn, _ in self.ready))
        return {folder for turn in turns for folder in turn.folders}

    def collect(self, turn: Turn) -> None:
        """Make ready what the stage would train now: of a search its trials, and behind them what it has chosen."""
        before = turn.jobs
        try:
            turn.jobs = collect(Path.cwd(), [turn.stage], self.processes, quiet=True)
        except WorkError:  # the stage itself will fail so, and say why
            turn.jobs = []
        if not turn.jobs or turn.jobs == before or not all(map(self.has_code, turn.jobs)):
            self.schedule.leave(turn.stage)
            return
        if turn.folders & self.busy():  # as where two ensembles have the same members
            turn.behind, turn.jobs = turn.folders, before
            self.waiting.insert(0, turn)
            return
        for folder in turn.folders:
            turn.locks.enter_context(self.locked(folder, turn.stage))
        turn.left = len(turn.jobs)
        self.schedule.report(turn.stage, turn.done, turn.done + turn.left)
        for job in turn.jobs:
            heapq.heappush(self.ready, (turn.place, next(self.numbers), turn, job))

    def has_code(self, job: Job) -> bool:
        """Whether the job would be done here by the code that it is filed under; a file may have been edited meanwhile."""
        return self.code.issuperset(job.code.splitlines())

    def receive(self) -> None:
        """Wait for jobs to end; where they were the last ones of a stage, collect what is behind them."""
        ended, _ = wait(self.pending, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in ended:
            turn = self.pending.pop(future)
            turn.done, turn.left = turn.done + 1, turn.left - 1
            if self.has_failed(future):
                turn.failed = True
                left_out = [each for each in self.ready if each[2] is turn]
                self.ready = [each for each in self.ready if each[2] is not turn]
                heapq.heapify(self.ready)
                turn.left -= len(left_out)
            self.schedule.report(turn.stage, turn.done, turn.done + turn.left)
            if turn.left:
                continue
            turn.locks.close()
            if turn.stage in self.searches and not turn.failed:
                self.collect(turn)
            else:
                self.schedule.leave(turn.stage)

    def has_failed(self, future: Future) -> bool:
        """Whether the job that has ended has failed, for whatever reason: its stage will say why."""
        try:
            return bool(result_of(future, self.engine.name).problem)
        except UserError:
            return True
