"""The one process that mirrors the journal while stages train: no training waits for MLflow or fails with it."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout


def start_follower(root: Path) -> None:
    """Start the follower of a checkout, detached; beside a running one it ends by itself.

    A stage calls it after writing `run.json`, so that either the running one or the new one sees the entry.
    """
    folder = root / ".reglab"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "mirror.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "reglab.tracking", str(root.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=root,
            start_new_session=True,
        )


def follow(root: Path, interval: float = 2.0, linger: float = 15.0, patience: float = 600.0) -> None:
    """Mirror the journal whenever it has changed, every `interval` seconds.

    Ends when the journal has been empty for `linger` seconds, or has not changed for `patience` seconds, as after a
    kill or without a server: its entries wait for the next stage or `reglab sync`.
    """
    lock = FileLock(root / ".reglab" / "follower.lock")
    try:
        # The one that holds it looks at the journal a last time before it lets go: who waits in vain is not needed.
        lock.acquire(timeout=5)
    except Timeout:
        return
    with lock:
        os.nice(10)
        from reglab.tracking.passes import mirror

        journal = root / ".reglab" / "journal"
        sent: dict[str, set[int]] = {}
        seen = mirrored = None  # the journal at the last look, and at the last pass without a problem
        delay, changed = interval, time.monotonic()
        while True:
            current = state(journal)
            if current != seen:
                seen, changed = current, time.monotonic()
            if current and current != mirrored:
                problems = attempt(mirror, journal, root, sent)
                for line in problems:
                    print(time.strftime("%Y-%m-%d %H:%M:%S"), line, flush=True)
                delay = min(2 * delay, 60.0) if problems else interval
                mirrored = mirrored if problems else current
            if time.monotonic() - changed > (patience if current else linger):
                return
            time.sleep(delay)


def attempt(mirror, journal: Path, root: Path, sent: dict[str, set[int]]) -> list[str]:
    """One pass; whatever goes wrong becomes a line of the log."""
    try:
        return mirror(journal, root, sent)
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]


def state(journal: Path) -> dict[Path, int]:
    """The size of every file that the mirror reads."""
    sizes = {}
    for file in journal.glob("*/*.json*"):
        with suppress(FileNotFoundError):
            sizes[file] = file.stat().st_size
    return sizes
