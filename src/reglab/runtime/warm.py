"""A warm process from which stages are forked: packages that take seconds to import are imported once for all of them.

    reglab repro -+- dvc repro --- python pipelines/experiment.py, the client: hands over, waits, exits with its code
                  +- server ------ keeper ------ the stage itself, in a fork that has torch and this project's modules

Before every fork the server compares the client's files of this project with those it has imported, and imports them anew
if any has changed: a stage runs the code that is on disk at that moment, with the client's arguments, folder, environment
and open files. The keeper, one per client, passes signals on to the stage and the exit code back; if client, server or
keeper dies, the stage is killed. Without a server (`dvc repro`, by hand, not Linux) a stage runs in its own process.
"""

import contextlib
import gc
import importlib
import importlib.machinery
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

from reglab.core.redaction import redact_output
from reglab.runtime.processes import die_with_parent, exit_on_signals, on_signals

ADDRESS = "REGLAB_WARM"  # the variable that names the server's socket
PARENT = "REGLAB_DVC"  # the variable with the id of the process that a stage ends with
BEGUN = b"+"
PATIENCE = 10.0  # seconds in which a client must send its request
STOP_SECONDS = 0.5  # in which the server must end
PACKAGES = (
    *("torch", "pytorch_lightning", "torchmetrics", "torch.utils.flop_counter", "safetensors.numpy"),
    *("sklearn.ensemble", "sklearn.neighbors", "sklearn.semi_supervised", "sklearn.svm", "sklearn.datasets"),
    *("scipy.optimize", "scipy.stats", "matplotlib.figure", "matplotlib.backends.backend_svg"),
    *("jinja2", "pydantic", "ruamel.yaml", "tqdm", "mlflow.tracking"),
)


@contextlib.contextmanager
def server(environment: Mapping[str, str] | None = None) -> Iterator[dict[str, str]]:
    """A warm process while the block runs; yields the environment by which stages find it, empty where there is none.

    `environment` holds the defaults of variables that the packages read when they are imported.
    """
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):  # not Linux, or one before 5.3
        yield {}
        return
    no_threads = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}  # a fork copies no threads
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "reglab.runtime.warm", str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={"OMP_NUM_THREADS": "1"} | dict(environment or {}) | os.environ | no_threads,
        start_new_session=True,  # an interrupt at the terminal reaches it through the client alone
        encoding="utf-8",
    ) as process:
        path = process.stdout.readline().strip()
        try:
            yield {ADDRESS: path} if path else {}
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()  # does nothing to one that has ended
            if path:
                shutil.rmtree(Path(path).parent, ignore_errors=True)


def hand_over(argv: list[str]) -> int | None:
    """Run a script in the warm process instead of this one; its exit code, None without a warm process."""
    if "torch" in sys.modules:  # this process is warm
        return None
    connection = request_run(argv, Path.cwd(), [0, 1, 2])
    if connection is None:
        return None

    def pass_on(number: int, frame) -> None:
        with contextlib.suppress(OSError):  # the keeper has just ended
            connection.send(bytes([number]))

    code = b""
    with on_signals(pass_on), contextlib.suppress(OSError):
        code = connection.recv(1)
    return code[0] if code else 128 + signal.SIGTERM


def request_run(
    argv: list[str],
    folder: Path,
    files: list[int],
    *,
    detached: bool = False,
    path: list[str] | None = None,
    more: Mapping[str, str] | None = None,
) -> socket.socket | None:
    """Run a script in the warm process, in a folder, with these arguments and open files; the connection to its keeper.

    None without a warm process. A `detached` script outlives this process and the server. `path`: where modules are looked
    for, those of this process unless given; `more`: variables of the environment.
    """
    if ADDRESS not in os.environ:
        return None
    request = {
        "python": interpreter(),
        "path": path or sys.path,
        "argv": argv,
        "folder": str(folder),
        "detached": detached,
    }
    request |= {"environment": os.environ | (more or {})}
    connection = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(OSError):
        connection.connect(os.environ[ADDRESS])
        socket.send_fds(connection, [b"files"], files)
        connection.sendall(json.dumps(request).encode() + b"\n")
        if connection.recv(1) == BEGUN:
            return connection
    connection.close()
    return None


def interpreter() -> list[str]:
    """The build of this Python and its environment; the same whichever of its names was called."""
    return [sys.version, os.path.realpath(sys.prefix)]


