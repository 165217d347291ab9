"""On a worker: does one job in a process of its own, in a folder of the worker's disk, and hands its files back.

The process is forked from a warm one of this worker where there is one (`runtime/warm.py`), else a new Python. It runs the
code of the study's folder, after that has been compared with the fingerprints in the job. If it is killed, as for lack of
memory, the worker lives on.
"""

import contextlib
import fcntl
import hashlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reglab.core.errors import UserError, WorkError
from reglab.runtime import disk_space, warm
from reglab.runtime.compute import machine
from reglab.runtime.compute.payload import Job, load_call
from reglab.runtime.memory import keep_freed_memory
from reglab.runtime.processes import die_with_parent

JOB, RESULT, FILES = "job.pickle", "result.pickle", "files"  # in the folder of a job on the worker's disk
STAYS = (".ckpt", ".partial", ".lock")  # files that are not handed back
ONE_AT_A_TIME = threading.Lock()  # two trainings in the threads of one worker would share its core
WARM = contextlib.ExitStack()  # the warm process of this worker, which ends with it


class Refused(WorkError):
    """This worker would not do the job as the study does: other code, other versions, or no folder of the study."""


@dataclass
class JobResult:
    """What comes back: the value of the call, its files by their path in the folder; or the problem, and its traceback."""

    worker: str
    value: object = None
    files: dict[str, bytes] = field(default_factory=dict)
    processor: str = ""
    problem: str = ""
    of_user: bool = False  # the input is wrong, so that no other worker could do the job
    traceback: str = ""


def work(content: bytes) -> bytes:
    """Do a job, a pickled `Job`, and return a pickled `JobResult`; for a worker that takes many jobs."""
    with ONE_AT_A_TIME:
        if warm.ADDRESS not in os.environ:
            os.environ.update(WARM.enter_context(warm.server()))
        return work_once(content)


def work_once(content: bytes) -> bytes:
    """As `work`, without a warm process: for a worker that takes one job and ends."""
    try:
        with disk_space.plain_errors(Path(tempfile.gettempdir())), scratch(content) as folder:
            (folder / JOB).write_bytes(content)
            return run_apart(pickle.loads(content).study, folder)
    except WorkError as error:
        return pickle.dumps(JobResult(machine.name(), problem=str(error)))


def work_in_place(content: bytes) -> bytes:
    """Do a job in this process and in the very folder where its files belong, so that it resumes there after a kill."""
    job = pickle.loads(content)
    function, *arguments = load_call(job.call, job.folder)
    return pickle.dumps(JobResult(machine.name(), function(*arguments), processor=machine.processor()))


@contextlib.contextmanager
def scratch(content: bytes) -> Iterator[Path]:
    """A folder on the worker's disk, removed unless the block raises; a job that comes again finds its checkpoints there."""
    digest = hashlib.blake2b(content, digest_size=10).hexdigest()
    folder = Path(tempfile.gettempdir(), f"reglab-jobs-{os.getuid()}", digest)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # the same job was given out twice
            with tempfile.TemporaryDirectory() as other:
                yield Path(other)
            return
        (folder / RESULT).unlink(missing_ok=True)
        yield folder
    for file in sorted(folder.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    folder.rmdir()


def run_apart(study: Path, folder: Path) -> bytes:
    """Run the job that lies in `folder` in a process of its own; its result."""
    if not (study / "params.yaml").is_file():
        raise Refused(f"{study}: no study there; a worker must reach its folder under this path")
    source = study / "src"
    path = [str(source)] * source.is_dir() + [place for place in sys.path if place] + [str(study)]
    argv, code = [str(Path(__file__).with_name("job_process.py").absolute()), str(folder)], b""
    if connection := warm.request_run(argv, study, [0, 1, 2], path=path):
        with connection:
            code = connection.recv(1)
        ended = code[0] if code else 128 + signal.SIGKILL
    else:
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(path), "OMP_NUM_THREADS": "1"}
        ended = subprocess.run([sys.executable, "-P", *argv], cwd=study, env=environment).returncode
    if (folder / RESULT).exists():
        return (folder / RESULT).read_bytes()
    if full := disk_space.full_folder(folder):
        raise WorkError(disk_space.full_message(full))
    number = ended - 128 if ended > 128 else -ended
    killed = (
        f"was killed (signal {number}), probably for lack of memory" if number in (9, 15) else f"ended with {ended}"
    )
    raise WorkError(f"the process of the training {killed}")


def do_in_folder(folder: Path) -> None:
    """In the process of the job: do it, and leave the result in its folder on the worker's disk."""
    if "torch" not in sys.modules:  # else the process that it was forked from sees to that
        die_with_parent(parent=os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # otherwise Lightning ends the fit as if it were complete
    result = JobResult(machine.name())
    try:
        with disk_space.plain_errors(folder):
            do(pickle.loads((folder / JOB).read_bytes()), folder / FILES, result)
    except (UserError, WorkError) as error:
        result.problem, result.of_user = str(error), isinstance(error, UserError)
    except Exception as error:
        result.problem, result.traceback = f"{type(error).__name__}: {error}", traceback.format_exc()
    partial = folder / f"{RESULT}.partial"
    partial.write_bytes(pickle.dumps(result))
    os.replace(partial, folder / RESULT)


def do(job: Job, files: Path, result: JobResult) -> None:
    """Do the job with `files` as its folder, and complete the result."""
    check_fingerprints(job)
    import torch

    torch.set_num_threads(1)
    keep_freed_memory()
    files.mkdir(exist_ok=True)
    function, *arguments = load_call(job.call, files)
    for folder in job.folders:
        (files / folder).mkdir(parents=True, exist_ok=True)
    result.value = function(*arguments)
    left = (file for file in sorted(files.rglob("*")) if file.is_file() and file.suffix not in STAYS)
    result.files = {file.relative_to(files).as_posix(): file.read_bytes() for file in left}
    result.processor = machine.processor()


def check_fingerprints(job: Job) -> None:
    """Raise `Refused` where the code in the study's folder, or a version, is not that of the job."""
    here = machine.versions()
    if odd := [
        f"{name} {here.get(name)} and not {wanted}" for name, wanted in job.versions.items() if here.get(name) != wanted
    ]:
        raise Refused(f"this worker has {', '.join(odd)}; install the versions of the study on it")
    for line in job.code.splitlines():
        wanted, _, path = line.partition("  ")
        with contextlib.suppress(FileNotFoundError):
            if hashlib.sha256((job.study / path).read_bytes()).hexdigest() == wanted:
                continue
        raise Refused(f"{job.study / path}: not the code of this job, its fingerprint differs; run the command again")
