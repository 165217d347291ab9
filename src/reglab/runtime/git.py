"""Asks git about a checkout, also where there is no repository: an unpacked archive, another user's checkout."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from reglab.core.errors import UserError

PLAIN = (
    b"# Made by reglab where there is no git repository, and removed when there is one.\n[core]\n    no_scm = true\n"
)


def run_git(folder: Path, *arguments: str) -> bytes | None:
    """The output of a git command; None if it fails or git is not installed."""
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def refuses(folder: Path) -> bool:
    """Whether git does not read the checkout because it belongs to another user ("dubious ownership")."""
    try:
        done = subprocess.run(["git", "status"], cwd=folder, capture_output=True, env=os.environ | {"LC_ALL": "C"})
    except FileNotFoundError:
        return False
    return done.returncode != 0 and b"dubious ownership" in done.stderr


def prepare(root: Path) -> str:
    """Let DVC run without a repository where there is none; returns a line for the user, or nothing.

    DVC's own setting for this is `core.no_scm`, which is removed when there is a repository.
    """
    config = root / ".dvc" / "config.local"
    written = config.read_bytes() if config.exists() else b""
    if run_git(root, "rev-parse", "--git-dir") is not None:
        if written == PLAIN:
            config.unlink()
        return ""
    if refuses(root):
        return (
            f"{root}: belongs to another user, so git refuses to read it and the report cannot name the commit; to trust it:"
            f" git config --global --add safe.directory {shlex.quote(str(root))}"
        )
    if not written:
        config.write_bytes(PLAIN)
    elif b"no_scm" not in written:
        raise UserError(f"{config}: found no git repository here; add no_scm = true under [core], or run git init")
    return f"{root}: no git repository here, so the report names no commit; dvc exp and dvc metrics diff need git init"


def files(root: Path) -> list[str]:
    """The files that git knows or would add, relative to `root`; also where there is no repository, by .gitignore.

    Raises UserError where git is not installed.
    """
    listed = run_git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is None:
        with tempfile.TemporaryDirectory() as empty:
            run_git(root, "init", "--quiet", "--bare", empty)
            outside = (f"--git-dir={empty}", f"--work-tree={root}")
            listed = run_git(root, *outside, "ls-files", "-z", "--others", "--exclude-standard")
    if listed is None:
        raise UserError(f"{root}: a profile needs git, which lists the files to copy; found no git: install it")
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]
