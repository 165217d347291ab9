"""What a job carries and what a worker checks, without a cluster: the worker is a process of this machine."""

import dataclasses
import itertools
import pickle
import runpy
import sys
from concurrent.futures import Executor, Future
from pathlib import Path

import numpy as np
import pytest
from study_elsewhere import StudyElsewhere, Threads

from reglab.config.compute_section import OVERRIDE, engine_of, overriding
from reglab.config.in_study import override_compute
from reglab.config.problems import Problems
from reglab.core.errors import UserError, WorkError
from reglab.runtime.compute import elsewhere, engine, machine, worker
from reglab.runtime.compute.elsewhere import Futures, JobBuilder, receive
from reglab.runtime.compute.machine import PROCESSORS
from reglab.runtime.compute.payload import KEPT_SECONDS, dump_call, load_call, tidy
from reglab.runtime.compute.worker import JobResult, work_once
from reglab.tracking.settings import Tracking

PIPELINES = Path(__file__).parent.parent.parent / "pipelines"


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return StudyElsewhere(tmp_path, seeds=3)


def test_arrays_stay_out_of_a_job_and_come_back_to_the_bit(tmp_path):
    array = np.random.default_rng(0).normal(size=(100, 100))
    folder = tmp_path / "entry"
    content, mentioned = dump_call((max, array, np.arange(3), folder / "variant-a"), folder, tmp_path / "arrays")
    assert len(content) < 1000 and mentioned == ("variant-a",)
    function, same, few, place = load_call(content, tmp_path / "elsewhere")
    assert function is max and np.array_equal(same, array) and few.tolist() == [0, 1, 2]
    assert place == tmp_path / "elsewhere" / "variant-a"
    assert len(list((tmp_path / "arrays").iterdir())) == 1
    dump_call((max, array.copy()), folder, tmp_path / "arrays")
    assert len(list((tmp_path / "arrays").iterdir())) == 1, "the same content is kept once"


def test_another_array_under_the_path_of_a_job_is_refused(tmp_path):
    content, _ = dump_call((max, np.zeros(10_000)), tmp_path / "entry", tmp_path / "arrays")
    [file] = (tmp_path / "arrays").iterdir()
    np.save(file, np.ones(10_000))
    with pytest.raises(WorkError, match="its fingerprint differs"):
        load_call(content, tmp_path)
    file.unlink()
    with pytest.raises(WorkError, match="it must reach the folder of the study"):
        load_call(content, tmp_path)


def test_arrays_that_no_job_has_used_for_a_week_are_removed(tmp_path):
    dump_call((max, np.zeros(10_000)), tmp_path / "entry", tmp_path)
    [file] = tmp_path.iterdir()
    tidy(tmp_path, lambda: file.stat().st_mtime + KEPT_SECONDS)
    assert file.exists()
    tidy(tmp_path, lambda: file.stat().st_mtime + KEPT_SECONDS + 1)
    assert not file.exists()


def test_files_of_jobs_published_by_one_process_are_those_of_local_trainings_and_nothing_is_left_on_the_worker(
    study, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "disk"))
    (tmp_path / "disk").mkdir()
    kinds = set()
    monkeypatch.setattr(elsewhere, "receive", lambda got, to: (kinds.add(got.processor), receive(got, to)))
    assert study.run("there", Threads()) == study.run("here")
    assert kinds == {machine.processor()}
    assert not [file for file in (tmp_path / "disk").rglob("*") if file.is_file()]


