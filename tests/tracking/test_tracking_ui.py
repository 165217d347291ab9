"""`reglab ui`: the runs where params.yaml or the environment says they are, on a port that is free."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from reglab import cli
from reglab.core.errors import UserError
from reglab.tracking.mirror import ui, views
from reglab.tracking.mirror.sync import mirror


@pytest.fixture
def listening():
    """A socket that listens, as another server does."""
    with socket.create_server((ui.HOST, 0)) as taken:
        yield taken


@pytest.fixture
def run(study, monkeypatch, capsys):
    """Runs `reglab ui` in the study; exit code, standard output, standard error. MLflow itself is not started."""
    import mlflow.cli

    def run(*arguments: str, tracking: str = "{uri: null, experiment: reglab}") -> tuple[int, str, str]:
        (study.root / "params.yaml").write_text(f"tracking: {tracking}\n", encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["reglab", "ui", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    started = []
    monkeypatch.setattr(mlflow.cli, "cli", started.append)
    for name in ("MLFLOW_BACKEND_STORE_URI", *ui.ENVIRONMENT):
        monkeypatch.setenv(name, "")
    run.started = started
    return run


def test_a_busy_port_is_passed_over_and_that_is_said(run, listening, monkeypatch):
    busy = listening.getsockname()[1]
    monkeypatch.setattr(ui, "PORT", busy)
    code, said, _ = run()
    [arguments] = run.started
    chosen = int(arguments[arguments.index("--port") + 1])
    assert code == 0 and busy < chosen < busy + 100
    assert f"(port {busy} is busy)" in said and f"http://127.0.0.1:{chosen}/#/experiments" in said


@pytest.mark.parametrize("port", ["busy", "0", "65536", "-1"])
def test_a_port_that_is_asked_for_and_cannot_be_had_is_a_users_mistake_in_one_line(run, listening, port):
    port = str(listening.getsockname()[1]) if port == "busy" else port
    code, said, error = run("--port", port)
    assert code == 2 and said == "" and error.count("\n") == 1 and port in error and run.started == []


@pytest.mark.parametrize("uri", ["http://[::1", "foo://[x", "sqlite://host:port/runs"])
def test_an_address_that_is_none_is_a_users_mistake_in_one_line(run, uri):
    code, said, error = run(tracking=f"{{uri: '{uri}'}}")
    assert code == 2 and said == "" and error.count("\n") == 1 and f"MLflow at {uri} cannot be used" in error
    assert run.started == []


def test_a_tracking_server_has_pages_of_its_own_whose_address_is_given_without_its_password(run, monkeypatch):
    code, said, _ = run(tracking="{uri: 'http://localhost:8080/lab'}")
    assert code == 0 and said == "The runs are on a tracking server; open http://localhost:8080/lab\n"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret7@host:80?token=secret8")
    code, said, _ = run(tracking="{uri: 'http://localhost:8080'}")
    assert code == 0 and said == "The runs are on a tracking server; open https://host:80\n", "the environment wins"
    assert run.started == []


def test_the_database_of_params_yaml_is_shown_and_is_no_argument_that_others_can_read(run, study):
    (study.root / "mlflow.db").rename(study.root / "other.db")
    code, said, _ = run(tracking="{uri: 'sqlite:///other.db'}")
    assert code == 0 and "#/experiments   (" in said, "MLflow has no experiment of this name yet"
    assert os.environ["MLFLOW_BACKEND_STORE_URI"] == f"sqlite:///{study.root}/other.db"
    assert not any("sqlite" in argument for argument in run.started[0])


def test_the_page_is_that_of_the_experiment_and_a_saved_view_as_soon_as_there_is_one(run, study):
    training = study.begin(seeds=1)
    training.epochs(1)
    mirror(study.root, {})
    _, said, _ = run()
    assert re.search(r"#/experiments/1/runs   \(Ctrl-C", said)
    study.sync("regularizers/dropout")
    _, said, _ = run()
    assert f"{views.link('1')}   (the saved view '1 Recipes against none'" in said


def test_before_the_first_run_it_says_what_to_do(run, study):
    (study.root / "mlflow.db").unlink()
    code, _, error = run()
    assert code == 2 and error.count("\n") == 1 and "make repro" in error
    (study.root / "mlflow.db").write_text("no database", encoding="utf-8")
    code, _, error = run()
    assert code == 2 and error.count("\n") == 1 and "mlflow.db" in error and run.started == []


def test_a_profile_shows_its_own_runs_whatever_the_environment_says(run, study, monkeypatch):
    small = study.root / "profiles" / "small"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:8080")
    (study.root / "profiles").mkdir()
    tracking = "{uri: null}\nprofiles: {small: {seeds: 3}}"
    code, _, error = run("--profile", "small", tracking=tracking)
    assert code == 2 and "PROFILE=small" in error
    small.mkdir()
    (small / "params.yaml").write_text("tracking: {uri: null}\n", encoding="utf-8")
    (study.root / "mlflow.db").rename(small / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:8080")
    code, _, error = run("--profile", "small", tracking=tracking)
    assert code == 0 and os.environ["MLFLOW_BACKEND_STORE_URI"] == f"sqlite:///{small}/mlflow.db", error
    code, _, error = run("--profile", "smal", tracking=tracking)
    assert code == 2 and "did you mean small?" in error


@pytest.mark.stress
def test_the_pages_can_be_opened_and_an_interrupt_ends_them(study):
    study.publish("dropout", seeds=1)
    study.sync("regularizers/dropout")
    (study.root / "params.yaml").write_text("tracking: {uri: null}\n", encoding="utf-8")
    command = [sys.executable, "-m", "reglab.cli", "ui"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True) as process:
        try:
            address = re.search(r"http://\S+?/", process.stdout.readline())[0]
            for _ in range(300):
                try:
                    body = b'{"max_results": 9}'
                    request = urllib.request.Request(f"{address}api/2.0/mlflow/experiments/search", body)
                    request.add_header("Content-Type", "application/json")
                    with urllib.request.urlopen(request, timeout=5) as answer:
                        result = answer.read()
                    break
                except OSError:
                    assert process.poll() is None, "it ended by itself"
                    time.sleep(0.2)
            assert b'"reglab"' in result
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    with pytest.raises(OSError):
        urllib.request.urlopen(address, timeout=5)


def test_a_port_is_free_when_nothing_listens_there(listening):
    busy = listening.getsockname()[1]
    with pytest.raises(UserError, match="in use"):
        ui.free_port(busy)
    listening.close()
    assert ui.free_port(busy) == busy
