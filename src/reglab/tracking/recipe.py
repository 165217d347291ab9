"""The runs of one recipe in MLflow: found again after a kill, filled, ended.

Every step may be killed and repeated. Runs are found by a tag that they have from their first moment; metrics carry
recorded times, so that sending them twice adds no rows; a run ends only when it has everything, the parent last.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reglab.tracking import content, curves
from reglab.tracking.curves import Curve
from reglab.tracking.store import Store, now

if TYPE_CHECKING:
    from mlflow.entities import Run

ENDED = ("FINISHED", "FAILED")
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
        text = (folder / "record.json").read_bytes()
    except FileNotFoundError:
        return None
    return Record(folder, json.loads(text), hashlib.sha256(text).hexdigest())


@dataclass(frozen=True)
class Runs:
    """What MLflow has of a recipe: the parent, and the nested runs by seed."""

    parent: "Run | None" = None
    seeds: "dict[str, Run]" = field(default_factory=dict)

    def complete(self, record: Record) -> bool:
        ended = self.parent is not None and self.parent.info.status in ENDED
        return ended and set(record.values["seeds"]) <= set(self.seeds)


def of_training(store: Store, key: str) -> Runs:
    """The runs of a training that is still mirrored: those whose parent is RUNNING."""
    found = store.find(f"tags.`{content.KEY}` = '{key}'")
    for parent in found:
        if content.SEED not in parent.data.tags and parent.info.status == "RUNNING":
            nested = [run for run in found if run.data.tags.get(content.PARENT) == parent.info.run_id]
            return Runs(parent, {run.data.tags[content.SEED]: run for run in nested})
    return Runs()


def of_record(store: Store, record: Record) -> Runs:
    """The runs of a record, an ended parent before a RUNNING one; orphans of a deleted parent count as its seeds."""
    found = store.find(f"tags.`{content.RECORD}` = '{record.digest}'")
    parents = [run for run in found if content.SEED not in run.data.tags]
    parents.sort(key=lambda run: run.info.status not in ENDED)
    others = {run.info.run_id for run in parents[1:]}
    nested = [run for run in found if run.data.tags.get(content.PARENT, "") not in {*others, ""}]
    return Runs(parents[0] if parents else None, {run.data.tags[content.SEED]: run for run in nested})


@dataclass(frozen=True)
class Recipe:
    """What is known of a recipe now."""

    about: dict  # `run.json`, or the record itself: family, name, technique, dataset, settings, perhaps tags
    identity: dict[str, str]  # the tag by which its runs are found again
    journal: dict[str, Curve]  # by seed; empty when only the record is left
    record: Record | None
    root: Path


def update(store: Store, recipe: Recipe, runs: Runs, sent: dict[str, set[int]]) -> None:
    """Bring the runs to the state of the journal and, once there is one, of the record.

    `sent` holds by run the epochs that this process has sent already: forgetting them costs time, nothing else.
    """
    about, journal, record = recipe.about, recipe.journal, recipe.record
    params = content.params(about)
    tags = content.tags(about, recipe.root) | recipe.identity
    mark = {content.RECORD: record.digest} if record else {}

    times = [point.time for curve in journal.values() for point in curve.values()]
    parent = runs.parent or store.create(about["name"], tags | content.parent_tags(about), min(times, default=now()))
    store.log(parent, params=params, tags=mark)

    # The journal's points stand, as they may have been sent; the record has those that a kill tore.
    known = curves.read_record(record.folder) if record else {}
    start = parent.info.start_time
    timed = {
        seed: curves.with_times(known.get(seed, {}) | journal.get(seed, {}), start)
        for seed in sorted({*journal, *known, *(record.values["seeds"] if record else ())}, key=int)
    }
    for seed, curve in timed.items():
        nesting = content.seed_tags(seed, parent.info.run_id)
        first = min((point.time for point in curve.values()), default=start)
        run = runs.seeds.get(seed) or store.create(content.seed_name(about, seed), tags | nesting, first)
        store.log(run, params=params | {"seed": seed}, tags=nesting | mark)  # nesting: its parent may have been deleted
        if run.info.status not in ENDED:
            send(store, run, curve, sent.setdefault(run.info.run_id, set()))
            if record:
                end_seed(store, run, seed, recipe, curve, start)
    if record and parent.info.status not in ENDED:
        end_parent(store, parent, recipe, timed)


def send(store: Store, run: "Run", curve: Curve, sent: set[int]) -> None:
    """Those epochs of a seed that have not been sent."""
    new = [epoch for epoch in curve if epoch not in sent]
    store.log(
        run,
        [
            (f"curves/{name}", value, curve[epoch].time, epoch)
            for epoch in new
            for name, value in content.finite(curve[epoch].metrics).items()
        ],
    )
    sent.update(new)


def end_seed(store: Store, run: "Run", seed: str, recipe: Recipe, curve: Curve, start: int) -> None:
    result = recipe.record.values["seeds"][seed]
    end = max((point.time for point in curve.values()), default=start)
    numbers = content.seed_metrics(result) | {"seconds": curves.seconds(recipe.journal.get(seed, {}))}
    store.log(
        run,
        [(name, value, end, 0) for name, value in content.finite(numbers).items()],
        tags={content.NOTE: content.seed_note(recipe.about, seed, result)},
    )
    store.end(run, "FAILED" if result["status"] == "diverged" else "FINISHED", end)


def end_parent(store: Store, parent: "Run", recipe: Recipe, timed: dict[str, Curve]) -> None:
    record = recipe.record.values
    finished = [timed[seed] for seed, result in record["seeds"].items() if result["status"] != "diverged"]
    band = curves.bands(finished)
    end = max((point.time for curve in timed.values() for point in curve.values()), default=parent.info.start_time)
    durations = [curves.seconds(curve) or 0 for curve in recipe.journal.values()]
    numbers = content.summary_metrics(record) | ({"seconds": sum(durations)} if any(durations) else {})

    send(store, parent, band, set())
    store.log(
        parent,
        [(name, value, end, 0) for name, value in content.finite(numbers).items()],
        tags={content.NOTE: content.note(recipe.about, record)},
    )
    for name in ATTACHED:
        if (recipe.record.folder / name).exists():
            store.attach(parent, recipe.record.folder / name)
    if drawing := curves.picture(band, recipe.about["name"]):
        store.attach_text(parent, drawing, "learning_curves.svg")
    store.end(parent, "FINISHED", end)
