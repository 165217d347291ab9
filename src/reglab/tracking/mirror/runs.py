"""The runs of one recipe in MLflow: found again after a kill, filled, ended.

Every step may be killed and repeated. Runs are found by a tag that they have from their first moment; metrics carry
recorded times, so that sending them twice adds no rows; a run ends only when it has everything, the parent last.
"""

from collections.abc import Container
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from reglab.core.families import stage_name
from reglab.runtime.compute.machine import noted_processors
from reglab.tracking import record
from reglab.tracking.mirror import content, learning_curves, trials
from reglab.tracking.mirror.learning_curves import Curve
from reglab.tracking.mirror.store import Row, Store, now

if TYPE_CHECKING:
    from mlflow.entities import Run

ATTACHED = ("record.json", "curves.csv", "figure.svg")


@dataclass(frozen=True)
class Record:
    """A record and the folder in which it lies."""

    folder: Path
    values: dict
    digest: str  # of its bytes: what the tag `reglab.record` holds


def read(folder: Path) -> Record | None:
    """The record in a folder, if there is one."""
    try:
        return Record(folder, *record.read_with_digest(folder))
    except FileNotFoundError:
        return None


@dataclass(frozen=True)
class MirroredRecipe:
    """The present state of a recipe; times in milliseconds."""

    about: dict  # `run.json`, or the record itself: family, name, technique, dataset, settings, seeds, perhaps tags
    identity: dict[str, str]  # the tag by which its runs are found again
    journal: dict[str, Curve]  # by seed; empty when only the record is left
    record: Record | None
    begun: int
    worked: int | None  # how long its trainings and its stage took; None: it has not ended, or unknown
    trains: bool  # a process works on it now
    waits: bool  # DVC is at work, so that its stage may still come to what was trained ahead
    root: Path


def recipe_from_journal(entry: Path, about: dict, trains: bool, waits: bool, root: Path) -> MirroredRecipe:
    """A recipe from its journal, which knows the times.

    What it waited does not count: for the stage that collects it, or for a later look at more seeds.
    """
    record = read(entry)  # before the curves: they are whole once it is there
    journal = learning_curves.read_journal(entry)
    times = [[point.time for point in curve.values()] for curve in journal.values() if curve]
    opened = written(entry / "run.json")  # which its stage, a resume, or a look at more seeds has written anew
    begun, worked = min([opened, *chain(*times)]), None
    if record:
        since = [time for time in chain(*times) if time > opened]
        last = (max([opened, *since]), written(entry / "record.json"))
        spans = [(opened, min([*since, last[1]])), *((min(seed), max(seed)) for seed in times), last]
        worked = learning_curves.time_in(spans)
    if kinds := noted_processors(entry):
        about = about | {"tags": about.get("tags", {}) | {"processor": "; ".join(kinds)}}
    identity = {content.KEY: about["key"]}
    return MirroredRecipe(about, identity, journal, record, begun, worked, trains, waits, root)


def recipe_from_record(record: Record, root: Path) -> MirroredRecipe:
    """A recipe of which only the record is left."""
    stage = stage_name(record.values["family"], record.values["name"])
    about = record.values | {"tags": {"dvc_stage": stage}}
    return MirroredRecipe(about, {content.RECORD: record.digest}, {}, record, now(), None, False, False, root)


def written(file: Path) -> int:
    return int(file.stat().st_mtime * 1000)


@dataclass(frozen=True)
class Runs:
    """The runs of a recipe in MLflow: the parent, and the nested runs by seed."""

    parent: "Run | None" = None
    seeds: "dict[str, Run]" = field(default_factory=dict)

    def all(self) -> "list[Run]":
        return [*self.seeds.values(), *([self.parent] if self.parent else [])]

    def complete(self, record: Record, seeds: bool) -> bool:
        wanted = set(record.values["seeds"]) if seeds else set()
        return self.parent is not None and wanted <= set(self.seeds) and all(map(ended, self.all()))


def ended(run: "Run") -> bool:
    """Whether the run is complete; KILLED is not an end, as the training may be resumed."""
    return run.info.status in ("FINISHED", "FAILED")


def runs_of_training(store: Store, key: str, root: Path) -> Runs:
    """The runs of a training of this checkout that is still to be mirrored."""
    runs = [
        run
        for run in store.find(f"tags.`{content.KEY}` = '{key}'")
        if run.data.tags.get(content.CHECKOUT) == content.checkout(root)
    ]
    for parent in runs:
        if content.SEED not in parent.data.tags and not ended(parent):
            nested = [run for run in runs if run.data.tags.get(content.PARENT) == parent.info.run_id]
            return Runs(parent, {run.data.tags[content.SEED]: run for run in nested})
    return Runs()


def runs_of_record(store: Store, record: Record) -> Runs:
    """The runs of a record, an ended parent before others; orphans of a deleted parent count as its seeds."""
    runs = store.find(f"tags.`{content.RECORD}` = '{record.digest}'")
    nested = [run for run in runs if content.SEED in run.data.tags]
    parents = sorted((run for run in runs if content.SEED not in run.data.tags), key=lambda run: not ended(run))
    parent, others = parents[:1], {run.info.run_id for run in parents[1:]}
    nested = [run for run in nested if run.data.tags[content.PARENT] not in others]
    nested.sort(key=lambda run: run.data.tags[content.PARENT] in {run.info.run_id for run in parent})  # these win
    return Runs(*parent, seeds={run.data.tags[content.SEED]: run for run in nested})


