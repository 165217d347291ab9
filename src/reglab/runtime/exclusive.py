"""Locks that allow one `reglab repro` at a time in a checkout, and none while DVC works there.

Both write dvc.lock in place. A second process would take a file that is being written for one that a kill left incomplete.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from reglab.core.errors import WorkError

PATIENCE = 5.0  # seconds: long enough for a `dvc status`, or a DVC process whose parent was just killed, to end


@contextlib.contextmanager
def only_repro(root: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold `.reglab/repro.lock` of a checkout, with this process's id in it, while the block runs.

    The kernel releases it when this process ends, for whatever reason, because no child inherits the file. Raises
    `WorkError` if another process holds it, unless `wait`.
    """
    path = root / ".reglab" / "repro.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b", buffering=0) as file:
        if not _try_lock(file):
            holder = _holder(path)
            if not wait:
                raise WorkError(f"{root}: another reglab repro is at work here ({holder}); wait for it, or pass --wait")
            print(f"Waiting for another reglab repro here ({holder}) ...", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()).encode())
        try:
            yield
        finally:
            file.truncate(0)


def repro_at_work(root: Path) -> bool:
    """Whether a process holds the lock of `only_repro`; without trying it, which could keep another one from beginning."""
    path = root / ".reglab" / "repro.lock"
    try:
        pid, written = path.read_bytes().strip(), path.stat().st_mtime
    except FileNotFoundError:
        return False
    return pid.isdigit() and _alive(int(pid), written)


def _holder(path: Path) -> str:
    """The process that holds a lock file; it writes its id just after it has taken the lock."""
    for _ in range(20):
        pid = path.read_bytes().strip()
        if pid.isdigit() and _alive(int(pid)):
            return f"process {int(pid)}"
        time.sleep(0.05)
    return "a process that has just begun"


@contextlib.contextmanager
def no_dvc(root: Path) -> Iterator[None]:
    """Hold DVC's own lock of a checkout while the block runs, so that no DVC process begins to work there.

    Raises `WorkError` if one works for longer than `PATIENCE`: it holds the lock, or claims paths while a stage runs.
    """
    path = root / ".dvc" / "tmp" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + PATIENCE
    with path.open("a+b", buffering=0) as file:
        while worker := _dvc_at_work(root, file):
            if time.monotonic() > deadline:
                raise WorkError(f"{root}: DVC is at work here (process {worker}); wait until it ends")
            time.sleep(0.1)
        yield


def _dvc_at_work(root: Path, file) -> str:
    """The process id of a DVC process at work; empty if there is none, in which case its lock `file` was acquired.

    DVC takes the lock by zc.lockfile: flock, with the process id in the file.
    """
    if not _try_lock(file):
        return Path(file.name).read_text("utf-8").strip() or "unknown"
    working = claimants(root)
    if not working:
        return ""
    fcntl.flock(file, fcntl.LOCK_UN)  # which DVC needs to end
    return str(working[0])


def claimants(root: Path) -> list[int]:
    """The running DVC processes that claim paths of a checkout; DVC records the claims while a stage runs."""
    path = root / ".dvc" / "tmp" / "rwlock"
    try:
        claims, written = json.loads(path.read_text("utf-8")), path.stat().st_mtime
        writing = [claim["pid"] for claim in claims.get("write", {}).values()]
        reading = [claim["pid"] for readers in claims.get("read", {}).values() for claim in readers]
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):  # no such file, or an incomplete one
        return []
    return sorted({pid for pid in (*writing, *reading) if type(pid) is int and _alive(pid, written)})


def _alive(pid: int, begun_by: float = float("inf")) -> bool:
    """Whether a process with this id runs and started by then; the id of an ended process may have been reused since."""
    import psutil

    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= begun_by + 1
    except (psutil.Error, ValueError, OverflowError):  # the latter two: no valid process id
        return False


def _try_lock(file) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # as NFS without its lock service
        raise WorkError(f"{file.name}: this file system gives no locks ({error.strerror}); use another") from None
    return True
