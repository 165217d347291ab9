"""The suite in MLflow: an experiment of its own, a run for each data set with its recipes below, made once."""

import json
import shutil
import sqlite3

import pytest

from reglab.runtime.compute import machine
from reglab.tracking import record
from reglab.tracking.mirror.suite_runs import sync_suite
from reglab.tracking.mirror.suite_views import VIEWS
from reglab.tracking.mirror.views import VIEW
from reglab.tracking.settings import Tracking

SETS = {"kind": "tables", "task": "classification", "metric": "accuracy", "train_size": 600, "score": 0.9, "gap": 0.5}


@pytest.fixture
def checkout(tmp_path, migrated, monkeypatch):
    shutil.copy(migrated, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    for data_set in ("one", "two"):
        for name in ("none", "dropout"):
            write(tmp_path, data_set, name, 0.9)
    return tmp_path


def write(root, data_set, name, accuracy, status="finished") -> None:
    content = {
        "family": "suite",
        "name": name,
        "kind": "tuned",
        "dataset": {"name": data_set, "fingerprint": "sha256:0"},
        "chosen": {"number": 0, "settings": {name: {"rate": 0.3}, "training": {"learning_rate": 0.01}}},
        "seeds": {"0": {"status": status, "metrics": {"test_accuracy": accuracy}}},
        "summary": {"test_accuracy": {"mean": accuracy}},
    }
    folder = root / "suite" / "runs" / data_set / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "record.json").write_text(json.dumps(content))


def sync(root, effect: float = 0.1) -> str:
    cell = {"effect": effect, "low": 0.05, "high": 0.15, "verdict": "helps"}
    results = {
        "sets": {"one": SETS, "two": SETS, "three": {"failed": "cannot be split"}},
        "matrix": {name: {"one": cell, "two": cell} for name in ("none", "dropout")},
    }
    return sync_suite(Tracking(), root / "suite" / "runs", results)


def query(root, text: str) -> list[tuple]:
    with sqlite3.connect(root / "mlflow.db") as database:
        return database.execute(text).fetchall()


ALIVE = "select name from runs where lifecycle_stage = 'active' and status in ('FINISHED', 'FAILED') order by name"


def test_every_data_set_is_a_run_with_its_recipes_below_and_once_more_adds_nothing(checkout):
    assert sync(checkout) == "MLflow, experiment reglab-suite: 7 made, 0 already there"
    names = [name for (name,) in query(checkout, ALIVE)]
    assert names == ["one", "one/dropout", "one/none", "three", "two", "two/dropout", "two/none"]
    pairs = query(
        checkout,
        "select child.name, parent.name from tags join runs child on child.run_uuid = tags.run_uuid "
        "join runs parent on parent.run_uuid = tags.value where tags.key = 'mlflow.parentRunId'",
    )
    assert len(pairs) == 4 and all(child.startswith(f"{parent}/") for child, parent in pairs)
    assert sync(checkout) == "MLflow, experiment reglab-suite: 0 made, 7 already there"
    assert {each for (each,) in query(checkout, "select distinct value from params where key = 'failed'")} == {
        "cannot be split"
    }


def test_a_run_has_the_chosen_settings_and_the_effect(checkout):
    sync(checkout)
    run = "(select run_uuid from runs where name = 'one/dropout')"
    metrics = dict(query(checkout, f"select key, value from metrics where run_uuid = {run}"))
    assert metrics == {"test_accuracy": 0.9, "effect/effect": 0.1, "effect/low": 0.05, "effect/high": 0.15}
    params = dict(query(checkout, f"select key, value from params where run_uuid = {run}"))
    assert params["dropout.rate"] == "0.3" and params["training.learning_rate"] == "0.01"


def test_a_run_names_the_kinds_of_processor_that_made_its_record_where_this_checkout_knows_them(checkout):
    digest = record.read_with_digest(checkout / "suite/runs/one/dropout")[1]
    machine.note_processors(machine.of_record(checkout, digest), ["kind 1", "kind 0"])
    sync(checkout)
    tags = "select runs.name, value from tags join runs using (run_uuid) where key = 'processor'"
    assert query(checkout, tags) == [("one/dropout", "kind 0; kind 1")]


def test_a_record_that_has_changed_replaces_its_run_and_a_recipe_that_is_gone_takes_its_run_with_it(checkout):
    sync(checkout)
    write(checkout, "one", "dropout", 0.8)
    shutil.rmtree(checkout / "suite/runs/two/none")
    sync(checkout)
    names = [name for (name,) in query(checkout, ALIVE)]
    assert names == ["one", "one/dropout", "one/none", "three", "two", "two/dropout"]
    run = "(select run_uuid from runs where name = 'one/dropout' and lifecycle_stage = 'active')"
    [(value,)] = query(checkout, f"select value from metrics where key = 'test_accuracy' and run_uuid = {run}")
    assert value == 0.8


def test_another_effect_replaces_the_runs_of_recipes_whose_records_are_the_same(checkout):
    sync(checkout)
    assert sync(checkout, effect=0.2) == "MLflow, experiment reglab-suite: 4 made, 3 already there"
    run = "(select run_uuid from runs where name = 'one/dropout' and lifecycle_stage = 'active')"
    [(value,)] = query(checkout, f"select value from metrics where key = 'effect/effect' and run_uuid = {run}")
    assert value == 0.2


def test_a_record_that_is_newer_than_the_results_waits_for_them(checkout):
    """As where a recipe or a data set has been added, and the run was interrupted before the report."""
    write(checkout, "one", "mixup", 0.9)
    write(checkout, "three", "none", 0.9)
    assert sync(checkout) == "MLflow, experiment reglab-suite: 7 made, 0 already there"


def test_a_data_set_that_failed_and_a_recipe_that_diverged_are_runs_that_failed(checkout):
    write(checkout, "two", "dropout", 0.1, status="diverged")
    sync(checkout)
    assert query(checkout, "select name from runs where status = 'FAILED' order by name") == [
        ("three",),
        ("two/dropout",),
    ]


def test_the_experiment_has_views_whose_columns_the_runs_have(checkout):
    sync(checkout)
    tags = dict(query(checkout, "select key, value from experiment_tags"))
    states = [json.loads(json.loads(tags[f"{VIEW}{key}"])["state"]) for key in VIEWS]
    have = {
        f"{kind}.`{key}`"
        for kind in ("tags", "params", "metrics")
        for (key,) in query(checkout, f"select key from {kind}")
    }
    for state in states:
        of_runs = set(state["selectedColumns"]) - {"params.`inputs`", "params.`classes`"}  # which these sets do not say
        assert {each for each in of_runs if "cost/" not in each} <= have
    assert [state["searchFilter"] for state in states] == ["tags.kind != 'data set'", "tags.kind = 'data set'"]
