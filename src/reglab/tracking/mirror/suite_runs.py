"""The records of the suite as runs of MLflow: an experiment of their own, a parent run for each data set, its recipes below.

Runs are found again by a tag with the digest of what they hold, so that to repeat it adds nothing; a run whose record has
been replaced is deleted.
"""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from reglab.runtime.compute.machine import noted_processors, of_record
from reglab.tracking import checkout, record
from reglab.tracking.mirror import content, suite_views
from reglab.tracking.mirror.runs import ended
from reglab.tracking.mirror.store import Store, now, open_store, plain_errors, sole_writer
from reglab.tracking.mirror.suite_views import DATA_SET, RECIPE

if TYPE_CHECKING:
    from mlflow.entities import Run


def sync_suite(tracking, runs: Path, results: dict) -> str:
    """Give MLflow every run of the suite that it lacks; returns a line on it. `results` are reports/suite.json.

    Raises `UserError` when MLflow cannot be reached.
    """
    root, made, present = checkout.root(), 0, 0
    with sole_writer(root), plain_errors(tracking.uri, root):
        store = open_store(tracking.uri, f"{tracking.experiment}-suite", root)
        store.describe(suite_views.experiment_tags(store.experiment))
        known = {(run.data.tags[DATA_SET], run.data.tags.get(RECIPE, "")): run for run in store.find(here(root))}
        wanted = set()
        for name, about in results["sets"].items():
            records = {
                path.parent.name: record.read_with_digest(path.parent)
                for path in sorted(runs.glob(f"{name}/*/record.json"))
                if name
                in results["matrix"].get(path.parent.name, {})  # else newer than the results: they are not whole
            }
            digest = hashlib.sha256(json.dumps([about, *(each[1] for each in records.values())]).encode()).hexdigest()
            parent, new = updated(store, known, (name, ""), digest, root)
            wanted.add((name, ""))
            if new:
                failed = bool(about.get("failed"))
                fill(store, parent, set_params(about), set_metrics(about), {"kind": "data set"}, failed)
            made, present = made + new, present + (not new)
            for recipe, (values, digest_of_record) in records.items():
                wanted.add((name, recipe))
                cell = results["matrix"][recipe][name]  # another record of none changes it
                digest = hashlib.sha256(json.dumps([digest_of_record, cell]).encode()).hexdigest()
                run, new = updated(store, known, (name, recipe), digest, root, parent)
                if new:
                    store.name_dataset(run, values["dataset"], root)
                    tags = {"kind": values["kind"], "verdict": cell.get("verdict") or cell["status"]}
                    if kinds := noted_processors(of_record(root, digest_of_record)):
                        tags["processor"] = "; ".join(kinds)
                    diverged = any(seed["status"] == "diverged" for seed in values["seeds"].values())
                    fill(store, run, recipe_params(values), recipe_metrics(values, cell), tags, diverged)
                made, present = made + new, present + (not new)
        for key, run in known.items():
            if key not in wanted:
                store.delete(run)
    return f"MLflow, experiment {tracking.experiment}-suite: {made} made, {present} already there"


def here(root: Path) -> str:
    """The runs of this checkout."""
    return f"tags.`{content.CHECKOUT}` = '{content.checkout(root)}'"


def updated(
    store: Store, known: dict, key: tuple[str, str], digest: str, root: Path, parent: "Run | None" = None
) -> tuple["Run", bool]:
    """The run of a data set or a recipe, and whether it is to be filled: one of other content is replaced."""
    name, recipe = key
    nesting = {content.PARENT: parent.info.run_id} if parent else {}
    run = known.get(key)
    if run and run.data.tags.get(content.RECORD) == digest and ended(run):
        if nesting and run.data.tags.get(content.PARENT) != parent.info.run_id:
            store.log(run, tags=nesting)  # its parent was replaced
        return run, False
    if run:
        store.delete(run)
    tags = {content.CHECKOUT: content.checkout(root), content.RECORD: digest, DATA_SET: name, **nesting}
    return store.create(
        f"{name}/{recipe}" if recipe else name, tags | ({RECIPE: recipe} if recipe else {}), now()
    ), True


def fill(store: Store, run: "Run", params: dict, metrics: dict, tags: dict, failed: bool) -> None:
    rows = [(name, value, run.info.start_time, 0) for name, value in content.for_display(metrics).items()]
    store.log(run, rows, params, tags)
    store.end(run, "FAILED" if failed else "FINISHED", now())


def set_params(about: dict) -> dict[str, str]:
    keys = ("kind", "task", "metric", "train_size", "test_size", "inputs", "classes", "split", "failed")
    return {key: str(about[key]) for key in keys if about.get(key) is not None}


def set_metrics(about: dict) -> dict[str, float]:
    numbers = {key: about.get(key) for key in ("score", "gap")} | {
        f"cost/{key}": x for key, x in about.get("cost", {}).items()
    }
    return {key: value for key, value in numbers.items() if value is not None}


def recipe_params(values: dict) -> dict[str, str]:
    if "not_applicable" in values:
        return {"not_applicable": values["not_applicable"]}
    return content.params({"settings": values["chosen"]["settings"], "seeds": list(values["seeds"])})


def recipe_metrics(values: dict, cell: dict) -> dict[str, float]:
    """The means over the seeds, and the effect on the data set."""
    numbers = {name: each["mean"] for name, each in values.get("summary", {}).items()}
    return numbers | {f"effect/{key}": cell[key] for key in ("effect", "low", "high") if key in cell}
