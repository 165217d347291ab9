"""`mirror`: from the journal to MLflow, once over all entries. `sync_all`: from records to MLflow, what it lacks."""

import json
import shutil
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from reglab.core.errors import UserError
from reglab.runtime.exclusive import repro_at_work
from reglab.tracking.mirror import content, runs, verdict_tags, views
from reglab.tracking.mirror.store import Store, first_line, open_store, plain_errors, sole_writer


def entries(root: Path) -> list[Path]:
    """The trainings in the journal, those with a record first (one of the same key may have begun anew)."""
    folders = (file.parent for file in (root / ".reglab" / "journal").glob("[!.]*/run.json"))
    return sorted(folders, key=lambda entry: (not (entry / "record.json").exists(), entry.name))


def lock_of(entry: Path) -> FileLock:
    """The lock of a process that works on the entry (`journal.opened`)."""
    return FileLock(entry.with_name(f".{entry.name}.lock"), timeout=0)


def trains(entry: Path) -> bool:
    """Whether a process works on the entry."""
    try:
        with lock_of(entry):
            return False
    except Timeout:
        return True


def mirror(root: Path, sent: dict[str, set[int]]) -> list[str]:
    """Send to MLflow what the journal has and MLflow lacks; entries with a record are completed and removed.

    Returns what went wrong, a line each: those entries stay for the next pass. `sent` is filled with what was sent, so
    that the next call with it sends only what is new.
    """
    with sole_writer(root):
        return mirror_journal(root, sent)[1]


def mirror_journal(root: Path, sent: dict[str, set[int]]) -> tuple[set[str], list[str]]:
    """The digests of the records that were completed, and what went wrong. To be called by the sole writer."""
    for rest in (root / ".reglab" / "journal").glob(".*.mirrored"):
        shutil.rmtree(rest, ignore_errors=True)
    completed, problems, away, waits = set(), [], set(), repro_at_work(root)
    for entry in entries(root):
        try:
            about = json.loads((entry / "run.json").read_text(encoding="utf-8"))
            tracking = about["tracking"]
            destination = tracking["uri"], tracking["experiment"]
            if destination not in away:
                completed |= mirror_entry(
                    open_store(*destination, root, tracking.get("seeds")), entry, about, waits, root, sent
                )
        except UserError as error:  # MLflow is not there: every further entry would wait for it as long
            away.add(destination)
            problems += error.lines
        except Exception as error:  # one bad entry must not keep the others out of the UI
            problems.append(f"{entry}: {first_line(error)}")
    return completed, problems


def mirror_entry(
    store: Store, entry: Path, about: dict, waits: bool, root: Path, sent: dict[str, set[int]]
) -> set[str]:
    """The digest of the record, if the entry has one: then its runs are complete and it is removed."""
    recipe = runs.recipe_from_journal(entry, about, trains(entry), waits, root)
    mirrored = runs.runs_of_training(store, about["key"], root)
    if recipe.record and runs.runs_of_record(store, recipe.record).complete(recipe.record, store.seeds):
        for run in mirrored.all():  # the same training was run again: one run is enough
            store.delete(run)
    else:
        runs.update(store, recipe, mirrored, sent)
    if not recipe.record:
        return set()
    remove(entry, recipe.record)
    return {recipe.record.digest}


def remove(entry: Path, mirrored: runs.Record) -> None:
    """Remove the entry, unless a process has just begun the same training anew under its name."""
    with suppress(Timeout), lock_of(entry):
        if runs.read(entry) == mirrored:
            rest = entry.with_name(f".{entry.name}.mirrored")
            entry.rename(rest)
            shutil.rmtree(rest, ignore_errors=True)


def sync_all(params) -> str:
    """Give MLflow every run that the records in `runs/` have and it lacks, and say so; once more changes nothing.

    `params` is params.yaml as read. First what the journal holds is mirrored; the verdicts and the report follow. Runs of
    this checkout that have not ended and have no journal entry were given up and become KILLED. Raises `UserError` when
    MLflow cannot be reached.
    """
    from reglab.tracking import checkout

    root, uri, experiment = checkout.root(), params.tracking.uri, params.tracking.experiment
    seeds = params.tracking.seeds
    with sole_writer(root), plain_errors(uri, root):
        store = open_store(uri, experiment, root, seeds)
        labels = params.few_labels.labels_per_class
        store.describe(views.experiment_tags(store.experiment, params.evaluation.metric, labels))
        completed, problems = mirror_journal(root, {})
        restored = present = missing = 0
        records = {}
        for family, name in params.expected():
            folder = Path("runs", family, name)
            try:
                record = runs.read(folder)
                if record is None:
                    missing += 1
                    continue
                if record.digest in completed or restore(store, record, root):
                    restored += 1
                else:
                    present += 1
                records[family, name] = record
            except Exception as error:
                problems.append(f"{folder / 'record.json'}: {first_line(error)}")
                open_store(uri, experiment, root)  # raises UserError if MLflow cannot be reached any more
        verdict_tags.add(store, verdict_tags.read(Path("reports", "metrics.json")), records)
        verdict_tags.attach_report(store, Path("reports"), root)
        give_up_the_rest(store, root)
    counted = {"restored": restored, "already there": present, "without a record yet": missing}
    said = ", ".join(f"{number} {what}" for what, number in counted.items() if number or what != "without a record yet")
    return "\n".join([f"MLflow, recipes: {said}", *(f"not mirrored: {problem}" for problem in problems)])


def restore(store: Store, record: runs.Record, root: Path) -> bool:
    """Complete the runs of a record; False if they were complete."""
    mirrored = runs.runs_of_record(store, record)
    if mirrored.complete(record, store.seeds):
        return False
    runs.update(store, runs.recipe_from_record(record, root), mirrored, {})
    return True


def give_up_the_rest(store: Store, root: Path) -> None:
    """End the runs of this checkout whose journal is gone."""
    keys = {entry.name.partition("-")[0] for entry in entries(root)}
    for run in store.find("attributes.status != 'FINISHED'"):
        of_this_checkout = run.data.tags.get(content.CHECKOUT) == content.checkout(root)
        if of_this_checkout and not runs.ended(run) and run.data.tags.get(content.KEY) not in keys:
            store.give_up(run)
