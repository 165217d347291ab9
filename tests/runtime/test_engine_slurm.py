"""Trainings as jobs of a real Slurm of one node: the bytes of local ones, also when a job is cancelled in the middle."""

import subprocess
import threading
import time

import pytest
from slurm_node import Node, is_installed
from study_elsewhere import StudyElsewhere

pytest.importorskip("submitit")
from reglab.core.errors import UserError
from reglab.runtime.engines import slurm
from reglab.runtime.engines.slurm import Slurm

needs_slurm = pytest.mark.skipif(not is_installed(), reason="needs root and Debian's slurm-wlm")


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    one = Node(tmp_path_factory.mktemp("slurm"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(one.configuration))
        if not one.is_up():
            one.end()
            pytest.skip("no Slurm could be started here")
        yield one
        one.end()


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return StudyElsewhere(tmp_path, seeds=4)


@needs_slurm
def test_a_record_made_by_slurm_of_which_a_job_is_cancelled_is_that_of_local_processes_to_the_byte(
    node, study, monkeypatch, capfd
):
    monkeypatch.setattr(slurm, "LATE_SECONDS", 2.0)

    def cancel_a_running_job() -> None:
        while True:
            listed = subprocess.run(
                ["squeue", "-h", "-t", "R", "-o", "%A"], capture_output=True, text=True
            ).stdout.split()
            if listed:
                subprocess.run(["scancel", listed[0]], check=True)
                return
            time.sleep(0.2)

    canceller = threading.Thread(target=cancel_a_running_job)
    canceller.start()
    there = study.run("there", Slurm(jobs=2))
    canceller.join()
    assert "trying again" in capfd.readouterr().err
    assert there == study.run("here")
    assert not list((study.folder / ".reglab" / "slurm").iterdir()), "the files of the jobs are removed"


def test_without_a_slurm_the_engine_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(UserError, match=r"compute.engine: found slurm, and .*squeue.*; allowed: slurm where sbatch"),
        Slurm().executor(None),
    ):
        pass
