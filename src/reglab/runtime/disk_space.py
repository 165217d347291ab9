"""Reports a full disk in one line that names the full place."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from reglab.core.errors import UserError, WorkError

# The messages of Rust (safetensors), SQLite, and Python when it looks for a folder for temporary files.
MESSAGES = ("No space left on device", "Disk quota exceeded", "disk is full", "No usable temporary directory")
TORCH_MESSAGE = "PytorchStreamWriter failed"  # without the reason
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
LEAST_FREE = 64 * 1024  # bytes; with fewer the next file does not fit


def full_folder(*folders: Path) -> str:
    """The first of these folders and that of temporary files whose disk is full; empty if none is."""
    for folder in (*folders, Path(os.environ.get("TMPDIR", "/tmp"))):
        with contextlib.suppress(OSError):
            if shutil.disk_usage(folder).free < LEAST_FREE:
                return str(folder)
    return ""


def full_message(path: str) -> str:
    return f"{path}: no space left on this disk. What is finished is kept: free some space, then run the command again."


@contextlib.contextmanager
def plain_errors(folder: Path) -> Iterator[None]:
    """Raise `WorkError` instead of an error of the block that a full disk or missing permissions caused, and `UserError`
    instead of one that a path caused which no file can have.

    It names the file where that is known, else the folder on the full disk: `folder`, the main checkout, or that of
    temporary files.
    """
    try:
        yield
    except Exception as error:
        errors = list(error_chain(error))
        paths = [each.filename for each in errors if isinstance(each, OSError) and each.filename]
        place = full_folder(folder, Path(os.environ.get("DVC_ROOT", folder)))
        if any(map(is_full, errors)):
            raise WorkError(full_message((paths or [place or folder])[0])) from None
        if place and any(TORCH_MESSAGE in str(each) for each in errors):
            raise WorkError(full_message(place)) from None
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            path = os.fsdecode(error.filename or "a path")
            allowed = "names of at most 255 bytes, as file systems have them"
            raise UserError(f"{path}: found a name that is too long for a file; allowed: {allowed}") from None
        if isinstance(error, OSError) and error.errno in NOT_ALLOWED and error.filename:
            path = os.fsdecode(error.filename)
            raise WorkError(f"{path}: {error.strerror}; the study reads and writes in its own folder") from None
        raise


def is_full(error: BaseException) -> bool:
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or any(word in str(error) for word in MESSAGES)


def error_chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and its causes."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
