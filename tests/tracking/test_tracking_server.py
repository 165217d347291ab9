"""`reglab server`, with PostgreSQL: it has the runs that a database of one's own has, and ends with all its processes."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from mlflow.tracking import MlflowClient

from reglab.core.errors import UserError
from reglab.runtime import postgres
from reglab.tracking.mirror import server
from reglab.tracking.mirror.store import open_store

NAMES = "regularizers/dropout", "combinations/dropout_and_max_norm", "baselines/logistic_regression"
OWN = ("mlflow.parentRunId", "mlflow.user", "artifact_uri")  # what depends on the place of a run


@pytest.fixture(scope="module")
def folder():
    """A folder in which PostgreSQL's user may work, where the tests run as root."""
    made = Path(tempfile.mkdtemp(prefix="reglab-server-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def start(folder: Path) -> tuple[subprocess.Popen, str]:
    """A server and its address, once it answers."""
    outside = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    command = [sys.executable, "-m", "reglab.cli", "server", "--workers", "1"]
    with (folder / "log").open("wb") as log:
        started = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=outside)
    deadline, address = time.monotonic() + 120, None
    while time.monotonic() < deadline and started.poll() is None:
        if found := re.search(r"to (http://127\.0\.0\.1:\d+)", (folder / "log").read_text()):
            address = found[1]
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5)
                return started, address
            except OSError:
                pass
        time.sleep(0.3)
    started.kill()
    raise AssertionError((folder / "log").read_text())


@pytest.fixture(scope="module")
def address(folder):
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("psycopg2", reason="see requirements-extras.lock")
    started, address = start(folder)
    yield address
    children = psutil.Process(started.pid).children(recursive=True)
    started.send_signal(signal.SIGTERM)
    assert started.wait(60) == 128 + signal.SIGTERM
    assert len(children) >= 3, "MLflow, its worker and PostgreSQL"
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive, "no process stays behind"


def exported(uri: str, root: Path) -> dict[str, dict]:
    """By name what MLflow has of each run, but for ids, places and the time of mirroring."""
    client, runs = MlflowClient(uri), {}
    experiment = client.get_experiment_by_name("reglab").experiment_id
    found = client.search_runs([experiment], max_results=1000)
    names = {run.info.run_id: run.info.run_name for run in found}
    for run in found:
        tags = {key: value for key, value in run.data.tags.items() if key not in OWN}
        history = {
            name: [(row.step, row.value) for row in client.get_metric_history(run.info.run_id, name)]
            for name in run.data.metrics
        }
        files = {file.path: file.file_size for file in client.list_artifacts(run.info.run_id)}
        parent = names.get(run.data.tags.get("mlflow.parentRunId"))
        data = [(each.dataset.name, each.dataset.digest) for each in run.inputs.dataset_inputs]
        runs[run.info.run_name] = {
            "status": run.info.status,
            "params": run.data.params,
            "tags": tags,
            "metrics": history,
            "artifacts": files,
            "parent": parent,
            "data": data,
        }
    return runs


def test_a_server_with_postgresql_has_the_runs_of_a_database_of_ones_own_and_seeds_on_request(study, address):
    study.publish("dropout")
    study.publish("dropout_and_max_norm", family="combinations")
    study.publish("logistic_regression", family="baselines")
    own = f"sqlite:///{study.root / 'mlflow.db'}"
    assert "3 restored" in study.sync(*NAMES)
    of_database = exported(own, study.root)
    assert len(of_database) == 9, "three recipes of two seeds"

    assert "3 restored" in study.sync(*NAMES, uri=address)
    of_server = exported(address, study.root)
    recipes = {name: run for name, run in of_database.items() if run["parent"] is None}
    assert of_server.keys() == recipes.keys(), "a server has no seeds unless they are asked for"
    without_note = {name: {**run, "tags": {**run["tags"], "mlflow.note.content": ""}} for name, run in recipes.items()}
    for run in of_server.values():
        assert "each in record.json and curves.csv" in run["tags"].pop("mlflow.note.content")
        run["tags"]["mlflow.note.content"] = ""
    assert of_server == without_note
    assert study.sync(*NAMES, uri=address).endswith("0 restored, 3 already there")

    assert "3 restored" in study.sync(*NAMES, uri=address, seeds=True)
    all_of_them = exported(address, study.root)
    for runs in (all_of_them, of_database):
        for run in runs.values():
            run["tags"].pop("mlflow.note.content")
    assert all_of_them == of_database


def test_a_database_of_ones_own_can_do_without_seeds(study):
    study.publish("dropout")
    study.sync("regularizers/dropout", seeds=False)
    assert list(study.runs()) == ["dropout"] and study.run("dropout")["status"] == "FINISHED"
    assert "1 already there" in study.sync("regularizers/dropout", seeds=False)
    study.sync("regularizers/dropout")
    assert sorted(study.runs()) == ["dropout", "dropout/seed-0", "dropout/seed-1"]


def test_seeds_are_runs_by_default_in_a_database_alone(tmp_path, monkeypatch):
    class Client:
        def __init__(self, place: str) -> None:
            pass

        def get_experiment_by_name(self, name: str):
            return type("Experiment", (), {"lifecycle_stage": "active", "experiment_id": "1"})

    monkeypatch.setattr("mlflow.tracking.MlflowClient", Client)
    server_of_a_team, own = "http://127.0.0.1:1", "sqlite:////elsewhere/mlflow.db"
    given = [(server_of_a_team, None), (own, None), (server_of_a_team, True), (own, False)]
    assert [open_store(uri, "reglab", tmp_path, seeds).seeds for uri, seeds in given] == [False, True, True, False]


def test_what_is_missing_on_the_machine_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"the extra server: .*\[server\]"):
        server.serve(tmp_path, None, 1)
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="apt-get install postgresql"), postgres.running(tmp_path / "server"):
        pass
    assert not (tmp_path / "server").exists()
