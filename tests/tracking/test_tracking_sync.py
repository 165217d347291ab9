"""`sync_all`: MLflow gets every run that records have and it lacks, and once more changes nothing."""

import http.server
import json
import shutil
import socket
import threading
import time
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from reglab.core.errors import UserError
from reglab.tracking.mirror import store
from reglab.tracking.mirror.store import address
from reglab.tracking.mirror.sync import mirror


def delete(study, run: dict) -> None:
    MlflowClient(f"sqlite:///{study.root / 'mlflow.db'}").delete_run(run["id"])


def test_every_record_gets_its_runs_and_once_more_changes_nothing(study):
    study.publish("dropout")
    study.publish("dropout_and_max_norm", family="combinations")
    study.publish("logistic_regression", family="baselines")
    names = "regularizers/dropout", "combinations/dropout_and_max_norm", "baselines/logistic_regression", "theory/lasso"
    assert study.sync(*names).endswith("3 restored, 0 already there, 1 without a record yet")
    before = study.runs()
    assert len(before) == 9 and all(run["status"] == "FINISHED" for (run,) in before.values())
    assert study.sync(*names).endswith("0 restored, 3 already there, 1 without a record yet")
    assert study.runs() == before


def test_a_restored_run_has_the_curves_of_the_record_and_no_commit_that_nobody_knows(study):
    study.publish("dropout")
    study.sync("regularizers/dropout")
    parent, seed = study.run("dropout"), study.run("dropout/seed-0")
    assert parent["tags"]["dvc_stage"] == "train@dropout" and "git_commit" not in parent["tags"]
    assert parent["tags"]["dataset_fingerprint"] == "0123abcd"
    assert len([key for key, *_ in seed["metrics"] if key == "training/loss"]) == 4
    assert len([key for key, *_ in parent["metrics"] if key == "training/train_accuracy"]) == 4
    assert "those of the mirroring" in parent["tags"]["mlflow.note.content"]
    assert study.artifacts(parent) == {"record.json", "curves.csv", "learning_curves.svg"}


@pytest.mark.parametrize("deleted", [["dropout"], ["dropout/seed-1"], ["dropout", "dropout/seed-0", "dropout/seed-1"]])
def test_what_was_deleted_in_mlflow_is_restored(study, deleted):
    study.publish("dropout")
    study.sync("regularizers/dropout")
    before = study.runs()
    for name in deleted:
        delete(study, before[name][0])
    assert "1 restored" in study.sync("regularizers/dropout")
    assert {name: [run["status"] for run in runs] for name, runs in study.runs().items()} == {
        "dropout": ["FINISHED"],
        "dropout/seed-0": ["FINISHED"],
        "dropout/seed-1": ["FINISHED"],
    }
    parent, seeds = study.run("dropout")["id"], ("dropout/seed-0", "dropout/seed-1")
    client = MlflowClient(f"sqlite:///{study.root / 'mlflow.db'}")
    assert all(client.get_run(study.run(seed)["id"]).data.tags["mlflow.parentRunId"] == parent for seed in seeds)
    after = study.runs()
    study.sync("regularizers/dropout")
    assert study.runs() == after


def test_a_broken_record_keeps_no_other_out(study):
    study.publish("dropout")
    for name, content in {"torn": '{"schema"', "empty": "", "odd": "[]"}.items():
        folder = study.root / "runs" / "regularizers" / name
        folder.mkdir()
        (folder / "record.json").write_text(content)
    said = study.sync(*(f"regularizers/{name}" for name in ("torn", "empty", "odd", "dropout")))
    assert said.splitlines()[0].endswith("1 restored, 0 already there") and study.run("dropout")["status"] == "FINISHED"
    assert said.count("not mirrored") == 3 and "runs/regularizers/torn/record.json" in said


def test_a_training_whose_journal_is_gone_is_given_up(study):
    training = study.begin()
    training.epochs(2)
    mirror(study.root, {})
    shutil.rmtree(training.entry)
    study.sync()
    before = study.runs()
    assert {run["status"] for (run,) in before.values()} == {"KILLED"}
    study.sync()
    assert study.runs() == before
    training.lock.release(force=True)
    again = study.begin()
    again.epochs(1)
    mirror(study.root, {})
    assert sorted(run["status"] for run in study.runs()["dropout"]) == ["KILLED", "RUNNING"], "nothing is mixed in"


def test_a_run_of_another_checkout_is_left_alone(study):
    training = study.begin()
    training.epochs(1)
    mirror(study.root, {})
    client = MlflowClient(f"sqlite:///{study.root / 'mlflow.db'}")
    for (run,) in study.runs().values():
        client.set_tag(run["id"], "reglab.checkout", "elsewhere:/reglab")
    shutil.rmtree(training.entry)
    study.sync()
    assert {run["status"] for (run,) in study.runs().values()} == {"RUNNING"}


