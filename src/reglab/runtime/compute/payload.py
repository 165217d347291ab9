"""A job as bytes: a call whose large arrays and output folder are references, with what the worker must check before it.

A large array is written once, under the SHA-256 of its content, below `.reglab/arrays/`, which workers must reach; the job
carries the path and the fingerprint. Arrays that are mapped from the file of the prepared data stay there.
"""

import hashlib
import io
import os
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reglab.core.errors import WorkError
from reglab.runtime.recovery import replace

SMALL = 16 * 1024  # bytes of an array that travels within the job
KEPT_SECONDS = 7 * 24 * 3600.0  # for which an array that no job has used stays


@dataclass(frozen=True)
class Job:
    """One call for a worker: what is checked first, as plain values, and the pickled call."""

    title: str
    study: Path  # the folder of the study, from which its relative paths count
    code: str  # the stage's list of code, a line a file as in data/code: SHA-256 and path below the study
    versions: dict[str, str]
    folder: Path  # where the files belong that the call leaves
    folders: tuple[str, ...]  # below it, which must be there before the call
    call: bytes

    def dumps(self) -> bytes:
        return pickle.dumps(self)


def dump_call(job: tuple, folder: Path, store: Path) -> tuple[bytes, tuple[str, ...]]:
    """The call (function, *arguments) as bytes, and the paths in `folder` that it mentions; large arrays go into `store`."""
    stream = io.BytesIO()
    pickler = _Pickler(stream, folder, store)
    pickler.dump(job)
    return stream.getvalue(), tuple(sorted(pickler.mentioned))


def load_call(content: bytes, folder: Path) -> tuple:
    """The call, with `folder` in place of that of `dump_call`; WorkError where an array is missing or another one."""
    return _Unpickler(io.BytesIO(content), folder).load()


class _Pickler(pickle.Pickler):
    def __init__(self, stream: io.BytesIO, folder: Path, store: Path) -> None:
        super().__init__(stream, protocol=pickle.HIGHEST_PROTOCOL)
        self.folder, self.store, self.mentioned = folder, store, set()

    def persistent_id(self, value):
        if isinstance(value, Path) and value.is_relative_to(self.folder):
            below = value.relative_to(self.folder).as_posix()
            self.mentioned.add(below)
            return "folder", below
        if type(value) is np.ndarray and value.nbytes > SMALL and not value.dtype.hasobject:
            return "array", *keep_array(value, self.store)
        return None


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, folder: Path) -> None:
        super().__init__(stream)
        self.folder = folder

    def persistent_load(self, reference: tuple):
        kind, *where = reference
        return self.folder / where[0] if kind == "folder" else read_array(*where)


def keep_array(array: np.ndarray, store: Path) -> tuple[str, str]:
    """Write an array into the store unless it is there; its path and its fingerprint."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    content = stream.getvalue()
    fingerprint = hashlib.sha256(content).hexdigest()
    path = store.absolute() / f"{fingerprint}.npy"
    if path.exists():
        os.utime(path)  # it was used today
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, content)
    return str(path), fingerprint


def read_array(path: str, fingerprint: str) -> np.ndarray:
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise WorkError(f"{path}: no such file on this worker; it must reach the folder of the study") from None
    if hashlib.sha256(content).hexdigest() != fingerprint:
        raise WorkError(f"{path}: not the array of this job; its fingerprint differs")
    return np.load(io.BytesIO(content), allow_pickle=False)


def tidy(store: Path, now: Callable[[], float] = time.time) -> None:
    """Remove the arrays that no job has used for a week."""
    for file in store.glob("*.npy"):
        if now() - file.stat().st_mtime > KEPT_SECONDS:
            file.unlink(missing_ok=True)
