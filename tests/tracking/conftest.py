"""A small study as stages leave it behind, made up, and what MLflow has of it, read from its database."""

import json
import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from reglab.tracking import journal
from reglab.tracking.mirror import sync_all
from reglab.tracking.mirror.sync import lock_of
from reglab.tracking.record import curves_csv

TRACKING = {"uri": None, "experiment": "reglab"}
DATASET = {"name": "digits", "fingerprint": "0123abcd"}
SETTINGS = {
    "dropout": {"input_rate": 0.2, "hidden_rate": 0.5},
    "data": {"name": "digits", "label_noise": 0.2},
    "model": {"name": "mlp", "width": 256},
    "training": {"epochs": 4, "learning_rate": 0.003},
}
BEGIN = 1_700_000_000  # seconds: when the made-up trainings began


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("DVC_ROOT", "DVC_STAGE", "MLFLOW_TRACKING_URI", "_MLFLOW_SERVER_ARTIFACT_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """An empty MLflow database: making the schema takes two seconds, copying it none."""
    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    with sqlite3.connect(path) as database:
        database.execute("pragma wal_checkpoint(truncate)")
    return path


@pytest.fixture
def study_in(migrated, monkeypatch):
    """Makes a folder an empty checkout, and the working directory."""

    def make(folder: Path) -> Study:
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        (folder / "params.yaml").touch()
        shutil.copyfile(migrated, folder / "mlflow.db")
        return Study(folder)

    return make


@pytest.fixture
def study(study_in, tmp_path):
    return study_in(tmp_path)


class Study:
    begin_time = BEGIN

    def __init__(self, root: Path) -> None:
        self.root = root

    def begin(self, name="dropout", family="regularizers", seeds: int = 2, key: str = "", **more) -> "Training":
        """A training's entry in the journal, as `journal.opened` makes it; `more` overrides what it is about."""
        entry = self.root / ".reglab" / "journal" / (key or f"{name:0<20}".encode().hex()[:20])
        entry.mkdir(parents=True)
        about = {
            "family": family,
            "name": name,
            "technique": ["dropout"],
            "dataset": DATASET,
            "settings": SETTINGS,
            "seeds": list(range(seeds)),
        } | more
        context = {
            "tags": {"dvc_stage": f"train@{name}", "git_commit": "c0ffee", "processor": "x86_64 of this machine"},
            "tracking": TRACKING,
        }
        (entry / "run.json").write_text(json.dumps({"key": entry.name} | about | context))
        return Training(self.root, entry, about)

    def publish(self, name: str, **more) -> Path:
        """A record whose journal is gone, as after `dvc checkout`."""
        training = self.begin(name, **more)
        training.epochs(4)
        folder = training.publish()
        shutil.rmtree(training.entry)
        return folder

    def sync(self, *names: str, uri: str | None = None, seeds: bool | None = None) -> str:
        """`sync_all` for a params.yaml with these entries, `<family>/<name>`."""
        tracking = SimpleNamespace(uri=uri, experiment="reglab", seeds=seeds)
        settings = {"tracking": tracking, "evaluation": SimpleNamespace(metric="accuracy")}
        settings |= {"few_labels": SimpleNamespace(labels_per_class=(1, 3, 10))}
        return sync_all(SimpleNamespace(**settings, expected=lambda: [tuple(name.split("/")) for name in names]))

    def runs(self) -> dict[str, list[dict]]:
        """By run name what MLflow shows: status, params, tags, metric rows; those deleted left out."""
        with sqlite3.connect(self.root / "mlflow.db") as database:
            result: dict[str, list[dict]] = {}
            names = dict(database.execute("select run_uuid, name from runs"))
            active = "select run_uuid, name, status, start_time, end_time from runs where lifecycle_stage = 'active'"
            for run, name, status, start, end in database.execute(active).fetchall():
                tags = dict(database.execute("select key, value from tags where run_uuid = ?", [run]))
                if "mlflow.parentRunId" in tags:
                    tags["mlflow.parentRunId"] = names[tags["mlflow.parentRunId"]]
                rows = "select key, step, value, timestamp from metrics where run_uuid = ? order by 1, 2, 3, 4"
                result.setdefault(name, []).append(
                    {
                        "status": status,
                        "params": dict(database.execute("select key, value from params where run_uuid = ?", [run])),
                        "tags": tags,
                        "metrics": database.execute(rows, [run]).fetchall(),
                        "span": (start, end),
                        "id": run,
                    }
                )
        return result

    def run(self, name: str) -> dict:
        (run,) = self.runs()[name]
        return run

    def artifacts(self, run: dict) -> set[str]:
        return {path.name for path in (self.root / "mlartifacts" / run["id"] / "artifacts").glob("*")}


class Training:
    """A made-up training, step by step."""

    def __init__(self, root: Path, entry: Path, about: dict) -> None:
        self.root, self.entry, self.about = root, entry, about
        self.lock = lock_of(entry)
        self.lock.acquire()

    def epochs(self, until: int, *seeds: int) -> None:
        """Every seed, or those named, has trained up to this epoch."""
        for seed in seeds or self.about["seeds"]:
            path = self.entry / f"seed-{seed}.jsonl"
            written = path.read_text().count("\n") if path.exists() else 0
            with path.open("a") as file:
                for epoch in range(written, until):
                    share = 1 - 1 / (epoch + 2 + seed)
                    metrics = {"train_accuracy": share, "validation_accuracy": share - 0.1, "loss": 2 - share}
                    line = {"epoch": epoch, "time": BEGIN + epoch + seed / 8, "metrics": metrics}
                    file.write(json.dumps(line) + "\n")

    def publish(self, diverged: tuple[int, ...] = (), **more) -> Path:
        """The record, and the end of the training; its entry is incomplete, as after a kill just before `complete`."""
        folder = self.root / "runs" / self.about["family"] / self.about["name"]
        folder.mkdir(parents=True, exist_ok=True)
        outcomes = {}
        for seed in self.about["seeds"]:
            has_diverged = seed in diverged
            metrics = {} if has_diverged else {"test_accuracy": 0.9 + seed / 100}
            outcomes[str(seed)] = {"status": "diverged" if has_diverged else "finished", "metrics": metrics} | (
                {"reason": "the loss became inf in epoch 1, step 3"} if has_diverged else {"epochs": 4, "best_epoch": 3}
            )
        summary = {"test_accuracy": {"mean": 0.905}}
        content = {"schema": 1, "checks": []} | self.about
        content |= {
            "seeds": outcomes,
            "summary": {} if diverged or not outcomes else summary,
            "cost": {"flops": 1000, "forward_passes": 1, "backward_passes": 1, "relative_to_none": 1.0},
        }
        (folder / "record.json").write_text(json.dumps(content | more))
        if files := sorted(self.entry.glob("seed-*.jsonl")):
            lines = {int(file.stem[5:]): [json.loads(line) for line in file.read_text().splitlines()] for file in files}
            (folder / "curves.csv").write_text(curves_csv(lines))
        self.lock.release()
        return folder

    def finish(self, **more) -> None:
        """The training has done all it does."""
        journal.complete(self.entry, self.publish(**more))
