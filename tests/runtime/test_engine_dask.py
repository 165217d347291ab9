"""Trainings on a Dask cluster: the bytes of local ones, whatever dies; what fails says why, in its own words."""

import threading
import time

import pytest

pytest.importorskip("distributed")
from broken_techniques import Broken, FullDisk, Greedy, Waits
from dask_cluster import Cluster
from study_elsewhere import StudyElsewhere

from reglab.core.errors import UserError, WorkError
from reglab.runtime.compute import elsewhere
from reglab.runtime.engines import dask
from reglab.runtime.engines.dask import Dask


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    three = Cluster(tmp_path_factory.mktemp("cluster"), workers=3)
    yield three.wait_for_workers()
    three.end()


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return StudyElsewhere(tmp_path, seeds=6)


def when_they_wait(folder, count: int, call) -> threading.Thread:
    """In a thread: `call` when so many trainings wait in their second epoch, and then let them go on."""

    def work() -> None:
        while len(list(folder.glob("waits-*"))) < count:
            time.sleep(0.05)
        call()
        (folder / "go").touch()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_a_record_made_by_a_cluster_of_which_a_worker_is_killed_is_that_of_local_processes_to_the_byte(cluster, study):
    on_disks, in_the_study = [], []

    def kill() -> None:
        on_disks.extend(len(list(cluster.disk(number).rglob("seed-*.jsonl"))) for number in range(3))
        in_the_study.extend(study.folder.rglob("seed-*"))
        cluster.kill(0)

    killer = when_they_wait(study.folder, 3, kill)
    there = study.run("there", Dask(cluster.address), technique=Waits(str(study.folder)))
    killer.join()
    assert all(on_disks) and not in_the_study, "a training that runs has its files on the disk of its worker"
    assert there == study.run("here", technique=Waits(str(study.folder)))


def test_a_worker_refuses_code_that_is_not_that_of_the_job(cluster, study):
    (study.folder / "technique.py").write_text("edited = True\n")
    with pytest.raises(
        WorkError, match=r"train@dropout: a training failed 3 times, .*technique.py: not the code of this job"
    ):
        study.run("there", Dask(cluster.address), code=f"{'0' * 64}  technique.py\n")


def test_a_training_that_fails_three_times_fails_its_stage_with_its_own_message(cluster, study, capfd):
    with pytest.raises(
        WorkError, match=r"train@dropout: a training failed 3 times, at last on .*: ValueError: it cannot"
    ):
        study.run("there", Dask(cluster.address), technique=Broken())
    assert capfd.readouterr().err.count("trying again") >= 2


def test_a_training_that_takes_more_memory_than_there_is_fails_its_stage_and_not_the_worker(cluster, study):
    with pytest.raises(WorkError, match=r"failed 3 times, .*was killed .signal 9., probably for lack of memory"):
        study.run("there", Dask(cluster.address), technique=Greedy())
    assert len(study.run("there", Dask(cluster.address))) > 2


def test_a_full_disk_of_a_worker_is_named_with_the_worker(cluster, study):
    with pytest.raises(WorkError, match=r"failed 3 times, at last on \S+, process \d+: .*no space left on this disk"):
        study.run("there", Dask(cluster.address), technique=FullDisk())


def test_nobody_at_the_address_is_one_line(study, monkeypatch):
    monkeypatch.setattr(dask, "CONNECT_SECONDS", 1)
    with pytest.raises(UserError, match=r"compute.address: found tcp://127.0.0.1:9, where no scheduler answers"):
        study.run("there", Dask("tcp://127.0.0.1:9"))
    with pytest.raises(UserError, match=r'compute.address: found "nonsense"; allowed: the address that dask scheduler'):
        study.run("there", Dask("nonsense"))


def test_a_scheduler_that_goes_in_the_middle_ends_the_stage_and_what_is_finished_is_kept(tmp_path, study, monkeypatch):
    monkeypatch.setattr(elsewhere, "GONE_SECONDS", 3.0)
    one = Cluster(tmp_path / "cluster", workers=1).wait_for_workers()
    gone = when_they_wait(study.folder, 1, lambda: (one.scheduler.kill(), one.scheduler.wait()))
    try:
        with pytest.raises(WorkError, match=r"the scheduler is gone. What is finished is kept"):
            study.run("there", Dask(one.address), technique=Waits(str(study.folder)))
    finally:
        gone.join()
        one.end()
    assert study.run("there") == study.run("here")
