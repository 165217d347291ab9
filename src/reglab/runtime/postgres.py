"""Runs a PostgreSQL of one's own, below a folder: reached by a socket in it and by no network, ended with its parent."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reglab.core.errors import UserError, WorkError
from reglab.runtime.processes import die_with_parent

DEBIAN = Path("/usr/lib/postgresql")  # where Debian's package has its programs, below the number of the version
DATABASE = "mlflow"
LONGEST_SOCKET = 90  # characters of the folder of a socket; the system allows 107 with the name of the file
SECONDS = 60.0  # until the database answers; it may have to recover from a kill


def programs() -> Path | None:
    """The folder of `initdb`, `postgres` and `pg_isready`: Debian's newest version, else where the shell finds them."""
    versions = [path.parent for path in DEBIAN.glob("*/bin/initdb")]
    newest = max(versions, key=lambda folder: float(folder.parent.name), default=None)
    found = shutil.which("initdb")
    return newest or (Path(found).parent if found else None)


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run the database in `folder`, made at its first start, while the block runs; yields its SQLAlchemy address.

    UserError where PostgreSQL is not installed; WorkError with the end of its log where it does not start.
    """
    tools = programs()
    if tools is None:
        raise UserError(
            "make server: found no PostgreSQL; allowed: one on this machine, such as apt-get install postgresql"
        )
    data, log, user = folder / "postgres", folder / "postgres.log", unprivileged()
    folder.mkdir(parents=True, exist_ok=True)
    sockets = socket_folder(folder)
    if user:
        for path in (data, sockets):
            path.mkdir(exist_ok=True)
            os.chown(path, user.pw_uid, user.pw_gid)
    sockets.mkdir(exist_ok=True)
    sockets.chmod(0o700)  # a user who may open the folder needs no password
    start = {"stdin": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": "/"}
    start |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    with log.open("ab") as written:
        if not (data / "PG_VERSION").exists():
            command = [tools / "initdb", "-D", data, "-U", DATABASE, "--auth=trust", "--encoding=UTF8", "--locale=C"]
            if subprocess.run(command, stdout=written, **start).returncode:
                raise failed(log)
        command = [
            tools / "postgres",
            "-D",
            data,
            "-k",
            sockets,
            "-c",
            "listen_addresses=",
            "-c",
            "unix_socket_permissions=0700",
        ]
        server = subprocess.Popen(command, stdout=written, preexec_fn=end_with_parent, **start)
    try:
        wait_until_ready(tools, sockets, server, log)
        make_database(tools, sockets, log)
        yield f"postgresql+psycopg2://{DATABASE}@/{DATABASE}?host={sockets}"
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown: open connections are closed, nothing is lost
        try:
            server.wait(SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
        if sockets.parent != folder:
            shutil.rmtree(sockets, ignore_errors=True)


def unprivileged() -> pwd.struct_passwd | None:
    """The user that PostgreSQL runs as where this process is root's, whom it refuses: that of Debian's package."""
    if os.geteuid():
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise UserError("make server: found root, as whom PostgreSQL does not run; allowed: another user") from None


def socket_folder(folder: Path) -> Path:
    """The folder of the socket: below `folder`, or a temporary one where that path is too long for a socket."""
    inside = folder.resolve() / "socket"
    return inside if len(os.fsencode(inside)) <= LONGEST_SOCKET else Path(tempfile.mkdtemp(prefix="reglab-"))


def end_with_parent() -> None:
    die_with_parent(signal.SIGINT)


def wait_until_ready(tools: Path, sockets: Path, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while subprocess.run([tools / "pg_isready", "-q", "-h", sockets, "-U", DATABASE, "-d", "postgres"]).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise failed(log)
        time.sleep(0.1)


def make_database(tools: Path, sockets: Path, log: Path) -> None:
    command = [tools / "psql", "-h", sockets, "-U", DATABASE, "-d", "postgres", "-qAt", "-c"]
    there = subprocess.run([*command, f"select 1 from pg_database where datname = '{DATABASE}'"], capture_output=True)
    if there.stdout.strip() != b"1" and subprocess.run([*command, f"create database {DATABASE}"]).returncode:
        raise failed(log)


def failed(log: Path) -> WorkError:
    last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-1:]
    return WorkError(f"{log}: PostgreSQL did not start: {' '.join(last)}")
