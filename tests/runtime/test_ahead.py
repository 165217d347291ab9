"""Trainings are done ahead of DVC: each stage's once, in DVC's order, and a stage waits for its own and for no others."""

import hashlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from reglab.core.errors import UserError, WorkError
from reglab.runtime import dvc_walk, warm
from reglab.runtime.compute import ahead, of_stage, spool
from reglab.runtime.compute.ahead import Ahead
from reglab.runtime.compute.ahead_schedule import FOLDER, Schedule
from reglab.runtime.compute.elsewhere import JobBuilder
from reglab.runtime.engines.local import Local

PATIENCE = 20.0  # seconds: far more than anything here takes


class OneAtATime(Local):
    """Does the jobs of `Local` in one thread, so that their order can be seen."""

    @contextmanager
    def executor(self, processes):
        with ThreadPoolExecutor(1) as pool:
            yield pool


class Study:
    """Stages whose jobs are lists of names, round by round; each job writes its name into the file `done`."""

    def __init__(self, folder: Path, rounds: dict[str, list[list[str]]], *, needs: dict[str, set[str]] | None = None):
        self.folder, self.needs = folder, needs or {}
        self.rounds = {stage: [*lists] for stage, lists in rounds.items()}
        self.stale = set(rounds)
        self.held: list[tuple[str, str]] = []
        self.collected: list[str] = []
        self.schedule = Schedule(folder / "schedule")
        self.shared: dict[str, str] = {}  # stages whose jobs are in a folder with those of another
        self.edit("as imported")
        self.imported = self.code

    def edit(self, text: str) -> None:
        self.code = f"{hashlib.sha256(text.encode()).hexdigest()}  code.py\n"

    def needed(self, stage: str) -> set[str]:
        return self.needs.get(stage, set())

    def would_run(self, stage: str) -> bool:
        return stage in self.stale

    def collect(self, root, stages, workers, *, quiet):
        [stage] = stages
        assert quiet and not [held for held in self.held if held[1] == stage], "a stage asks with its folder free"
        self.collected.append(stage)
        if self.rounds[stage] == "fails":
            raise WorkError("it cannot be collected")
        names = self.rounds[stage].pop(0) if self.rounds[stage] else []
        entry = self.folder / self.shared.get(stage, stage)
        entry.mkdir(exist_ok=True)
        functions = {"fails": fail, "refuses": refuse}
        calls = [(functions.get(name, write), self.folder / "done", entry / name) for name in names]
        return JobBuilder(stage, self.code, self.folder).jobs(calls, entry)

    @contextmanager
    def locked(self, folder: Path, stage: str):
        assert folder.name not in [held for held, _ in self.held], "nobody waits for a lock that this process has"
        self.held.append((folder.name, stage))
        yield
        self.held.remove((folder.name, stage))

    def begin(self, *stages: str, passed: tuple[str, ...] = ()) -> Ahead:
        self.schedule.begin(stages, passed)
        return Ahead(
            self.schedule, self, OneAtATime(), 1, set(self.rounds), {"tune@b"}, self.imported.splitlines(), self.locked
        )

    @property
    def done(self) -> list[str]:
        return (self.folder / "done").read_text().split() if (self.folder / "done").exists() else []


def write(file: Path, name: Path) -> None:
    with file.open("a") as stream:
        stream.write(f"{name.name}\n")


def fail(file: Path, name: Path) -> None:
    raise ValueError("a training fails")


def refuse(file: Path, name: Path) -> None:
    raise UserError("a setting does not fit this network")


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(**given) -> Study:
        made = Study(tmp_path, **given)
        monkeypatch.setattr(ahead, "collect", made.collect)
        return made

    return make


def test_every_job_is_done_once_those_of_the_next_stage_first(study):
    made = study(rounds={"train@a": [["a1", "a2"]], "tune@b": [["b1", "b2", "b3"], ["b4"]], "train@c": [["c1"]]})
    made.begin("code", "train@a", "tune@b", "train@c").run()
    assert sorted(made.done) == ["a1", "a2", "b1", "b2", "b3", "b4", "c1"]
    assert made.done[:5] == ["a1", "a2", "b1", "b2", "b3"], "in DVC's order"
    assert made.done.index("b4") <= 6 and not made.held
    assert all(made.schedule.is_left(stage) for stage in made.schedule.stages())
    assert made.schedule.reported("tune@b") == (4, 4)