def update(store: Store, recipe: MirroredRecipe, runs: Runs, sent: dict[str, set[int]]) -> None:
    """Bring the runs to the state of the journal and, once there is one, of the record.

    `sent` holds by run the epochs that this process has sent already: forgetting them costs time, nothing else.
    """
    about, record = recipe.about, recipe.record
    params = content.params(record.values if record else about)
    tags = content.tags(about, recipe.root) | recipe.identity
    mark = {content.RECORD: record.digest} if record else {}
    if processor := about.get("tags", {}).get("processor"):  # known when trainings return
        mark["processor"] = processor

    parent = runs.parent or store.create(
        content.run_name(about["name"], content.varied(about)), tags | content.parent_tags(about), recipe.begun
    )
    store.log(parent, params=params, tags=mark)
    store.name_dataset(parent, about["dataset"], recipe.root)

    # The journal's points stand, as they may have been sent; the record has those that a kill tore.
    known = learning_curves.read_record(record.folder) if record else {}
    start = parent.info.start_time
    timed = {
        seed: learning_curves.with_times(known.get(seed, {}) | recipe.journal.get(seed, {}), start)
        for seed in sorted({*recipe.journal, *known, *(record.values["seeds"] if record else ())}, key=int)
    }
    last = max((point.time for curve in timed.values() for point in curve.values()), default=start)
    if recipe.worked is not None:  # since the run began in MLflow, which may be after trainings that it took over
        last = start + recipe.worked
    nested = []
    for seed, curve in timed.items() if store.seeds else ():
        nesting = content.seed_tags(seed, parent.info.run_id)
        first = min((point.time for point in curve.values()), default=start)
        run = runs.seeds.get(seed) or store.create(content.seed_name(about, seed), tags | nesting | mark, first)
        store.name_dataset(run, about["dataset"], recipe.root)
        rows, outcome, status = [], {}, None
        if not ended(run):
            rows = epoch_rows(curve, without=sent.get(run.info.run_id, ()))
            if record:
                moment = max((point.time for point in curve.values()), default=last)
                result, outcome, status = seed_result(recipe, seed, moment)
                rows += result
        store.log(run, rows, params | {"seed": seed}, nesting | mark | outcome)  # nesting: its parent may be gone
        sent.setdefault(run.info.run_id, set()).update(curve)
        if status:
            store.end(run, status, moment)
        nested.append(run)
    if not record:
        mark_resumed_or_killed(store, recipe, [*nested, parent], last)
    elif not ended(parent):
        end_parent(store, parent, recipe, learning_curves.bands([timed[seed] for seed in record.values["seeds"]]), last)


def epoch_rows(curve: Curve, without: Container[int] = ()) -> list[Row]:
    """The metrics of the epochs of a curve, without those that have been sent."""
    return [
        (content.CURVES + name, value, point.time, epoch)
        for epoch, point in curve.items()
        if epoch not in without
        for name, value in content.for_display(point.metrics).items()
    ]


def result_rows(numbers: dict[str, float | None], moment: int) -> list[Row]:
    return [(name, value, moment, 0) for name, value in content.for_display(numbers).items()]


def seed_result(recipe: MirroredRecipe, seed: str, moment: int) -> tuple[list[Row], dict[str, str], str]:
    """The metrics of a seed's result, its description as a tag, and the status with which its run ends."""
    result = recipe.record.values["seeds"][seed]
    seconds = learning_curves.seconds(recipe.journal.get(seed, {}))
    rows = result_rows(content.seed_metrics(result) | {f"{content.COST}seconds": seconds}, moment)
    note = {content.NOTE: content.seed_note(recipe.about, seed, result)}
    return rows, note, "FAILED" if result["status"] == "diverged" else "FINISHED"


def mark_resumed_or_killed(store: Store, recipe: MirroredRecipe, runs: "list[Run]", last: int) -> None:
    for run in runs:
        if recipe.trains and run.info.status == "KILLED":
            store.resume(run)
        elif not (recipe.trains or recipe.waits) and run.info.status == "RUNNING":
            store.end(run, "KILLED", last)


def end_parent(store: Store, parent: "Run", recipe: MirroredRecipe, band: Curve, moment: int) -> None:
    record = recipe.record.values
    durations = [learning_curves.seconds(curve) for curve in recipe.journal.values()]
    total = sum(durations) if durations and None not in durations else None
    note = content.note(recipe.about, record, timed=recipe.worked is not None, seeds=store.seeds)
    rows = result_rows(content.summary_metrics(record) | {f"{content.COST}seconds": total}, moment)
    rows += epoch_rows(learning_curves.means(band))  # after these: the compare page plots the first metrics by default
    store.log(parent, rows, tags=content.outcome_tags(record) | {content.NOTE: note})
    for name in ATTACHED:
        if (recipe.record.folder / name).exists():
            store.attach(parent, recipe.record.folder / name)
    if drawing := learning_curves.picture(band, recipe.about["name"]):
        store.attach_text(parent, drawing, "learning_curves.svg")
    trials.send(store, parent, record, moment)
    store.end(parent, "FINISHED", moment)
