"""Runs jobs in parallel: one process each with one thread, which all end with their parent."""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from reglab.core.errors import WorkError
from reglab.runtime.cores import usable_cores
from reglab.runtime.memory import keep_freed_memory

START = "fork" if sys.platform == "linux" else "spawn"  # of the processes of a pool


def die_with_parent(sign: int = signal.SIGKILL, parent: int | None = None) -> None:
    """On Linux, have this process get a signal when its parent ends; on other systems do nothing.

    `parent` is the id of the parent, if known: if that has ended already, this process ends at once.
    """
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, sign)
    if parent is not None and os.getppid() != parent:
        os._exit(128 + sign)


def exit_on_signals() -> None:
    """End with 130 at an interrupt and 143 at a termination, workers first; nothing incomplete is published."""

    def leave(number: int, frame) -> None:
        for worker in multiprocessing.active_children():
            worker.kill()
        os._exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)


@contextmanager
def on_signals(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Handle SIGINT and SIGTERM with `handler` while the block runs."""
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def begin_worker(parent: int, with_torch: bool) -> None:
    """The beginning of a process of a pool: it ends with its parent, and trains in one thread."""
    die_with_parent(parent=parent)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # otherwise Lightning ends the fit as if it were complete
    if with_torch:
        import torch

        torch.set_num_threads(1)
        keep_freed_memory()


def pool(processes: int | None, *, with_torch: bool = True) -> ProcessPoolExecutor:
    """So many processes, or one for each core, in which jobs run.

    They are forked where that is safe, which saves each of them the imports; concurrent.futures notices a worker that was
    killed, which multiprocessing.Pool does not. Jobs that need no torch do without its import, which takes seconds.
    """
    context, arguments = multiprocessing.get_context(START), (os.getpid(), with_torch)
    return ProcessPoolExecutor(processes or usable_cores(), context, begin_worker, arguments)


@dataclass(frozen=True)
class Progress:
    """A progress bar: `done()` of `total` units, and behind it a `note()`."""

    title: str
    unit: str
    total: int
    done: Callable[[], int]
    note: Callable[[], str] = str

    @contextmanager
    def bar(self) -> Iterator[Callable[[], None]]:
        """Show the bar while the block runs, where the output is a terminal; yields the function that updates it."""
        from tqdm import tqdm

        with tqdm(total=self.total, desc=self.title, unit=self.unit, disable=None, leave=False) as bar:

            def update() -> None:
                if not bar.disable:
                    bar.n = min(self.done(), self.total)
                    bar.set_postfix_str(self.note())

            yield update


def run_all(
    jobs: Iterable[tuple], *, processes: int | None, progress: Progress | None = None, with_torch: bool = True
) -> list:
    """Call every job (function, *arguments) in processes; the results in the jobs' order.

    The `progress` bar is updated about four times a second. The first exception ends all jobs.
    """
    shown = progress.bar() if progress else nullcontext(lambda: None)
    with shown as update, pool(processes, with_torch=with_torch) as executor:
        futures: list[Future] = [executor.submit(*job) for job in jobs]
        pending = set(futures)
        try:
            while pending:
                done, pending = wait(pending, timeout=0.25, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                update()
        except BaseException as error:
            executor.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.kill()
            if isinstance(error, BrokenProcessPool):
                raise WorkError("One of the parallel processes was killed, probably for lack of memory") from None
            raise
    return [future.result() for future in futures]
