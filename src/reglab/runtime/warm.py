"""A warm process from which stages are forked: what takes seconds to import is imported once for all of them.

    reglab repro -+- dvc repro --- python pipelines/train.py, the client: hands over, waits, exits with the same code
                  +- server ------ keeper ------ the stage itself, in a fork that has torch and this project's modules

Before every fork the server looks at the client's files of this project, and imports anew what is not as it was: a stage
runs the code that is on disk at that moment, with the client's arguments, folder, environment and open files. The keeper,
one per client, passes signals on to the stage and the exit code back; whoever of them goes takes the stage with it.
Without a server (`dvc repro`, by hand, not Linux) a stage runs in the process that it has.
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
from reglab.runtime import dvc_process
from reglab.runtime.processes import die_with_parent, exit_on_signals, on_signals

ADDRESS = "REGLAB_WARM"  # the variable that names the server's socket
BEGUN = b"+"
PATIENCE = 10.0  # seconds that a client has to say what it wants
LAST = 0.5  # seconds that the server has to end
PACKAGES = (
    *("torch", "pytorch_lightning", "torchmetrics", "torch.utils.flop_counter", "safetensors.numpy"),
    *("sklearn.ensemble", "sklearn.neighbors", "sklearn.semi_supervised", "sklearn.svm", "sklearn.datasets"),
    *("scipy.optimize", "scipy.stats", "matplotlib.figure", "matplotlib.backends.backend_svg"),
    *("jinja2", "pydantic", "ruamel.yaml", "tqdm", "mlflow.tracking"),
)


@contextlib.contextmanager
def server(environment: Mapping[str, str] | None = None) -> Iterator[dict[str, str]]:
    """A warm process while the block runs; yields the environment by which stages find it, empty where it cannot be.

    `environment` holds the defaults of variables that the packages read when they are imported.
    """
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):  # not Linux, or one before 5.3
        yield {}
        return
    alone = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}  # a fork copies no threads
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "reglab.runtime.warm", str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={"OMP_NUM_THREADS": "1"} | dict(environment or {}) | os.environ | alone,
        start_new_session=True,  # an interrupt at the terminal reaches it by way of the client alone
        encoding="utf-8",
    ) as process:
        path = process.stdout.readline().strip()
        try:
            yield {ADDRESS: path} if path else {}
        finally:
            process.terminate()
            try:
                process.wait(LAST)
            except subprocess.TimeoutExpired:
                process.kill()
            if path:
                shutil.rmtree(Path(path).parent, ignore_errors=True)


def hand_over(argv: list[str]) -> int | None:
    """Have a script run by the warm process in place of this one; its exit code, None without a warm process."""
    if "torch" in sys.modules:  # this process is warm
        return None
    connection = ask(argv, Path.cwd(), [0, 1, 2])
    if connection is None:
        return None

    def pass_on(number: int, frame) -> None:
        with contextlib.suppress(OSError):  # the keeper has just ended
            connection.send(bytes([number]))

    code = b""
    with on_signals(pass_on), contextlib.suppress(OSError):
        code = connection.recv(1)
    return code[0] if code else 128 + signal.SIGTERM


def ask(argv: list[str], folder: Path, files: list[int], *, detached: bool = False) -> socket.socket | None:
    """Have a script run in a folder, with these arguments and open files; the connection to its keeper, None without one.

    `detached`: it lives on without this process and without the server.
    """
    if ADDRESS not in os.environ:
        return None
    request = {"python": python(), "path": sys.path, "argv": argv, "folder": str(folder), "detached": detached}
    request |= {"environment": dict(os.environ)}
    connection = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(OSError):
        connection.connect(os.environ[ADDRESS])
        socket.send_fds(connection, [b"files"], files)
        connection.sendall(json.dumps(request).encode() + b"\n")
        if connection.recv(1) == BEGUN:
            return connection
    connection.close()
    return None


def python() -> list[str]:
    """The build of this interpreter and its environment, by whichever of its names it was called."""
    return [sys.version, os.path.realpath(sys.prefix)]


def serve() -> None:
    """Import the packages when the first client comes; then a fork for each, until the parent ends or says so."""
    die_with_parent(signal.SIGTERM, parent=int(sys.argv[1]))
    redact_output()  # before the packages take hold of the streams

    def leave(number: int, frame) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(128 + number)  # at once: to take the packages down as Python does takes seconds

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no keeper stays a zombie
    server = os.getpid()
    with tempfile.TemporaryDirectory(prefix="reglab-") as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/stages")
        listening.listen()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, leave)
        print(f"{folder}/stages", flush=True)
        warm, held = False, {}
        while True:
            connection, _ = listening.accept()
            if not warm:
                for name in PACKAGES:
                    importlib.import_module(name)
                warm = True
            asked = wanted(connection)
            if asked:
                held = hold(asked[0]["path"], held)
                if os.fork() == 0:
                    try:
                        listening.close()
                        keep(connection, *asked, server)
                    finally:
                        os._exit(1)
                for file in asked[1]:
                    os.close(file)
            connection.close()


def wanted(connection: socket.socket) -> tuple[dict, list[int]] | None:
    """The request of a client and its open files; None if it goes, says nothing, or has another Python."""
    files: list[int] = []
    try:
        connection.settimeout(PATIENCE)
        _, files, _, _ = socket.recv_fds(connection, len(b"files"), 3)
        with connection.makefile("rb") as told:
            request = json.loads(told.readline())
        connection.settimeout(None)
        if request["python"] == python():
            return request, files
    except (OSError, ValueError):
        pass
    for file in files:
        os.close(file)
    return None


def hold(path: list[str], held: dict[Path, tuple]) -> dict[Path, tuple]:
    """Have in memory the modules of this project that a search along `path` finds, as they are on disk.

    `held` and what is returned are the stamps of their files. Of code that cannot be imported nothing is held: the stage
    will say what is wrong with it.
    """
    spec = importlib.machinery.PathFinder.find_spec("reglab", path)
    package = Path(spec.origin).parent if spec and spec.origin else None
    stamps = {}
    for file in sorted(package.rglob("*.py")) if package else ():
        with contextlib.suppress(OSError):  # an editor's link to nothing, or gone meanwhile
            status = file.stat()
            stamps[file] = status.st_mtime_ns, status.st_size
    if stamps == held:
        return held
    forget()
    before, sys.path[:] = sys.path[:], path
    try:
        for file in stamps:
            parts = file.relative_to(package.parent).with_suffix("").parts
            if parts[-1] not in ("__init__", "__main__"):
                importlib.import_module(".".join(parts))
    except Exception:
        forget()
        return {}
    finally:
        sys.path[:] = before
        gc.freeze()  # what is there to stay need not be looked through again in every fork
    return stamps


def forget() -> None:
    """Let go of every module of this project, so that the next import reads the disk."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "reglab"]:
        del sys.modules[name]
    importlib.invalidate_caches()


def keep(connection: socket.socket, request: dict, files: list[int], server: int) -> None:
    """Run what the client asks for in a fork of this one, a fork of the server; ends the process."""
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
        told = connection.recv(1)
        if not told:  # the client has gone, and with this process goes the stage
            return
        os.kill(stage, told[0])
    code = os.waitstatus_to_exitcode(os.waitpid(stage, 0)[1])
    connection.send(bytes([code if code >= 0 else 128 - code]))
    os._exit(0)


def run(request: dict, files: list[int], connection: socket.socket) -> None:
    """Become the process that the client would have been, and end."""
    exit_on_signals()
    connection.close()
    for own, given in enumerate(files):
        os.dup2(given, own)
        os.close(given)
    code = 1
    try:
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        os.environ.pop(dvc_process.PARENT, None)  # the parent here is the keeper, which goes when the client goes
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
    except OSError as error:  # such as no room for temporary files: stages run in processes of their own
        sys.exit(f"Without a warm process: {error}")
