"""The one process that mirrors the journal while stages train: no training waits for MLflow or fails with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from reglab.core.redaction import redact
from reglab.runtime import warm
from reglab.runtime.exclusive import repro_at_work
from reglab.runtime.priority import let_others_go_first

LONGEST = 28.0  # seconds that it runs on when nothing trains, whatever MLflow does


def following(root: Path) -> str:
    """A line on the follower of a checkout, if one is running, and how long it stays."""
    lock = root / ".reglab" / "follower.lock"
    try:
        if lock.exists():
            with FileLock(lock, timeout=0):
                pass
    except Timeout:
        return f"MLflow still gets what it lacks; that ends by itself within {LONGEST + 2:.0f} seconds.\n"
    return ""


def start_follower(root: Path) -> None:
    """Start the follower of a checkout, detached; beside a running one it ends by itself.

    A stage calls it after writing `run.json`, so that either the running one or the new one sees the entry.
    """
    folder = root / ".reglab"
    folder.mkdir(parents=True, exist_ok=True)
    script = [str(Path(__file__).with_name("__main__.py")), str(root.resolve())]
    with (folder / "mirror.log").open("ab") as log, open(os.devnull, "rb") as nothing:
        if warm.request_run(script, root, [nothing.fileno(), log.fileno(), log.fileno()], detached=True):
            return
        subprocess.Popen(
            [sys.executable, "-m", "reglab.tracking.mirror", str(root.resolve())],
            stdin=nothing,
            stdout=log,
            stderr=log,
            cwd=root,
            start_new_session=True,
        )


def follow(root: Path, interval: float = 2.0, linger: float = 15.0, longest: float = LONGEST) -> None:
    """Mirror the journal whenever it has changed, every `interval` seconds or less often where a pass is long.

    Ends when for `linger` seconds nothing has trained and nothing has changed, and `longest` seconds after the last
    training also in the middle of what it does: what could not be mirrored, as without a server, waits in the journal for
    the next stage or `reglab sync`.
    """
    lock = FileLock(root / ".reglab" / "follower.lock")
    try:
        # Its holder reads the journal once more before releasing it, so a process that waits in vain is not needed.
        lock.acquire(timeout=5)
    except Timeout:
        return
    with lock, ended_after_the_last_training(root, longest):
        let_others_go_first()
        from reglab.tracking.mirror.store import load

        sent: dict[str, set[int]] = {}
        mirrored, problems, pause, alive, waits = {}, [], interval, time.monotonic(), False
        while True:
            current = state(root)
            active = current != mirrored or any(training for _, training in current.values())
            if not active and time.monotonic() - alive > linger:
                return
            if not active and not waits:
                log(f"nothing trains: it ends within {longest + 2:.0f} seconds unless a training begins")
            waits = not active
            if current != mirrored or problems:
                load()
                spent = time.process_time()
                before, problems = problems, attempt(root, sent)
                for line in problems:
                    if line not in before:
                        log(line)
                mirrored = current
                pause = min(max(interval, 10 * (time.process_time() - spent)), 10.0)
            if active:
                alive = time.monotonic()
            time.sleep(pause)


@contextmanager
def ended_after_the_last_training(root: Path, longest: float) -> Iterator[None]:
    """End this process when nothing has trained for `longest` seconds, for a server may keep a request for longer."""
    from reglab.tracking.mirror.sync import entries, trains

    trained = time.monotonic()

    def look(number: int, frame) -> None:
        nonlocal trained
        if any(trains(entry) for entry in entries(root)):
            trained = time.monotonic()
        elif time.monotonic() - trained > longest:
            log(f"ended: nothing has trained for {longest:.0f} seconds")
            os._exit(0)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 1.0, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)


def log(line: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S"), line, flush=True)


def attempt(root: Path, sent: dict[str, set[int]]) -> list[str]:
    """Mirror once; an error becomes a line of the log."""
    from reglab.tracking.mirror.sync import mirror

    try:
        return mirror(root, sent)
    except Exception as error:
        return [redact(f"{type(error).__name__}: {error}")]


def state(root: Path) -> dict[Path, tuple[int, bool]]:
    """The size of every file that the mirror reads, and whether its entry is being trained; whether DVC is at work too."""
    from reglab.tracking.mirror.sync import entries, trains

    sizes = {root: (int(repro_at_work(root)), False)}
    for entry in entries(root):
        training = trains(entry)
        for file in entry.glob("*.json*"):
            with suppress(FileNotFoundError):
                sizes[file] = file.stat().st_size, training
    return sizes