def serve() -> None:
    """Import the packages for the first client and fork for each, until the parent ends or terminates this process."""
    die_with_parent(signal.SIGTERM, parent=int(sys.argv[1]))
    redact_output()  # before the packages keep references to the streams

    def leave(number: int, frame) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(128 + number)  # at once: Python's own exit takes seconds with these packages

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no keeper stays a zombie
    server = os.getpid()
    with tempfile.TemporaryDirectory(prefix="reglab-") as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/stages")
        listening.listen()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, leave)
        print(f"{folder}/stages", flush=True)
        warm, loaded = False, {}
        while True:
            connection, _ = listening.accept()
            if not warm:
                for name in PACKAGES:
                    importlib.import_module(name)
                warm = True
            received = receive_request(connection)
            if received:
                request, files = received
                loaded = load_modules(request["path"], loaded)
                read_ahead(Path(request["folder"]))
                if os.fork() == 0:
                    try:
                        listening.close()
                        run_keeper(connection, request, files, server)
                    finally:
                        os._exit(1)
                for file in files:
                    os.close(file)
            connection.close()


def receive_request(connection: socket.socket) -> tuple[dict, list[int]] | None:
    """The request of a client and its open files; None if it ends, sends nothing in time, or has another Python."""
    files: list[int] = []
    try:
        connection.settimeout(PATIENCE)
        _, files, _, _ = socket.recv_fds(connection, len(b"files"), 3)
        with connection.makefile("rb") as stream:
            request = json.loads(stream.readline())
        connection.settimeout(None)
        if request["python"] == interpreter():
            return request, files
    except (OSError, ValueError):
        pass
    for file in files:
        os.close(file)
    return None


def load_modules(path: list[str], loaded: dict[Path, tuple]) -> dict[Path, tuple]:
    """Import the modules of this project along `path`, unless they are loaded as they are on disk.

    `loaded` and the result are the time stamps and sizes of their files. If one cannot be imported, none stays loaded: the
    stage will report the error.
    """
    spec = importlib.machinery.PathFinder.find_spec("reglab", path)
    package = Path(spec.origin).parent if spec and spec.origin else None
    stamps = {}
    for file in sorted(package.rglob("*.py")) if package else ():
        with contextlib.suppress(OSError):  # a dangling symlink left by an editor, or deleted meanwhile
            status = file.stat()
            stamps[file] = status.st_mtime_ns, status.st_size
    if stamps == loaded:
        return loaded
    unload_modules()
    before, sys.path[:] = sys.path[:], path
    try:
        for file in stamps:
            parts = file.relative_to(package.parent).with_suffix("").parts
            if parts[-1] not in ("__init__", "__main__"):
                importlib.import_module(".".join(parts))
    except Exception:
        unload_modules()
        return {}
    finally:
        sys.path[:] = before
        gc.freeze()  # so that no fork traverses these objects again
    return stamps


def read_ahead(folder: Path) -> None:
    """Have modules with a function of this name keep what every stage of the study in `folder` would read."""
    for module in [module for name, module in sys.modules.items() if name.startswith("reglab.config.")]:
        with contextlib.suppress(Exception):  # none of this name; or a file is wrong, which the stage will report
            module.read_ahead(folder)


def unload_modules() -> None:
    """Remove every module of this project from memory, so that the next import reads the disk."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "reglab"]:
        del sys.modules[name]
    importlib.invalidate_caches()


def run_keeper(connection: socket.socket, request: dict, files: list[int], server: int) -> None:
    """In a fork of the server: run the request in a further fork, pass signals and the exit code on, and end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    if request["detached"]:
        connection.send(BEGUN)
        os.setsid()
        run(request, files, connection)
    die_with_parent(parent=server)
    keeper = os.getpid()
    stage = os.fork()
    if stage == 0:
        die_with_parent(parent=keeper)
        run(request, files, connection)
    connection.send(BEGUN)
    ended = os.pidfd_open(stage)
    while ended not in select.select([connection, ended], [], [])[0]:
        number = connection.recv(1)
        if not number:  # the client has ended: this process ends too, and with it the stage
            return
        os.kill(stage, number[0])
    code = os.waitstatus_to_exitcode(os.waitpid(stage, 0)[1])
    connection.send(bytes([code if code >= 0 else 128 - code]))
    os._exit(0)


def run(request: dict, files: list[int], connection: socket.socket) -> None:
    """Run the script as the client would have, and end the process."""
    exit_on_signals()
    connection.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    code = 1
    try:
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        os.environ.pop(PARENT, None)  # the parent here is the keeper, which ends with the client
        sys.path[:], sys.argv[:] = request["path"], request["argv"]
        sys.stdout.reconfigure(line_buffering=os.isatty(1))
        runpy.run_path(sys.argv[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code or 0
        if not isinstance(code, int):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)


if __name__ == "__main__":
    try:
        serve()
    except OSError as error:  # such as no space for temporary files: then stages run in their own processes
        sys.exit(f"Without a warm process: {error}")