def test_a_job_that_was_killed_finds_its_files_on_the_same_machine_again_and_one_given_out_twice_does_not(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(WorkError), worker.scratch(b"job") as first:
        (first / "files").mkdir()
        (first / "files" / "seed-0.ckpt").touch()
        raise WorkError("killed")
    assert first.is_relative_to(tmp_path), "on the disk of the worker, where its temporary files are"
    with worker.scratch(b"job") as again:
        assert again == first and (again / "files" / "seed-0.ckpt").exists()
        with worker.scratch(b"job") as twice, worker.scratch(b"another job") as other:
            assert len({first, twice, other}) == 3 and not list(twice.iterdir())
    assert not first.exists() and not twice.exists()


class Never(Executor):
    """Takes jobs and does none."""

    def submit(self, function, /, *arguments):
        return Future()


def test_an_interrupted_command_cancels_what_waits(study, tmp_path):
    [job] = JobBuilder("train@dropout", "", tmp_path).jobs([(print, tmp_path / "entry")], tmp_path / "entry")
    with pytest.raises(KeyboardInterrupt), Futures(Threads(), Never(), {0: job}).cancelled_on_error() as futures:
        raise KeyboardInterrupt
    assert [future.cancelled() for future in futures.pending] == [True]


def test_a_worker_with_other_versions_refuses(study, monkeypatch, tmp_path):
    builder = JobBuilder("train@dropout", "", tmp_path)
    [job] = builder.jobs([(print, tmp_path / "entry")], tmp_path / "entry")
    other = dataclasses.replace(job, versions=job.versions | {"torch": "1.0"})
    with pytest.raises(worker.Refused, match=r"this worker has torch \S+ and not 1\.0; install"):
        worker.check_fingerprints(other)
    worker.check_fingerprints(job)


def test_a_worker_that_does_not_reach_the_folder_of_the_study_says_so(study, tmp_path):
    [job] = JobBuilder("train@dropout", "", tmp_path).jobs([(print, tmp_path / "entry")], tmp_path / "entry")
    there = dataclasses.replace(job, study=tmp_path / "nowhere")
    result = pickle.loads(work_once(there.dumps()))
    assert result.problem == f"{tmp_path / 'nowhere'}: no study there; a worker must reach its folder under this path"


def test_the_journal_says_on_which_kinds_of_processor_trainings_ran(tmp_path):
    for kind in ("x86_64 GenuineIntel avx512f", "x86_64 AuthenticAMD avx2", "x86_64 AuthenticAMD avx2"):
        receive(JobResult("a worker", processor=kind, files={"variant-0/seed-0.jsonl": b""}), tmp_path)
    kinds = ["x86_64 AuthenticAMD avx2", "x86_64 GenuineIntel avx512f"]
    assert (tmp_path / "variant-0" / PROCESSORS).read_text("utf-8").splitlines() == kinds
    assert machine.noted_processors(tmp_path) == kinds


class Answers(Executor):
    """Has done every job already, on another kind of processor each time."""

    def __init__(self) -> None:
        self.kinds = map("kind {}".format, itertools.count())

    def submit(self, function, /, *arguments):
        future = Future()
        future.set_result(pickle.dumps(JobResult("a worker", processor=next(self.kinds), files={"seed-0.jsonl": b""})))
        return future


def test_several_kinds_of_processor_are_said_and_kept(study, tmp_path, capfd):
    folder = tmp_path / "entry"
    folder.mkdir()
    jobs = JobBuilder("train@dropout", "", tmp_path).jobs([(print, folder)] * 2, folder)
    Futures(Threads(), Answers(), dict(enumerate(jobs))).results()
    said = capfd.readouterr().err
    assert said == "Trained on several kinds of processor, whose last digits may differ: kind 0; kind 1\n"
    assert (folder / PROCESSORS).read_text("utf-8").splitlines() == ["kind 0", "kind 1"]


def test_a_stage_that_trains_here_says_on_which_kind_of_processor(study, monkeypatch):
    monkeypatch.syspath_prepend(str(PIPELINES))
    monkeypatch.setitem(sys.modules, "stage", None)
    monkeypatch.delitem(sys.modules, "stage")
    context = runpy.run_path(str(PIPELINES / "experiment.py"))["context_of"]("train@dropout", Tracking(), "")
    assert context["tags"]["processor"] == machine.processor()


def test_a_processor_is_named_by_its_maker_and_its_widest_instructions(tmp_path):
    table = tmp_path / "cpuinfo"
    table.write_text("processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu avx avx2 fma\n")
    assert machine.processor(table).split()[1:] == ["AuthenticAMD", "avx2"]
    assert machine.processor(tmp_path / "none") == machine.platform.machine()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"engine": "dusk"}, 'compute.engine: found "dusk"; allowed: one of: dask, local, slurm; did you mean dask?'),
        (
            {"engine": "ray", "address": "auto"},
            'compute.engine: found "ray"; allowed: one of: dask, local, slurm; Ray has no concurrent.futures executor: start '
            "dask workers on its machines and use dask, see Another engine in docs/guide/many-machines.md",
        ),
        ({"engine": "dask"}, "compute.address: found nothing; allowed: text"),
        ({"engine": "local", "address": "x"}, "compute.address: found an unknown setting; allowed: no settings: {}"),
        ("dask", 'compute: found "dask"; allowed: a mapping of engine and its settings, such as {engine: local}'),
        ({"engine": "slurm", "jobs": 0}, "compute.jobs: found 0; allowed: a whole number of at least 1"),
    ],
)
def test_a_problem_of_the_section_is_one_line(given, line):
    pytest.importorskip("distributed")
    problems = Problems("params.yaml")
    assert engine_of(given, problems) is None and problems.lines == [f"params.yaml: {line}"]


@pytest.mark.parametrize("name", ["dask", "slurm"])
def test_an_engine_without_its_package_names_the_extra(name, monkeypatch):
    monkeypatch.setattr(engine, "find_spec", lambda package: None)
    problems = Problems("params.yaml")
    assert engine_of({"engine": name, "address": "tcp://127.0.0.1:1"}, problems) is None
    [line] = problems.lines
    assert line.startswith(f"params.yaml: compute.engine: found {name}, which needs the package")
    assert line.endswith(f"pip install 'reglab[{name}]'")


@pytest.mark.parametrize(
    ("name", "address", "line"),
    [
        ("dusk", None, '--engine: found "dusk"; allowed: one of: dask, local'),
        (None, "tcp://x:1", "--address: found it without --engine"),
        ("dask", None, "--address: found nothing"),
    ],
)
def test_a_wrong_option_of_the_command_is_one_line(name, address, line):
    pytest.importorskip("distributed")
    with pytest.raises(UserError, match=line):
        override_compute(name, address)


def test_options_of_the_command_take_the_place_of_the_section(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setenv(OVERRIDE, "")  # restored afterwards
    override_compute("dask", "tcp://x:1")
    assert overriding() == {"compute": {"engine": "dask", "address": "tcp://x:1"}}
