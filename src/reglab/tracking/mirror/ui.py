"""`reglab ui`: MLflow's pages on the runs of a study."""

import errno
import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from reglab.core.errors import UserError
from reglab.core.study_command import repro_command
from reglab.tracking.mirror import views
from reglab.tracking.mirror.store import address, load, unusable

HOST, PORT = "127.0.0.1", 5000
# No background jobs (they cost 13 s and 2 GB), no telemetry.
ENVIRONMENT = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


def serve(root: Path, uri: str | None, experiment: str, port: int | None) -> int:
    """Show the runs until an interrupt; returns the exit code. For a tracking server, print the address of its pages.

    `uri` and `experiment` are those of params.yaml. `port` None: the first free one from 5000 on. Raises UserError where
    there is no database yet, and where the port is busy.
    """
    place = address(uri, root)
    try:
        parts = urlsplit(place)
    except ValueError as error:
        raise unusable(place, error) from error
    if parts.scheme in ("http", "https"):
        print(f"The runs are on a tracking server; open {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
        return 0
    page = page_of(experiment, database(place)) if parts.scheme.startswith("sqlite") else "#/experiments"
    chosen = free_port(port)
    busy = f" (port {PORT} is busy)" if port is None and chosen != PORT else ""
    shown = f"the saved view {views.VIEWS[views.DEFAULT].name!r}, others are under Views; " if "?" in page else ""
    print(f"MLflow starts{busy}; open http://{HOST}:{chosen}/{page}   ({shown}Ctrl-C ends it)", flush=True)
    os.environ.update({name: os.environ.get(name, value) for name, value in ENVIRONMENT.items()})
    os.environ["MLFLOW_BACKEND_STORE_URI"] = place  # and not an argument, which every user of the machine could read
    load()
    from mlflow.cli import cli

    try:
        cli(["ui", "--workers", "1", "--host", HOST, "--port", str(chosen)])
    except SystemExit as end:
        return end.code or 0
    return 0


def database(place: str) -> Path:
    """The file of a SQLite database; UserError where there is none."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        file = Path(make_url(place).database or "")
    except (ArgumentError, ValueError) as error:
        raise unusable(place, error) from error
    if not file.is_file():
        raise UserError(
            f"{file}: found no runs yet; {repro_command(Path.cwd())} trains and mirrors them, reglab sync mirrors records"
        )
    return file


def page_of(experiment: str, file: Path) -> str:
    """The page to open: the experiment's view of the recipes, its runs if it has no views, else all experiments."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as opened:
            row = opened.execute("select experiment_id from experiments where name = ?", [experiment]).fetchone()
            query = "select count(*) from experiment_tags where experiment_id = ? and key = ?"
            viewed = row and opened.execute(query, [row[0], views.VIEW + views.DEFAULT]).fetchone()[0]
    except sqlite3.Error as error:
        raise UserError(f"{file}: found no database of MLflow ({error}); move it away, then reglab sync") from None
    return (views.link(row[0]) if viewed else f"#/experiments/{row[0]}/runs") if row else "#/experiments"


def free_port(wanted: int | None) -> int:
    """The port that is wanted, or the first free one from 5000 on; UserError where it is busy or not allowed."""
    if wanted is not None and not 1 <= wanted <= 65535:
        raise UserError(f"port: found {wanted}; allowed: a number from 1 to 65535, such as make ui PORT=5001")
    for port in [wanted] if wanted is not None else range(PORT, PORT + 100):
        try:
            with socket.socket() as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server binds it
                trial.bind((HOST, port))
                return port
        except OSError as error:
            if error.errno != errno.EADDRINUSE or wanted is not None:
                raise UserError(f"port {port}: found {error.strerror}; choose another: make ui PORT=5001") from None
    raise UserError(f"ports {PORT} to {PORT + 99}: found all of them busy; choose one: make ui PORT=8080")
