"""Repairs dvc.lock (the suite has one, too) and `.dvc/tmp/rwlock`, which DVC writes in place, after a kill."""

import json
import os
import re
from pathlib import Path

from reglab.runtime import git
from reglab.runtime.exclusive import no_dvc

# Each lock, and the copy of its last complete content.
LOCKS = {
    Path("dvc.lock"): Path(".reglab", "dvc.lock"),
    Path("suite", "dvc.lock"): Path(".reglab", "suite-dvc.lock"),
}


def recover(root: Path) -> list[str]:
    """Repair the files that DVC writes in place; returns what was done, a line each.

    dvc.lock is restored from the last complete copy, else from git; without either it is removed, and every stage runs
    again. The results of stages that ran since then are taken from DVC's cache. Claims on paths are removed, because the
    processes that made them have ended. Raises `WorkError` and changes nothing while a DVC process works in the checkout.
    """
    done = []
    with no_dvc(root):
        for name, copy in LOCKS.items():
            lock, kept = root / name, root / copy
            if lock.exists() and not keep_lock(lock, kept):
                committed = git.run_git(root, "show", f"HEAD:./{name.as_posix()}") or b""
                candidates = [kept.read_bytes() if kept.exists() else b"", committed]
                good = next((content for content in candidates if is_whole(content)), None)
                replace(lock, good) if good else lock.unlink()
                done.append(
                    f"{name} is not whole (a kill in the middle of writing, or a merge); "
                    + ("restored" if good else "removed, every stage runs again")
                )
        claims = root / ".dvc" / "tmp" / "rwlock"
        if claims.exists() and has_claims(claims.read_bytes()):
            claims.unlink()
            done.append(f"{claims.relative_to(root)}: removed the claims of a DVC that was killed")
        tidy_run_cache(root / ".dvc" / "cache" / "runs")
    return done


def keep(root: Path) -> bool:
    """Keep a copy of each dvc.lock that is complete; returns whether the study's is."""
    whole = {name: keep_lock(root / name, root / copy) for name, copy in LOCKS.items()}
    return whole[Path("dvc.lock")]


def keep_lock(lock: Path, kept: Path) -> bool:
    """Keep a copy of a dvc.lock if it is complete; returns whether it is."""
    if not lock.exists():  # as after `repro --dry` before the first run
        return False
    content = lock.read_bytes()
    if kept.exists() and kept.read_bytes() == content:  # the usual case, and DVC's schema takes a second to import
        return True
    if not is_whole(content):
        return False
    kept.parent.mkdir(exist_ok=True)
    replace(kept, content)
    return True


def is_whole(content: bytes) -> bool:
    """Whether a dvc.lock was written to its end, as far as DVC would not notice itself.

    An incomplete lock may still be valid YAML and fit DVC's schema. Then its last line is cut off or its last stage lacks
    entries. If an entry is missing that DVC compares, the stage runs again; sizes, which DVC does not compare, are checked
    here.
    """
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from ruamel.yaml import YAML, YAMLError
    from voluptuous import Invalid

    if not content.endswith(b"\n"):
        return False
    try:
        stages = COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(content))["stages"]
    except (YAMLError, Invalid, KeyError, UnicodeDecodeError):
        return False
    files = [file for stage in stages.values() for part in ("deps", "outs") for file in stage.get(part, ())]
    return bool(stages) and all(
        "size" in file and ("nfiles" in file or not file.get("md5", "").endswith(".dir")) for file in files
    )


def tidy_run_cache(folder: Path) -> None:
    """Remove half-written files and empty folders from DVC's run cache: DVC would read the former and fail at the latter."""
    for run in folder.glob("*/*"):
        if not run.is_dir():  # not made by DVC, such as .DS_Store
            continue
        for entry in run.iterdir():
            complete = re.fullmatch("[0-9a-f]{64}", entry.name)  # DVC renames a file to its digest when it is complete
            if entry.is_file() and not complete:
                entry.unlink()
        if not any(run.iterdir()):
            run.rmdir()


def has_claims(content: bytes) -> bool:
    """Whether the text of an rwlock claims a path, or is incomplete."""
    try:
        return any(json.loads(content).values())
    except (ValueError, AttributeError):
        return True


def replace(path: Path, content: bytes) -> None:
    """Write a file so that a kill leaves either the old or the new content."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    os.replace(partial, path)