def test_what_is_not_stale_or_passed_is_neither_collected_nor_awaited(study):
    made = study(rounds={"train@a": [["a1"]], "train@b": [["b1"]], "train@c": [["c1"]]})
    made.stale = {"train@a", "train@c"}
    made.begin("train@a", "train@b", "train@c", passed=("train@a",)).run()
    assert made.done == ["c1"] and made.collected == ["train@c"]
    assert made.schedule.is_left("train@b")


def test_a_stage_behind_others_begins_when_dvc_has_passed_them(study):
    made = study(
        rounds={"pretraining@a": [["a1"]], "transfer@b": [["b1"]]}, needs={"transfer@b": {"code", "pretraining@a"}}
    )
    working = threading.Thread(target=made.begin("code", "pretraining@a", "transfer@b", passed=("code",)).run)
    working.start()
    until(lambda: made.schedule.is_left("pretraining@a"))
    time.sleep(0.2)
    assert made.done == ["a1"] and not made.schedule.is_left("transfer@b")
    made.schedule.passes("pretraining@a")
    working.join(PATIENCE)
    assert made.done == ["a1", "b1"] and made.schedule.is_left("transfer@b")


def test_a_stage_that_dvc_runs_without_those_before_it_is_served_too(study):
    made = study(rounds={"train@a": [["a1"]], "transfer@b": [["b1"]]}, needs={"transfer@b": {"pretraining@a"}})
    working = threading.Thread(target=made.begin("train@a", "transfer@b").run)  # as with --single-item
    working.start()
    until(lambda: made.schedule.is_left("train@a"))
    assert not made.schedule.is_left("transfer@b")
    made.schedule.wait("transfer@b")
    working.join(PATIENCE)
    assert made.done == ["a1", "b1"]


def test_a_stage_whose_code_was_edited_meanwhile_is_left_to_itself(study):
    made = study(rounds={"train@a": [["a1"]], "train@b": [["b1"]]}, needs={"train@b": {"train@a"}})
    working = threading.Thread(target=made.begin("train@a", "train@b").run, daemon=True)
    working.start()
    until(lambda: made.schedule.is_left("train@a"))
    made.edit("and changed since")
    made.schedule.passes("train@a")
    working.join(PATIENCE)
    assert made.done == ["a1"] and made.schedule.is_left("train@b"), "it would be filed under code that did not make it"


@pytest.mark.parametrize("rounds", [[["fails", "a2", "a3"]], [["refuses", "a2", "a3"]], "fails"])
def test_what_fails_is_left_to_its_stage_and_the_others_go_on(study, rounds):
    made = study(rounds={"train@a": rounds, "train@b": [["b1"]]})
    made.begin("train@a", "train@b").run()
    assert made.schedule.is_left("train@a") and not made.held
    assert "b1" in made.done and "a3" not in made.done


def test_jobs_that_come_again_are_not_done_again(study):
    made = study(rounds={"tune@b": [["b1"], ["b1"], ["b1"]]})
    made.begin("tune@b").run()
    assert made.done == ["b1"] and made.schedule.is_left("tune@b")


def test_a_stage_that_is_no_search_is_asked_once(study):
    made = study(rounds={"train@a": [["a1"], ["a2"]], "tune@b": [["b1"], ["b2"]]})
    made.begin("train@a", "tune@b").run()
    assert sorted(made.done) == ["a1", "b1", "b2"] and made.collected == ["train@a", "tune@b", "tune@b", "tune@b"]


def test_stages_that_share_a_folder_take_turns(study):
    made = study(rounds={"ensemble@a": [["a1", "a2"]], "ensemble@b": [["b1"], []], "train@c": [["c1"]]})
    made.shared = {"ensemble@b": "ensemble@a"}
    made.rounds["ensemble@b"] = [["b1"], ["b1"]]  # the first time it asks, a has the folder
    made.begin("ensemble@a", "ensemble@b", "train@c").run()
    assert sorted(made.done) == ["a1", "a2", "b1", "c1"] and not made.held


