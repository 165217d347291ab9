"""What `reglab submit` trains: the stages that DVC would run now, and no others."""

import os
import pickle
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from blobs import blobs
from ruamel.yaml import YAML
from study_elsewhere import DROPOUT, StudyElsewhere

from reglab.experiments.tuning import tuned
from reglab.experiments.tuning.settings import Tuning
from reglab.models.mlp import MLP
from reglab.runtime.compute import submit
from reglab.runtime.compute.elsewhere import Futures, JobBuilder
from reglab.runtime.compute.machine import PROCESSORS
from reglab.runtime.compute.spool import Spool
from reglab.runtime.compute.stale import Stale, Staleness, preparations, stale
from reglab.runtime.compute.submit import listing
from reglab.runtime.engines.local import Local
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import one_seed, together
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training

STAGES = """
stages:
  code: {cmd: echo code > code.txt, outs: [code.txt]}
  prepare: {cmd: cat number.txt code.txt > data.txt, deps: [number.txt, code.txt], outs: [data.txt]}
  train:
    foreach: ${recipes}
    do: {cmd: "cat data.txt > ${key}.txt", params: ["recipes.${key}"], deps: [data.txt], outs: ["${key}.txt"]}
  ensemble:
    foreach: ${ensembles}
    do: {cmd: "cat ${item}.txt > ${key}.txt", deps: ["${item}.txt"], outs: ["${key}.txt"]}
"""
OTHER = "vars: [absent.yaml]\nstages: {set: {foreach: '${absent}', do: {cmd: exec true}}}\n"
TRAINED = ("train@a", "train@b", "ensemble@both")