def test_runs_of_a_temporary_workspace_lie_in_the_main_checkout(study, tmp_path_factory, monkeypatch):
    study.publish("dropout")
    workspace = tmp_path_factory.mktemp("workspace")
    shutil.move(study.root / "runs", workspace / "runs")
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("DVC_ROOT", str(study.root))
    assert "1 restored" in study.sync("regularizers/dropout")
    shutil.rmtree(workspace)
    assert "record.json" in study.artifacts(study.run("dropout"))


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def refusing() -> str:
    return f"http://127.0.0.1:{free_port()}"


def silent():
    """A server that takes a connection and never answers."""
    listening = socket.create_server(("127.0.0.1", 0))
    return listening, f"http://127.0.0.1:{listening.getsockname()[1]}"


def of_postgresql(uri: str) -> str:
    pytest.importorskip("psycopg2")
    return uri.replace("http://", "postgresql://someone:secret@") + "/mlflow"


@pytest.mark.parametrize("kind", [str, of_postgresql])
def test_a_server_that_is_away_is_a_users_matter_within_seconds(study, kind):
    study.publish("dropout")
    begun = time.monotonic()
    with pytest.raises(UserError) as refused:
        study.sync("regularizers/dropout", uri=kind(refusing()))
    assert time.monotonic() - begun < 15
    assert "MLFLOW_TRACKING_URI" in str(refused.value) and "127.0.0.1" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("kind", [str, of_postgresql])
def test_a_server_that_never_answers_holds_nobody_up_for_longer_than_the_user_says(study, monkeypatch, kind):
    study.publish("dropout")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setattr(store, "CONNECT_SECONDS", 2)
    listening, uri = silent()
    with listening:
        begun = time.monotonic()
        with pytest.raises(UserError):
            study.sync("regularizers/dropout", uri=kind(uri))
        assert time.monotonic() - begun < 8


def test_a_journal_without_its_server_waits_and_is_mirrored_later(study, monkeypatch):
    training, other = study.begin(), study.begin("l1")
    for one in (training, other):
        one.epochs(4)
        one.finish()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", refusing())
    begun = time.monotonic()
    (problem,) = mirror(study.root, {})
    assert "cannot be used" in problem and time.monotonic() - begun < 15, "it is asked once, not once an entry"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert "2 restored" in study.sync("regularizers/dropout", "regularizers/l1")


class Failing(http.server.BaseHTTPRequestHandler):
    """Knows the experiment and refuses the rest."""

    def do_GET(self) -> None:
        result = {"experiment": {"experiment_id": "1", "name": "reglab", "lifecycle_stage": "active"}}
        self.answer(200, json.dumps(result).encode())

    def do_POST(self) -> None:
        self.answer(400, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "out of order"}')

    def answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


def test_why_a_server_refuses_is_said(study):
    study.publish("dropout")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(UserError, match="out of order"):
            study.sync("regularizers/dropout", uri=f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("environment", "setting", "expected"),
    [
        (None, None, "sqlite:////lab/mlflow.db"),
        (None, "sqlite:///other.db", "sqlite:////lab/other.db"),
        (None, "sqlite:////elsewhere/mlflow.db", "sqlite:////elsewhere/mlflow.db"),
        (None, "http://localhost:5000", "http://localhost:5000"),
        ("http://server:80", "http://localhost:5000", "http://server:80"),
        ("sqlite:///env.db", None, "sqlite:////lab/env.db"),
        ("sqlite:///a%20b.db?timeout=5", None, "sqlite:////lab/a%20b.db?timeout=5"),
        ("sqlite:////a%20b/x.db", None, "sqlite:////a%20b/x.db"),
    ],
)
def test_the_environment_wins_and_a_relative_database_starts_from_the_checkout(
    monkeypatch, environment, setting, expected
):
    if environment:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", environment)
    assert address(setting, Path("/lab")) == expected


SLOW = [
    pytest.param(name, marks=pytest.mark.stress) for name in ("a b", "a%b", "a?b", "a#b", "a@b", "a&b;c", "a+b", "a:b")
]


@pytest.mark.parametrize("name", ["a%20b", "a ?b#c%3F", "it's a:b é漢\"", *SLOW])
def test_database_and_artifacts_of_a_checkout_of_any_name_are_in_it_and_nothing_is_beside_it(name, tmp_path, study_in):
    study = study_in(tmp_path / name)
    if "'" in name:
        (study.root / "mlflow.db").unlink()  # MLflow makes it, with SQL in which there is the path
    study.publish("dropout", seeds=1)
    assert study.sync("regularizers/dropout").endswith("1 restored, 0 already there")
    assert study.artifacts(study.run("dropout")) == {"record.json", "curves.csv", "learning_curves.svg"}
    assert study.sync("regularizers/dropout").endswith("0 restored, 1 already there")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_database_of_a_copied_checkout_is_not_written_into_the_original(study, tmp_path_factory, monkeypatch):
    study.publish("dropout")
    study.sync("regularizers/dropout")
    copy = tmp_path_factory.mktemp("copies") / "copy"
    shutil.copytree(study.root, copy)
    monkeypatch.chdir(copy)
    with pytest.raises(UserError, match="moved or copied"):
        study.sync("regularizers/dropout")
