"""A full disk, said in one line with the place that is full."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from reglab.core.errors import WorkError

# What libraries say: Rust (safetensors), SQLite, and Python where it tries where temporary files can be written
WORDS = ("No space left on device", "Disk quota exceeded", "disk is full", "No usable temporary directory")
TORCH = "PytorchStreamWriter failed"  # which does not say why
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
LEFT = 64 * 1024  # bytes: the next file does not fit


def full(*folders: Path) -> str:
    """The first of these folders, or that of temporary files, whose disk is full; empty if none is."""
    for folder in (*folders, Path(os.environ.get("TMPDIR", "/tmp"))):
        with contextlib.suppress(OSError):
            if shutil.disk_usage(folder).free < LEFT:
                return str(folder)
    return ""


def said(path: str) -> str:
    return f"{path}: no space left on this disk. What is finished is kept: free some, then say it again."


@contextlib.contextmanager
def named(folder: Path) -> Iterator[None]:
    """Raise `WorkError` in place of an error of the block that a full disk caused, or a file that may not be read or written.

    It names the file where that is known, else the folder on the full disk: `folder`, the main checkout, or that of
    temporary files.
    """
    try:
        yield
    except Exception as error:
        errors = list(chain(error))
        paths = [each.filename for each in errors if isinstance(each, OSError) and each.filename]
        place = full(folder, Path(os.environ.get("DVC_ROOT", folder)))
        if any(map(is_full, errors)):
            raise WorkError(said((paths or [place or folder])[0])) from None
        if place and any(TORCH in str(each) for each in errors):
            raise WorkError(said(place)) from None
        if isinstance(error, OSError) and error.errno in NOT_ALLOWED and error.filename:
            path = os.fsdecode(error.filename)
            raise WorkError(f"{path}: {error.strerror}; the study reads and writes in its own folder") from None
        raise


def is_full(error: BaseException) -> bool:
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or any(word in str(error) for word in WORDS)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