class Pipeline:
    """A pipeline of stages that copy a file, and another one below it that cannot be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in (".dvc", "suite"):
            (folder / name).mkdir()
        (folder / ".dvc" / "config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
        (folder / "suite" / "dvc.yaml").write_text(OTHER)
        (folder / "dvc.yaml").write_text(STAGES)
        (folder / "number.txt").write_text("1\n")
        self.write(a=1, b=1)

    def write(self, **recipes: int) -> None:
        YAML().dump({"recipes": recipes, "ensembles": {"both": "a"}}, self.folder / "params.yaml")

    def repro(self, *targets: str) -> None:
        command = [sys.executable, "-m", "dvc", "repro", "--quiet", *targets]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("DVC_")}
        subprocess.run(command, cwd=self.folder, env=environment, check=True)

    def stale(self) -> tuple[list[str], list[str], list[str]]:
        found = stale(self.folder, TRAINED)
        return found.run, found.wait, found.restore


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Pipeline(tmp_path)


def test_what_must_be_made_before_is_what_depends_on_no_entry(pipeline):
    (pipeline.folder / "suite" / "dvc.yaml").unlink()
    assert preparations(pipeline.folder) == ["code", "prepare"]


def test_a_stage_behind_a_stale_one_waits_and_an_edit_taken_back_is_restored_and_not_trained(pipeline):
    (pipeline.folder / "suite" / "dvc.yaml").unlink()
    pipeline.repro("prepare")
    assert pipeline.stale() == (["train@a", "train@b"], ["ensemble@both"], [])
    pipeline.repro(*TRAINED)
    assert pipeline.stale() == ([], [], [])
    pipeline.write(a=2, b=1)
    assert pipeline.stale() == (["train@a"], ["ensemble@both"], [])
    pipeline.repro(*TRAINED)
    pipeline.write(a=1, b=1)
    assert pipeline.stale() == ([], ["ensemble@both"], ["train@a"])
    (pipeline.folder / "b.txt").unlink()
    assert pipeline.stale()[2] == ["train@a", "train@b"], "an output that is gone lies in the cache"


def test_asking_changes_nothing_and_another_pipeline_below_is_not_read(pipeline):
    before = {file: file.read_bytes() for file in pipeline.folder.glob("*.*") if file.is_file()}
    assert pipeline.stale() == ([], list(TRAINED), [])
    assert {file: file.read_bytes() for file in pipeline.folder.glob("*.*") if file.is_file()} == before


def test_while_dvc_holds_its_locks_a_stage_would_run_or_not_as_after_those_before_it(pipeline, monkeypatch):
    from dvc import rwlock
    from dvc.repo import Repo

    (pipeline.folder / "suite" / "dvc.yaml").unlink()
    pipeline.repro(*TRAINED)
    pipeline.write(a=2, b=1)
    pipeline.repro("train@a", "prepare")
    pipeline.write(a=1, b=2)
    monkeypatch.setattr(rwlock, "rwlock", rwlock.rwlock)
    with Repo(str(pipeline.folder)) as dvc, dvc.lock, Repo(str(pipeline.folder)) as repo:
        paths = [str(pipeline.folder / "b.txt"), str(pipeline.folder / "data.txt")]
        with rwlock.rwlock(dvc.tmp_dir, dvc.fs, "repro", [], paths, False):
            asked = Staleness(repo)
            would_run = {name: asked.would_run(name) for name in ("prepare", *TRAINED)}
    assert would_run == {"prepare": False, "train@a": False, "train@b": True, "ensemble@both": False}
    assert asked.needed("ensemble@both") == {"train@a", "prepare", "code"}


def test_a_stage_that_lacks_a_file_would_not_run(pipeline, monkeypatch):
    from dvc import rwlock
    from dvc.repo import Repo

    (pipeline.folder / "suite" / "dvc.yaml").unlink()
    pipeline.repro(*TRAINED)
    (pipeline.folder / "number.txt").unlink()
    monkeypatch.setattr(rwlock, "rwlock", rwlock.rwlock)
    with Repo(str(pipeline.folder)) as repo:
        asked = Staleness(repo)
        assert [asked.would_run(name) for name in ("prepare", "train@a")] == [False, False]


def test_the_list_has_a_line_a_stage_with_what_becomes_of_it(pipeline):
    (pipeline.folder / "suite" / "dvc.yaml").unlink()
    pipeline.repro(*TRAINED)
    assert listing(stale(pipeline.folder, TRAINED)) == "Nothing is stale."
    pipeline.write(a=2, b=1)
    assert listing(stale(pipeline.folder, TRAINED)).splitlines() == [
        "train@a: to train",
        "ensemble@both: waits for a stage before it; submit again after dvc repro",
    ]


def test_a_stage_collects_what_was_submitted_and_trains_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    study, spool = StudyElsewhere(tmp_path, seeds=4), tmp_path / "spool"
    spool.mkdir()
    wanted = study.run("alone")
    with pytest.raises(SystemExit) as end:
        study.run("collected", spool=Spool(spool, 2, JobBuilder("train@dropout", "", tmp_path)))
    assert end.value.code == 0 and not (tmp_path / "collected").exists(), "nothing is published yet"
    jobs = dict(enumerate(pickle.loads(file.read_bytes()) for file in sorted(spool.iterdir())))
    with Local().executor(2) as executor:
        Futures(Local(), executor, jobs).results()
    monkeypatch.delattr(together, "run_trainer")
    monkeypatch.delattr(one_seed, "run_trainer")
    assert study.run("collected") == wanted


def test_a_search_submits_its_trials_then_what_it_has_chosen_and_trains_nothing_afterwards(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    data = blobs(tmp_path / "data", seeds=3, train_size=60, validation_size=30, test_size=30)
    recipe = Recipe((DROPOUT,), MLP(width=8, depth=1), Training(epochs=2, batch_size=16))
    about = About("tuned", "dropout", ["dropout"], {"fingerprint": data.fingerprint}, {}, [0, 1, 2])

    def search(runs: str, compute: Spool | None = None) -> dict:
        stage = Stage(about, tmp_path / runs, processes=2, compute=compute)
        return tuned.run(recipe, {"input_rate": (0.1, 0.5)}, Tuning(seeds=2, settings=3), data, stage)

    wanted, counts = search("alone"), []
    for number in range(3):
        spool = tmp_path / f"spool-{number}"
        spool.mkdir()
        with pytest.raises(SystemExit):
            search("collected", Spool(spool, 100, JobBuilder("tune@dropout", "", tmp_path)))
        jobs = dict(enumerate(pickle.loads(file.read_bytes()) for file in sorted(spool.iterdir())))
        counts.append(len(jobs))
        with Local().executor(2) as executor:
            Futures(Local(), executor, jobs).results()
    assert counts == [3 * 2, 1, 0]
    monkeypatch.delattr(together, "run_trainer")
    monkeypatch.delattr(one_seed, "run_trainer")
    assert search("collected") == wanted


def test_jobs_are_collected_and_trained_until_none_are_left_or_the_same_come_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    entry = tmp_path / "entry"
    entry.mkdir()
    builder, held = JobBuilder("tune@dropout", "", tmp_path), []
    trials, chosen = (builder.jobs([(leave, entry / name)], entry) for name in ("trial", "chosen"))

    @contextmanager
    def locked(folder: Path, stage: str):
        held.append((folder, stage))
        yield

    for name, result in {"recover": [], "run_dvc": (0, 0), "stale": Stale(run=["tune@dropout"])}.items():
        monkeypatch.setattr(submit, name, lambda *_, result=result: result)
    monkeypatch.setattr(submit, "preparations", lambda root: [])
    for rounds in ([trials, chosen, []], [trials, trials, trials]):
        left = iter(rounds)
        monkeypatch.setattr(submit, "collect", lambda *_, left=left: next(left))
        assert submit.submit(tmp_path, Local(), 1, (), list, locked) == 0
    assert sorted(file.name for file in entry.iterdir()) == ["chosen", PROCESSORS, "trial"]
    assert held == [(entry, "tune@dropout")] * 3
    said = capsys.readouterr().out
    assert "Trained: 2 jobs of 1 stage." in said and "Trained: 1 job of 1 stage." in said


def test_a_stage_that_has_no_job_is_not_asked_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    entry, asked = tmp_path / "entry", []
    entry.mkdir()
    left = {"train@a": ["seeds"], "train@b": [], "tune@a": ["trials", "chosen"]}

    def collect(root: Path, stages: list[str], workers: int) -> list:
        asked.append(list(stages))
        having = [(JobBuilder(stage, "", tmp_path), left[stage].pop(0)) for stage in stages if left[stage]]
        return [job for builder, name in having for job in builder.jobs([(leave, entry / name)], entry)]

    for name, result in {"recover": [], "run_dvc": (0, 0), "stale": Stale(run=list(left))}.items():
        monkeypatch.setattr(submit, name, lambda *_, result=result: result)
    monkeypatch.setattr(submit, "preparations", lambda root: [])
    monkeypatch.setattr(submit, "collect", collect)
    submit.submit(tmp_path, Local(), 1, (), list, lambda *_: nullcontext())
    assert asked == [["train@a", "train@b", "tune@a"], ["train@a", "tune@a"], ["tune@a"]]
    assert {file.name for file in entry.iterdir()} == {"seeds", "trials", "chosen", PROCESSORS}


def leave(path: Path) -> None:
    path.touch()
