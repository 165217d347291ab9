"""One MLflow experiment: where it is, and the few verbs that fill it."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from reglab.errors import UserError
from reglab.tracking import content

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

# An absent server costs seconds (7 retries of 120 s by default); whoever sets these variables keeps his own values.
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
}
DATABASE = "sqlite:///mlflow.db"
BATCH = 1000  # the most metrics that MLflow takes in one call


def address(uri: str | None, root: Path) -> str:
    """Where the runs go: MLFLOW_TRACKING_URI, else `uri`, else the database beside params.yaml."""
    return anchored(os.environ.get("MLFLOW_TRACKING_URI") or uri or DATABASE, root)


def anchored(uri: str, root: Path) -> str:
    """A relative SQLite path starts from `root`, not from a temporary workspace that DVC deletes."""
    scheme, separator, path = uri.partition(":///")
    return f"sqlite:///{root.resolve() / path}" if (scheme, separator) == ("sqlite", ":///") else uri


@dataclass(frozen=True)
class Store:
    """One MLflow experiment. A run once ended is complete and not written to again."""

    client: "MlflowClient"
    experiment: str  # MLflow's id

    def find(self, condition: str) -> "list[Run]":
        """The runs that meet a condition in MLflow's search language, those deleted in the UI left out."""
        return list(self.client.search_runs([self.experiment], condition, max_results=10_000))

    def create(self, name: str, tags: dict[str, str], start: int) -> "Run":
        """A new run, RUNNING since `start` (milliseconds); its tags come with it, so that a kill leaves it findable."""
        return self.client.create_run(self.experiment, start_time=start, tags=tags, run_name=name)

    def log(
        self,
        run: "Run",
        metrics: Iterable[tuple[str, float, int, int]] = (),
        params: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        """Add metrics (name, value, time in milliseconds, step), params, tags; the same once more changes nothing."""
        from mlflow.entities import Metric, Param, RunTag

        # MLflow rejects a param that has a value already, even beside new ones.
        lacking = [Param(*item) for item in (params or {}).items() if item[0] not in run.data.params]
        changed = [RunTag(*item) for item in (tags or {}).items() if run.data.tags.get(item[0]) != item[1]]
        if lacking or changed:
            self.client.log_batch(run.info.run_id, params=lacking, tags=changed)
        rows = [Metric(*row) for row in metrics]
        for first in range(0, len(rows), BATCH):
            self.client.log_batch(run.info.run_id, metrics=rows[first : first + BATCH])

    def end(self, run: "Run", status: str, moment: int) -> None:
        self.client.set_terminated(run.info.run_id, status=status, end_time=moment)

    def delete(self, run: "Run") -> None:
        self.client.delete_run(run.info.run_id)

    def attach(self, run: "Run", file: Path) -> None:
        self.client.log_artifact(run.info.run_id, str(file))

    def attach_text(self, run: "Run", text: str, name: str) -> None:
        self.client.log_text(run.info.run_id, text, name)


@contextmanager
def plain_errors(uri: str | None, root: Path) -> Iterator[None]:
    """Say in one line that MLflow does not do what it is asked."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, ImportError) as error:
        reason = str(error).splitlines()[0][:200]
        raise UserError(
            f"MLflow at {address(uri, root)} cannot be used: set MLFLOW_TRACKING_URI, or tracking.uri in params.yaml"
            f" (null: a database beside it) ({reason})"
        ) from error


def open_store(uri: str | None, experiment: str, root: Path) -> Store:
    """The experiment, created if need be together with its database; raises `UserError` when MLflow cannot be reached.

    Without a server the artifacts lie in `<root>/mlartifacts`.
    """
    lock = root / ".reglab" / "mlflow.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    # Of eight processes that create the schema at once, seven crash.
    with plain_errors(uri, root), FileLock(lock):
        from mlflow.tracking import MlflowClient

        uri = address(uri, root)
        remote = uri.startswith(("http://", "https://"))
        location = None if remote else (root.resolve() / "mlartifacts").as_uri()
        client = MlflowClient(uri)
        found = client.get_experiment_by_name(experiment)
        if found is None:
            tags = content.experiment_tags()
            return Store(client, client.create_experiment(experiment, artifact_location=location, tags=tags))
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        if uri == anchored(DATABASE, root) and found.artifact_location != location:
            raise UserError(
                f"{root / 'mlflow.db'}: its artifacts belong to {found.artifact_location}, so the checkout was moved or"
                " copied; delete mlflow.db and mlartifacts, then `reglab sync` restores every run"
            )
        return Store(client, found.experiment_id)


def now() -> int:
    """Milliseconds, as MLflow counts time."""
    return int(time.time() * 1000)
