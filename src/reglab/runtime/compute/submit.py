"""`reglab submit`: trains what all stale stages need, all at once, and leaves it where `dvc repro` finds it."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from reglab.core.wording import many
from reglab.runtime.compute.elsewhere import Futures
from reglab.runtime.compute.engine import Engine
from reglab.runtime.compute.payload import Job
from reglab.runtime.compute.spool import collect
from reglab.runtime.compute.stale import Stale, preparations, stale
from reglab.runtime.dvc_repro import run_dvc
from reglab.runtime.processes import Progress
from reglab.runtime.recovery import recover


def submit(
    root: Path,
    engine: Engine,
    processes: int | None,
    unused: Collection[str],
    trainings: Callable[[], list[str]],
    locked: Callable[[Path, str], AbstractContextManager],
) -> int:
    """Bring data and code lists up to date, list what is stale, and train it; the exit code.

    `trainings()` names the stages that train, which is known when the lists of code are; `unused` stages are left out.
    `locked(folder, stage)` keeps other processes out of a folder of the journal. This process must be in `root`.
    """
    for line in recover(root):
        print(line, flush=True)
    first = [name for name in preparations(root) if name not in unused]
    code, received = run_dvc(root, ["--quiet", *first])
    if code or received:
        return 128 + received if received else 1
    state = stale(root, trainings())
    print(listing(state), flush=True)
    if not state.run:
        return 0
    count, before, asked = 0, [], state.run
    with engine.executor(processes) as executor:
        # The trials of searches are trained first, then what each search has chosen from them; a stage that lacks nothing now
        # will lack nothing later.
        while (jobs := collect(root, asked, engine.workers(executor))) and jobs != before:
            train(engine, executor, jobs, locked)
            count, before = count + len(jobs), jobs
            asked = [stage for stage in asked if stage in {job.title for job in jobs}]
    print(f"Trained: {many(count, 'job')} of {many(len(state.run), 'stage')}. dvc repro collects them.")
    return 0


def train(
    engine: Engine, executor: Executor, jobs: Sequence[Job], locked: Callable[[Path, str], AbstractContextManager]
) -> None:
    """Train in one pool what many stages need, while other processes are kept out of their folders."""
    with ExitStack() as locks:
        for folder, title in {job.folder: job.title for job in jobs}.items():
            locks.enter_context(locked(folder, title))
        with Futures(engine, executor, dict(enumerate(jobs))).cancelled_on_error() as futures:
            futures.results(Progress("submitted", "job", len(jobs), lambda: len(jobs) - len(futures.pending)))


def listing(state: Stale) -> str:
    """The stages that would run, and why others are left out, a line each."""
    lines = [f"{name}: to train" for name in state.run]
    lines += [f"{name}: DVC has its outputs from an earlier run; nothing to train" for name in state.restore]
    lines += [f"{name}: waits for a stage before it; submit again after dvc repro" for name in state.wait]
    return "\n".join(lines) or "Nothing is stale."
