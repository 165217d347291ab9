"""The main checkout: its root, locks between its processes, atomic writes."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout


def root() -> Path:
    """The main checkout: DVC names it also when it runs an experiment in a temporary copy."""
    if "DVC_ROOT" in os.environ:
        return Path(os.environ["DVC_ROOT"])
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "params.yaml").exists()), here)


@contextlib.contextmanager
def locked(path: Path, name: str) -> Iterator[None]:
    """Hold the lock file; print a line while another process holds it."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"{name}: another process runs the same recipe on the same data; waiting for it", flush=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def write_atomically(path: Path, content: bytes) -> None:
    """The whole content or nothing appears at `path`, also after a crash."""
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:  # such as a full disk, for which `write` does not name the file
        partial.unlink(missing_ok=True)
        error.filename = error.filename or str(path)
        raise
