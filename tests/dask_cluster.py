"""A Dask cluster of processes of this machine, each worker with a disk of its own, for tests that kill some of them."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

TESTS = Path(__file__).parent
PATIENCE = 300.0  # seconds in which something must begin on a busy machine


class Cluster:
    """A scheduler and workers of one thread; `disk(n)` is the folder of temporary files of worker n.

    `before` is a command that runs the workers, such as prlimit with a limit; `path` has modules that they find first.
    """

    def __init__(self, folder: Path, workers: int, before: Sequence[str] = (), path: Sequence[str] = ()) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self.scheduler = self.start("scheduler", "--port", self.address.rpartition(":")[2], "--no-dashboard")
        self.workers = []
        for number in range(workers):
            self.disk(number).mkdir(parents=True, exist_ok=True)
            options = "--nthreads", "1", "--no-nanny", "--no-dashboard"
            self.workers.append(
                self.start("worker", self.address, *options, before=before, path=path, TMPDIR=str(self.disk(number)))
            )

    def start(
        self, role: str, *arguments: str, before: Sequence[str] = (), path: Sequence[str] = (), **environment: str
    ) -> subprocess.Popen:
        """`dask scheduler` or `dask worker`, on the loopback address; it ends when the cluster does."""
        modules = os.pathsep.join([*path, str(TESTS.parent / "src"), str(TESTS)])
        return subprocess.Popen(
            [*before, sys.executable, "-m", "dask", role, *arguments, "--host", "127.0.0.1"],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": modules, "OMP_NUM_THREADS": "1"} | environment,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "cluster.log").open("a"),
        )

    def disk(self, number: int) -> Path:
        return self.folder / f"disk-{number}"

    def wait_for_workers(self) -> "Cluster":
        from distributed import Client

        with Client(self.address, timeout=PATIENCE, set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=PATIENCE)
        return self

    def kill(self, number: int) -> None:
        """End a worker as the system does when it runs out of memory."""
        self.workers[number].kill()
        self.workers[number].wait()

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
                process.wait()
