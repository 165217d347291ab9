"""Whichever process of a run is ended, and however: nothing of the run lives on, but the follower, which soon ends too."""

import os
import signal
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest
from checkout import Checkout
from fire import under_fire
from tiny_pipeline import TinyPipeline

from reglab.tracking.mirror.follower import LONGEST

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes die with their parents on Linux")
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGKILL]
KINDS = ["reglab", "dvc", "client", "server", "keeper", "stage", "worker"]
MARK = "TEST_RUN_MARK"
PATIENCE = 30.0  # seconds, on a machine that is busy: alone it takes less than two


def marked(value: str) -> list[psutil.Process]:
    """The living processes that were started, by whomever, with this value of MARK in their environment."""
    result = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={value}\0".encode() in (folder / "environ").read_bytes() + b"\0":
                process = psutil.Process(int(folder.name))
                if process.status() != psutil.STATUS_ZOMBIE:
                    result.append(process)
        except (OSError, psutil.NoSuchProcess):
            continue
    return result


def kinds(first: int, processes: list[psutil.Process]) -> dict[str, list[psutil.Process]]:
    """What each process is to the run that began with process `first`."""
    result: dict[str, list[psutil.Process]] = {}
    children = {process.pid: [] for process in processes}
    for process in processes:
        children.setdefault(process.ppid(), []).append(process)

    def add(kind: str, process: psutil.Process) -> list[psutil.Process]:
        result.setdefault(kind, []).append(process)
        return children[process.pid]

    for process in processes:
        command = " ".join(process.cmdline())
        if process.pid == first:
            add("reglab" if "reglab.cli" in command else "dvc", process)
        elif "reglab.runtime.dvc_process" in command:
            add("dvc", process)
        elif "reglab.tracking" in command:
            add("follower", process)
        elif (
            "pipelines/experiment.py" in command and process.ppid() == result.get("dvc", [psutil.Process(first)])[0].pid
        ):
            workers = add("client", process)
            result["worker"] = result.get("worker", []) + [
                each for each in workers if "experiment.py" in str(each.cmdline())
            ]
        elif "reglab.runtime.warm" in command and process.ppid() == first:
            for fork in add("server", process):
                if os.getsid(fork.pid) == fork.pid:
                    add("follower", fork)
                    continue
                for stage in add("keeper", fork):
                    result.setdefault("worker", []).extend(add("stage", stage))
    return result


def wait_until(what, seconds: float = 180.0):
    deadline = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
    return value


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """A checkout in which the stage train@none would take for hours."""
    checkout = Checkout(tmp_path_factory.mktemp("slow"), {})
    checkout.edit(lambda all: all["training"].update(epochs=100_000))
    code, output = checkout.run("dvc", "repro", "prepare")
    assert code == 0, output
    return checkout


def end(checkout, command: tuple[str, ...], kind: str, number: int, monkeypatch) -> tuple[int, str, float]:
    """Start a run, end its first process of a kind while networks train, and wait for the end of everything but the
    follower; the exit code, what was said, and the seconds that it took.
    """
    value = uuid.uuid4().hex
    monkeypatch.setenv(MARK, value)
    journal = checkout.folder / ".reglab" / "journal"
    written = lambda: sum(file.stat().st_size for file in journal.glob("*/seed-*.jsonl"))  # noqa: E731
    before = written()
    process = checkout.start(*command)
    try:
        wait_until(lambda: written() > before or process.poll() is not None)
        there = wait_until(lambda: (result := kinds(process.pid, marked(value))).get("worker") and result)
        there[kind][0].send_signal(number)
        began = time.monotonic()

        def left() -> list[psutil.Process]:
            return [each for each in marked(value) if each not in there.get("follower", [])]

        while left() and time.monotonic() - began < PATIENCE:
            time.sleep(0.02)
        took = time.monotonic() - began
        assert not left(), [(each.pid, each.cmdline()) for each in left()]
        output = (
            process.stdout.read() if not there.get("follower") else os.read(process.stdout.fileno(), 1 << 20).decode()
        )
        return process.wait(10), output, took
    finally:
        for each in marked(value):
            each.kill()


@under_fire
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_ends_one_process_of_a_repro_ends_all_of_them(slow, kind, number, monkeypatch, capsys):
    command = (sys.executable, "-m", "reglab.cli", "repro", "train@none")
    code, output, took = end(slow, command, kind, number, monkeypatch)
    with capsys.disabled():
        print(f"\n{kind} {number.name}: exit code {code}, all gone after {took:.1f} s")
    assert (
        code == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[number] if kind == "reglab" else code > 0
    )
    assert "Traceback" not in output, output


@under_fire
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("kind", ["dvc", "client", "worker"])
def test_whatever_ends_one_process_of_a_plain_dvc_repro_ends_all_of_them(slow, kind, number, monkeypatch, capsys):
    if (kind, number) == ("dvc", signal.SIGINT):
        pytest.skip("DVC itself ignores it while a stage runs")
    code, output, took = end(slow, (sys.executable, "-m", "dvc", "repro", "train@none"), kind, number, monkeypatch)
    with capsys.disabled():
        print(f"\nplain dvc, {kind} {number.name}: exit code {code}, all gone after {took:.1f} s")
    assert code != 0 and "Traceback" not in output, output


@under_fire
def test_the_follower_of_a_killed_run_ends_in_the_time_that_it_names(slow, monkeypatch, capsys):
    value = uuid.uuid4().hex
    monkeypatch.setenv(MARK, value)
    process = slow.start(sys.executable, "-m", "reglab.cli", "repro", "train@none")
    wait_until(lambda: kinds(process.pid, marked(value)).get("worker"))
    wait_until(lambda: kinds(process.pid, marked(value)).get("follower"))
    process.kill()
    began = time.monotonic()
    wait_until(lambda: not marked(value), 2 * LONGEST)
    with capsys.disabled():
        print(f"\nfollower: gone after {time.monotonic() - began:.1f} s")
    assert "ends within 30 seconds" in (slow.folder / ".reglab" / "mirror.log").read_text()


@pytest.mark.parametrize(
    ("kind", "number"), [("dvc", signal.SIGINT), ("reglab", signal.SIGKILL)], ids=["dvc-INT", "reglab-KILL"]
)
def test_a_signal_to_one_process_alone_ends_a_run_in_the_middle_of_a_stage(tmp_path, kind, number, monkeypatch):
    pipeline = TinyPipeline(tmp_path, seconds=600.0)
    value = uuid.uuid4().hex
    monkeypatch.setenv(MARK, value)
    process = pipeline.start()
    try:
        stage = wait_until(lambda: [each for each in marked(value) if "stage.py" in each.cmdline()], 60)[0]
        {"reglab": psutil.Process(process.pid), "dvc": stage.parent()}[kind].send_signal(number)
        output, _ = process.communicate(timeout=60)
        wait_until(lambda: not marked(value), PATIENCE)
    finally:
        for each in marked(value):
            each.kill()
    assert process.returncode == {"reglab": -9, "dvc": 130}[kind]
    assert ("Interrupted. What is finished is kept" in output) == (kind == "dvc")
