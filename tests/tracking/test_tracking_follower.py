"""The follower: one writer, live, gone by itself, and no burden on the stage that starts it."""

import socket
import subprocess
import sys
import time

from filelock import FileLock

from reglab.tracking.mirror import following

FOLLOW = """
import sys
from pathlib import Path
from reglab.tracking.mirror.follower import follow
follow(Path(sys.argv[1]), interval=0.2, linger=1.0, longest=float(sys.argv[2]))
"""
START = """
import os, sys, time
from pathlib import Path
from reglab.tracking.mirror import start_follower
begun = time.monotonic()
start_follower(Path("."))
assert time.monotonic() - begun < 4
assert not {"mlflow", "torch"} & set(sys.modules)
print(os.wait()[1])
"""


def follower(study, longest: float = 28.0) -> subprocess.Popen:
    command = [sys.executable, "-c", FOLLOW, study.root, str(longest)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for(what, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_two_followers_one_writes_live_and_ends_when_the_training_has(study):
    training = study.begin()
    training.epochs(1)
    followers = [follower(study), follower(study)]
    wait_for(lambda: len(study.runs()) == 3)
    training.epochs(3)
    steps = lambda: {step for key, step, *_ in study.run("dropout/seed-1")["metrics"] if key == "training/loss"}  # noqa: E731
    wait_for(lambda: steps() == {0, 1, 2})
    time.sleep(2)
    assert [one.poll() for one in followers].count(None) >= 1, "it stays while the training does, however long an epoch"
    training.epochs(4)
    training.finish()
    assert [one.wait(120) for one in followers] == [0, 0]
    said = "".join(one.stdout.read() for one in followers)
    assert said.count("\n") == said.count("nothing trains: it ends within 30 seconds") == 1
    assert {run["status"] for (run,) in study.runs().values()} == {"FINISHED"}
    counts = {name: len(runs) for name, runs in study.runs().items()}
    assert counts == {"dropout": 1, "dropout/seed-0": 1, "dropout/seed-1": 1}


def test_without_a_server_it_says_so_once_and_ends(study, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    training = study.begin()
    training.epochs(4)
    training.finish()
    process = follower(study)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and output.count("cannot be used") == 1
    assert training.entry.exists(), "it waits for reglab sync"


def test_a_server_that_says_nothing_keeps_it_no_longer_than_it_says(study, monkeypatch):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        silent.settimeout(60)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "600")
        training = study.begin()
        training.epochs(1)
        process = follower(study, longest=3.0)
        silent.accept()
        wait_for(lambda: following(study.root))
        training.finish()
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and "ended: nothing has trained for 3 seconds" in output
    assert not following(study.root)


def test_a_stage_starts_it_without_importing_mlflow_and_goes_on_at_once(study):
    (study.root / ".reglab").mkdir()
    with FileLock(study.root / ".reglab" / "follower.lock"):  # as if one followed already: the new one is not needed
        command = [sys.executable, "-c", START]
        ended = subprocess.run(command, cwd=study.root, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0 and ended.stdout == "0\n", ended.stderr
    assert (study.root / ".reglab" / "mirror.log").read_text() == ""
