"""`mirror`: from the journal to MLflow, once over all entries. `sync`: from records to MLflow, what it lacks."""

import json
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from reglab.errors import UserError
from reglab.tracking import content, curves, recipe
from reglab.tracking.recipe import Recipe
from reglab.tracking.store import Store, now, open_store, plain_errors


@contextmanager
def sole_writer(root: Path) -> Iterator[None]:
    """At most one process at a time writes to the tracking store for a checkout."""
    lock = root / ".reglab" / "mirror.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=120):
            yield
    except Timeout:
        raise UserError(f"{lock}: another process has been writing to MLflow for two minutes; try again") from None


def mirror(journal: Path, root: Path, sent: dict[str, set[int]] | None = None) -> list[str]:
    """Send to MLflow what the journal has and MLflow lacks; entries with a record are completed and removed.

    Returns what went wrong, a line each: those entries stay for the next pass. `sent` is filled with what was sent, so
    that the next call with it sends only what is new.
    """
    with sole_writer(root):
        return _mirror(journal, root, {} if sent is None else sent)


def _mirror(journal: Path, root: Path, sent: dict[str, set[int]]) -> list[str]:
    for rest in journal.glob(".*"):
        shutil.rmtree(rest, ignore_errors=True)
    problems, destinations = [], defaultdict(list)
    for entry in entries(journal):
        try:
            about = json.loads((entry / "run.json").read_text())
            destinations[about["tracking"]["uri"], about["tracking"]["experiment"]].append((entry, about))
        except (OSError, ValueError, LookupError) as error:
            problems.append(f"{entry / 'run.json'}: cannot be read ({type(error).__name__}: {error})")
    for (uri, experiment), group in destinations.items():
        try:
            store = open_store(uri, experiment, root)
        except UserError as error:
            problems += error.lines
            continue
        for entry, about in group:
            try:
                mirror_entry(store, entry, about, root, sent)
            except Exception as error:  # one bad entry must not keep the others out of the UI
                problems.append(f"{entry}: {type(error).__name__}: {error}")
    return problems


def entries(journal: Path) -> list[Path]:
    """The trainings in the journal, those with a record first (one of the same key may have begun anew)."""
    found = (file.parent for file in journal.glob("*/run.json") if not file.parent.name.startswith("."))
    return sorted(found, key=lambda entry: (not (entry / "record.json").exists(), entry.name))


def mirror_entry(store: Store, entry: Path, about: dict, root: Path, sent: dict[str, set[int]]) -> None:
    record = recipe.read(entry)  # before the curves: they are whole once it is there
    runs = recipe.of_training(store, about["key"])
    if record and recipe.of_record(store, record).complete(record):
        # The same training once more: one run tells it.
        for run in (*runs.seeds.values(), runs.parent) if runs.parent else ():
            store.delete(run)
    else:
        journal = curves.read_journal(entry)
        recipe.update(store, Recipe(about, {content.KEY: about["key"]}, journal, record, root), runs, sent)
    if record:
        rest = entry.with_name("." + entry.name)
        entry.rename(rest)
        shutil.rmtree(rest, ignore_errors=True)


class Synced(NamedTuple):
    """How many records lacked runs and have them now, how many had them, what of the journal could not be mirrored."""

    restored: int
    present: int
    problems: list[str]


def sync(
    runs: Path, names: Iterable[tuple[str, str]], root: Path, journal: Path, uri: str | None, experiment: str
) -> Synced:
    """Give MLflow every run that the records have and it lacks; once more changes nothing.

    `names` are the (family, name) of the records expected in `runs`, `uri` and `experiment` the entries of `tracking:`.
    Runs of this checkout that are RUNNING without a journal entry (their training was given up) are marked KILLED.
    Raises `UserError` when MLflow cannot be reached.
    """
    with sole_writer(root), plain_errors(uri, root):
        store = open_store(uri, experiment, root)
        problems = _mirror(journal, root, {})
        restored = present = 0
        stages, commit = stages_by_output(runs.parent), head(runs.parent)
        for family, name in names:
            record = recipe.read(runs / family / name)
            if record is None:
                continue
            found = recipe.of_record(store, record)
            if found.complete(record):
                present += 1
                continue
            tags = {"dvc_stage": stages.get(f"{runs.name}/{family}/{name}"), "git_commit": commit}
            about = record.values | {"tags": tags}
            recipe.update(store, Recipe(about, {content.RECORD: record.digest}, {}, record, root), found, {})
            restored += 1
        keys = {entry.name for entry in entries(journal)}
        for run in store.find("attributes.status = 'RUNNING'"):
            if run.data.tags.get(content.SOURCE) == content.source(root) and run.data.tags.get(content.KEY) not in keys:
                store.end(run, "KILLED", now())
    return Synced(restored, present, problems)


def stages_by_output(workspace: Path) -> dict[str, str]:
    """The DVC stage that makes each output, as dvc.lock has it; nothing where DVC has not run."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        lock = YAML(typ="safe").load(workspace / "dvc.lock") or {}
    except (FileNotFoundError, YAMLError):  # DVC writes it in place: a kill may leave half of it
        return {}
    return {out["path"]: stage for stage, entry in lock.get("stages", {}).items() for out in entry.get("outs", [])}


def head(workspace: Path) -> str | None:
    """The commit that is checked out; None outside git."""
    command = ["git", "-C", str(workspace), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None
    except FileNotFoundError:
        return None
