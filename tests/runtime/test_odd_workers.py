"""A worker with little memory, a small disk and a clock that is months ahead: it says what it lacks, or trains the same."""

import os
import resource
import shutil
import subprocess
import textwrap
import time

import pytest

pytest.importorskip("distributed")
from broken_techniques import Hungry
from dask_cluster import Cluster
from study_elsewhere import StudyElsewhere

from reglab.core.errors import WorkError
from reglab.runtime.engines.dask import Dask

MEMORY_GB, DISK_MB, AHEAD = 12, 16, 100 * 24 * 3600.0  # of addresses, of which PyTorch takes some without use; seconds
CLOCK = f"""\
import time
now, nanoseconds = time.time, time.time_ns
time.time = lambda: now() + {AHEAD}
time.time_ns = lambda: nanoseconds() + int({AHEAD} * 1e9)
"""


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    """A cluster of one such worker."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "clock").mkdir()
    (folder / "clock" / "sitecustomize.py").write_text(
        textwrap.dedent(CLOCK)
    )  # each Python of the worker runs it first
    disk = folder / "disk-0"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", disk], capture_output=True)
    if mounted.returncode or not shutil.which("prlimit"):
        pytest.skip("a disk of a given size can be mounted by root alone, on Linux")
    limit = ["prlimit", f"--as={MEMORY_GB * 2**30}"]
    cluster = Cluster(folder, workers=1, before=limit, path=[str(folder / "clock")])
    try:
        yield cluster.wait_for_workers()
    finally:
        cluster.end()
        subprocess.run(["umount", "-l", disk], check=True)


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return StudyElsewhere(tmp_path, seeds=2)


def test_a_worker_without_enough_memory_fails_the_stage_with_the_reason_and_takes_the_next_job(worker, study):
    with pytest.raises(WorkError, match=r"failed 3 times, at last on \S+, process \d+: .*can't allocate memory"):
        study.run("there", Dask(worker.address), technique=Hungry(MEMORY_GB))
    assert study.run("there", Dask(worker.address)) == study.run("here")


def test_a_worker_whose_disk_is_full_fails_the_stage_with_the_place_and_goes_on_when_there_is_space(worker, study):
    ballast = worker.disk(0) / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(worker.disk(0)).free - 4096)
    with pytest.raises(WorkError, match=rf"failed 3 times, .*{worker.disk(0)}.*: no space left on this disk"):
        study.run("there", Dask(worker.address))
    ballast.unlink()
    assert study.run("there", Dask(worker.address)) == study.run("here")


def test_a_worker_whose_clock_is_months_ahead_leaves_the_record_of_this_machine_to_the_byte(worker, study):
    from distributed import Client

    with Client(worker.address, set_as_default=False) as client:
        [clock] = client.run(time.time).values()
        [(limit, _)] = client.run(resource.getrlimit, resource.RLIMIT_AS).values()
    assert clock - time.time() == pytest.approx(AHEAD, abs=3600) and limit == MEMORY_GB * 2**30
    assert study.run("there", Dask(worker.address)) == study.run("here")
