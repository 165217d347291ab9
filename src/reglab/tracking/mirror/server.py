"""MLflow for a team on this machine: runs in PostgreSQL, artifacts in a folder, both behind one address on loopback."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from reglab.core.errors import UserError
from reglab.runtime import postgres
from reglab.tracking.mirror.ui import ENVIRONMENT, HOST, free_port

FOLDER = Path(".reglab", "server")  # the database and the artifacts, below the checkout
BACKEND = "MLFLOW_BACKEND_STORE_URI"  # MLflow's variable: in the environment, no user of the machine can read it


def serve(root: Path, port: int | None, workers: int) -> int:
    """Serve until an interrupt; returns the exit code. `port` None: the first free one from 5000 on.

    With MLFLOW_BACKEND_STORE_URI in the environment that database is used, and none is started. Raises UserError where
    the extra `server` or PostgreSQL is missing, or the port is busy.
    """
    if find_spec("psycopg2") is None:
        command = ".venv/bin/pip install --no-build-isolation --editable '.[server]'"
        raise UserError(
            f"make server: found no psycopg2, the driver of PostgreSQL; allowed: the extra server: {command}"
        )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    chosen, artifacts = free_port(port), (root / FOLDER / "artifacts").resolve()
    artifacts.mkdir(parents=True, exist_ok=True)
    if BACKEND in os.environ:
        return run(os.environ[BACKEND], artifacts, chosen, workers)
    with postgres.running(root / FOLDER) as database:
        return run(database, artifacts, chosen, workers)


def run(database: str, artifacts: Path, port: int, workers: int) -> int:
    """Run MLflow's server on this database until it ends, or a signal ends it with all its processes."""
    command = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", str(workers)]
    command += ["--artifacts-destination", artifacts.as_uri()]
    environment = ENVIRONMENT | os.environ | {BACKEND: database}
    print(
        f"MLflow starts; set tracking.uri in params.yaml, or MLFLOW_TRACKING_URI, to http://{HOST}:{port}", flush=True
    )
    server = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        return server.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def leave(number: int, frame) -> None:
    """End by an exception, so that the database is shut down."""
    raise SystemExit(128 + number)