def test_a_stage_waits_until_its_trainings_are_done_and_no_longer_than_the_other_process_lives(tmp_path, monkeypatch):
    schedule = Schedule(tmp_path / "schedule")
    monkeypatch.setenv(FOLDER, str(schedule.folder))
    for finish in (lambda: schedule.leave("train@a"), schedule.end):
        schedule.begin(["train@a"], ())
        waiting = threading.Thread(target=of_stage.compute_of, args=("train@a", "", Local(), tmp_path))
        waiting.start()
        schedule.report("train@a", 1, 2)
        schedule.leave("train@b")
        waiting.join(0.2)
        assert waiting.is_alive()
        finish()
        waiting.join(PATIENCE)
        assert not waiting.is_alive()
    schedule.begin(["train@a"], ())
    of_stage.compute_of("set@digits", "", Local(), tmp_path)  # of another pipeline: awaits nothing


def test_the_other_process_begins_with_the_second_entry_and_knows_what_dvc_has_passed(tmp_path, monkeypatch):
    monkeypatch.delenv(FOLDER, raising=False)
    begun = []

    class Connection:
        def recv(self, size):
            ended.wait(PATIENCE)
            return b""

    ended = threading.Event()
    monkeypatch.setattr(
        dvc_walk.warm, "request_run", lambda argv, *_, path: begun.append((argv, path[0])) or Connection()
    )
    walk = dvc_walk.Walk(tmp_path, "ahead.py")
    walk.stages = ["code", "train@a", "suite/dvc.yaml:set@x", "train@b", "train@c"]
    for stage in walk.stages[:3]:
        walk.runs(stage)
        walk.passes(stage)
    assert not begun and FOLDER not in dvc_walk.os.environ
    walk.runs("train@b")
    assert begun == [(["ahead.py", str(walk.schedule.folder)], str(tmp_path / "src"))], "the code of this very study"
    assert walk.schedule.stages() == walk.stages and walk.schedule.passed() == {*walk.stages[:3]}
    walk.passes("train@b")
    assert walk.schedule.passed() == {*walk.stages[:4]} and not walk.schedule.is_left("train@c")
    ended.set()
    until(lambda: walk.schedule.is_left("train@c"))
    monkeypatch.delenv(FOLDER)


def test_where_the_warm_process_has_ended_nothing_is_collected_ahead(tmp_path, monkeypatch):
    monkeypatch.delenv(warm.ADDRESS, raising=False)
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "experiment.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(WorkError, match="train@none"):
        spool.collect(tmp_path, ["train@none"], 2, quiet=True)
    assert not (tmp_path / "ran").exists()
    assert spool.collect(tmp_path, ["train@none"], 2) == [] and (tmp_path / "ran").exists()


def test_without_a_warm_process_no_stage_waits(tmp_path, monkeypatch):
    monkeypatch.delenv(FOLDER, raising=False)
    monkeypatch.setattr(dvc_walk.warm, "request_run", lambda *_, path: None)
    walk = dvc_walk.Walk(tmp_path, "ahead.py")
    for stage in ("train@a", "train@b", "train@c"):
        walk.runs(stage)
    assert FOLDER not in dvc_walk.os.environ


def test_without_room_for_its_files_no_stage_waits(tmp_path, monkeypatch):
    monkeypatch.delenv(FOLDER, raising=False)
    (tmp_path / ".reglab").write_text("no folder can be made here")
    monkeypatch.setattr(dvc_walk.warm, "request_run", lambda *_, path: pytest.fail("nothing is begun"))
    walk = dvc_walk.Walk(tmp_path, "ahead.py")
    for stage in ("train@a", "train@b", "train@c"):
        walk.runs(stage)
        walk.passes(stage)
    assert FOLDER not in dvc_walk.os.environ


def test_where_the_other_process_cannot_be_told_it_ends_and_no_stage_waits(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, "")
    here, there = socket.socketpair()
    monkeypatch.setattr(dvc_walk.warm, "request_run", lambda *_, path: here)
    walk = dvc_walk.Walk(tmp_path, "ahead.py")
    walk.stages = ["train@a", "train@b"]
    for stage in walk.stages:
        walk.runs(stage)
    assert not walk.schedule.is_left("train@b")
    (walk.schedule.folder / "passed").mkdir()  # so that it cannot be written
    walk.passes("train@b")
    assert there.recv(1) == b"", "its keeper sees that and ends it"
    until(lambda: walk.schedule.is_left("train@b"))
    walk.passes("train@a")  # a second time


def until(condition) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()
