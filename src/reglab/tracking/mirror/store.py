"""One MLflow experiment: its address, and the operations that fill it."""

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from reglab.core.errors import UserError
from reglab.core.redaction import redact
from reglab.tracking.mirror import content

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

# With these an absent server costs seconds (by default 7 retries of 120 s); values already set in the environment are kept.
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
}
DATABASE = "sqlite:///mlflow.db"
DIGEST = 8  # characters of a dataset's digest: as many as in MLflow's digests
ARTIFACT_ROOT = "_MLFLOW_SERVER_ARTIFACT_ROOT"  # MLflow's variable
SERVERS = ("postgresql", "mysql")  # databases that are reached over a network
Row = tuple[str, float, int, int]  # a metric: name, value, time in milliseconds, step
CONNECT_SECONDS = 5  # in which such a database must answer, as MLflow's server must


def address(uri: str | None, root: Path) -> str:
    """The address of the runs: MLFLOW_TRACKING_URI, else `uri`, else the database beside params.yaml.

    A relative SQLite path starts from `root`, not from a temporary workspace that DVC deletes.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or uri or DATABASE
    path = uri.removeprefix("sqlite:///")
    return uri if path == uri or path.startswith("/") else below(root.resolve(), path)


def below(folder: Path, path: str) -> str:
    """The SQLAlchemy address of a SQLite database; `path`, below the folder, is written as in an address.

    With its driver's name where the folder had to be escaped, for MLflow would take the rest of `sqlite:///...` for a path
    and make folders of that name.
    """
    escaped = str(folder).replace("%", "%25").replace("?", "%3F")
    return f"{'sqlite' if escaped == str(folder) else 'sqlite+pysqlite'}:///{escaped}/{path}"


@dataclass(frozen=True)
class Store:
    """One MLflow experiment. A run that has ended is complete and its numbers are not written to again."""

    client: "MlflowClient"
    experiment: str  # MLflow's id
    seeds: bool = True  # whether the seeds of a recipe are runs too

    def describe(self, tags: dict[str, str]) -> None:
        """Set tags of the experiment where they differ."""
        known = self.client.get_experiment(self.experiment).tags
        for key, value in tags.items():
            if known.get(key) != value:
                self.client.set_experiment_tag(self.experiment, key, value)

    def find(self, condition: str) -> "list[Run]":
        """The runs that meet a condition in MLflow's search language, those deleted in the UI left out."""
        return list(self.client.search_runs([self.experiment], condition, max_results=10_000))

    def create(self, name: str, tags: dict[str, str], start: int) -> "Run":
        """A new run, RUNNING since `start` (milliseconds); its tags come with it, so that a kill leaves it findable."""
        return self.client.create_run(self.experiment, start_time=start, tags=tags, run_name=name)

    def log(
        self,
        run: "Run",
        metrics: Iterable[Row] = (),
        params: dict[str, str] | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        """Add metrics, params and tags; repeating a call changes nothing.

        In one call, for MLflow opens three or four sessions of its database in each, and itself divides what is too much.
        """
        from mlflow.entities import Metric, Param, RunTag

        # MLflow rejects a param that has a value already, even beside new ones.
        lacking = [Param(*item) for item in (params or {}).items() if item[0] not in run.data.params]
        changed = [RunTag(*item) for item in (tags or {}).items() if run.data.tags.get(item[0]) != item[1]]
        self.client.log_batch(run.info.run_id, [Metric(*row) for row in metrics], lacking, changed)

    def name_dataset(self, run: "Run", dataset: dict, root: Path) -> None:
        """Log the dataset of the run: name and digest of the prepared data; repeating a call changes nothing."""
        if not dataset or (run.inputs and run.inputs.dataset_inputs):
            return
        from mlflow.entities import Dataset, DatasetInput, InputTag

        digest = dataset["fingerprint"].removeprefix("sha256:")[:DIGEST]
        source = json.dumps({"uri": str(root.resolve() / "data")})
        data = Dataset(dataset["name"], digest, "local", source, profile=json.dumps(dataset))
        context = InputTag("mlflow.data.context", "train")
        self.client.log_inputs(run.info.run_id, datasets=[DatasetInput(data, [context])])

    def end(self, run: "Run", status: str, moment: int) -> None:
        self.client.set_terminated(run.info.run_id, status=status, end_time=moment)

    def resume(self, run: "Run") -> None:
        self.client.update_run(run.info.run_id, status="RUNNING")

    def give_up(self, run: "Run") -> None:
        """End a run that will not be resumed; it is no longer found as that of a training."""
        if run.info.status == "RUNNING":
            self.end(run, "KILLED", now())
        if content.KEY in run.data.tags:
            self.client.delete_tag(run.info.run_id, content.KEY)

    def delete(self, run: "Run") -> None:
        self.client.delete_run(run.info.run_id)

    def attach(self, run: "Run", file: Path, folder: str = "") -> None:
        self.client.log_artifact(run.info.run_id, str(file), folder.removeprefix(".") or None)

    def attach_text(self, run: "Run", text: str, name: str) -> None:
        self.client.log_text(run.info.run_id, text, name)


@contextmanager
def sole_writer(root: Path) -> Iterator[None]:
    """At most one process at a time writes for a checkout, and creates its database (of eight at once, seven crash)."""
    lock = root / ".reglab" / "mirror.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=120):
            yield
    except Timeout:
        raise UserError(f"{lock}: another process has been writing to MLflow for two minutes; try again") from None


def load() -> None:
    """Import MLflow, which takes two seconds, in the environment that it is to see."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow.tracking  # noqa: F401


@contextmanager
def plain_errors(uri: str | None, root: Path) -> Iterator[None]:
    """Raise a UserError of one line instead of an error of MLflow or its database."""
    load()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, ImportError) as error:
        raise unusable(address(uri, root), error) from error


def reach_database(place: str) -> None:
    """Connect once to a database server; SQLAlchemyError where it refuses or is away, after which MLflow would try for two
    minutes.
    """
    import sqlalchemy

    engine = sqlalchemy.create_engine(place, connect_args={"connect_timeout": CONNECT_SECONDS})
    with engine.connect():
        pass
    engine.dispose()


def make_database(place: str) -> None:
    """Make the file of a SQLite database that is not there yet, whole: MLflow makes table after table, and could not go on
    where a kill left some.
    """
    from mlflow.tracking import MlflowClient
    from sqlalchemy import make_url

    file = Path(make_url(place).database or "") if place.startswith("sqlite") else None
    if file is None or file.exists() or not file.parent.is_dir():
        return
    with suppress(OSError), TemporaryDirectory(prefix=f"{file.name}.", dir=file.parent) as folder:  # else MLflow tries
        MlflowClient(below(Path(folder), file.name)).search_experiments()
        Path(folder, file.name).replace(file)


def unusable(place: str, error: Exception) -> UserError:
    mending = "; or move the database away, then `reglab sync` restores every run that has a record"
    return UserError(
        f"MLflow at {place} cannot be used: set MLFLOW_TRACKING_URI, or tracking.uri in params.yaml"
        f" (null: a database beside it){mending * place.startswith('sqlite')} ({first_line(error)})"
    )


def said_later(error: UserError) -> str:
    """What a stage says of this error, which it survives."""
    return f"{error}\nThe results are complete without it; later: reglab sync, in {Path.cwd()}"


def first_line(error: Exception) -> str:
    return redact(f"{type(error).__name__}: {error}").splitlines()[0][:200]  # a cut secret would not be found


def open_store(uri: str | None, experiment: str, root: Path, seeds: bool | None = None) -> Store:
    """The experiment, created if need be together with its database; raises `UserError` when MLflow cannot be reached.

    To be called by the sole writer. Without a server the artifacts lie in `<root>/mlartifacts`. `seeds` None: every seed is a
    run in a database of one's own; a server, which holds the studies of many, has the recipes alone.
    """
    with plain_errors(uri, root):
        from mlflow.tracking import MlflowClient

        place = address(uri, root)
        try:
            scheme = urlsplit(place).scheme
        except ValueError as error:
            raise unusable(place, error) from error
        remote = scheme in ("http", "https")
        if scheme.partition("+")[0] in SERVERS:
            reach_database(place)
        location = None if remote else (root.resolve() / "mlartifacts").as_uri()
        seeds = not remote if seeds is None else seeds
        if location:  # of MLflow's experiment "Default" too, whose SQL takes no path with ' or :
            os.environ[ARTIFACT_ROOT] = location
        make_database(place)
        client = MlflowClient(place)
        existing = client.get_experiment_by_name(experiment)
        if existing is None:
            return Store(client, client.create_experiment(experiment, artifact_location=location), seeds)
        if existing.lifecycle_stage == "deleted":
            client.restore_experiment(existing.experiment_id)
        if place == below(root.resolve(), "mlflow.db") and existing.artifact_location != location:
            raise UserError(
                f"{root / 'mlflow.db'}: its artifacts belong to {existing.artifact_location}, so the checkout was moved or"
                f" copied; found tracking.experiment {experiment}: choose another name, or delete mlflow.db and"
                " mlartifacts; then `reglab sync` restores every run that has a record"
            )
        return Store(client, existing.experiment_id, seeds)


def now() -> int:
    """Milliseconds, as MLflow counts time."""
    return int(time.time() * 1000)
