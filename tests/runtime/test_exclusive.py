import errno
import fcntl
import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reglab.core.errors import WorkError
from reglab.runtime import exclusive
from reglab.runtime.exclusive import no_dvc, only_repro, repro_at_work
from reglab.runtime.recovery import recover

HOLD = """
import sys
from pathlib import Path
from reglab.runtime.exclusive import only_repro
with only_repro(Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""
DVC = """
import sys
from dvc.lock import Lock
from dvc.rwlock import rwlock
from dvc.fs import localfs
folder, kind = sys.argv[1:]
lock = Lock(folder + "/lock")
with lock:
    if kind == "between":
        print("held", flush=True)
        input()
    with rwlock(folder, localfs, "dvc repro", [folder + "/read"], [], False):
        if kind == "stage":
            lock.unlock()
            print("held", flush=True)
            input()
            lock.lock()
"""


def start(source: str, *arguments) -> subprocess.Popen:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", source, *map(str, arguments)], env=environment, **pipes)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_repro_names_the_first_and_a_killed_first_leaves_nothing_held(tmp_path):
    with start(HOLD, tmp_path) as first:
        with pytest.raises(WorkError, match=rf"process {first.pid}\)") as raised, only_repro(tmp_path):
            pass
        assert len(str(raised.value).splitlines()) == 1 and repro_at_work(tmp_path)
        first.kill()
        first.wait()
        assert not repro_at_work(tmp_path)
        with only_repro(tmp_path):
            assert (tmp_path / ".reglab" / "repro.lock").read_text() == str(os.getpid()) and repro_at_work(tmp_path)
        assert not repro_at_work(tmp_path)


def test_asked_to_a_second_repro_waits_for_the_end_of_the_first(tmp_path, capsys):
    with start(HOLD, tmp_path) as first:
        second = multiprocessing.get_context("fork").Process(target=wait_for_it, args=(tmp_path,))
        second.start()
        second.join(0.5)
        assert second.is_alive() and not (tmp_path / "entered").exists()
        first.communicate("\n")
        second.join(20)
    assert (tmp_path / "entered").exists()


def wait_for_it(folder: Path) -> None:
    with only_repro(folder, wait=True):
        (folder / "entered").touch()


def test_a_child_of_the_holder_does_not_keep_the_lock(tmp_path):
    holder = HOLD.replace("    input()", "    import subprocess\n    subprocess.run(['sleep', '60'])")
    with start(holder, tmp_path) as first:
        first.kill()
        first.wait()
        with only_repro(tmp_path):
            pass


def test_the_command_refuses_before_it_touches_anything(tmp_path):
    (tmp_path / "params.yaml").write_text("profiles: {small: {}}\n")
    (tmp_path / "dvc.lock").write_text("torn")
    for profile, place in (([], tmp_path), (["--profile", "small"], tmp_path / "profiles" / "small")):
        with only_repro(place):
            before = sorted(tmp_path.rglob("*"))
            command = [sys.executable, "-m", "reglab.cli", "repro", *profile]
            ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8")
            assert ended.returncode == 1 and f"process {os.getpid()}" in ended.stderr and ended.stdout == ""
            assert len(ended.stderr.splitlines()) == 1 and sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "dvc.lock").read_text() == "torn"


@pytest.mark.parametrize("kind", ["between", "stage"])
def test_nothing_is_mended_while_a_dvc_is_at_work(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(exclusive, "PATIENCE", 0.2)
    folder = tmp_path / ".dvc" / "tmp"
    folder.mkdir(parents=True)
    (tmp_path / "dvc.lock").write_text("schema: '2.0'\nst")
    with start(DVC, folder, kind) as dvc:
        with pytest.raises(WorkError, match=f"process {dvc.pid}"):
            recover(tmp_path)
        assert (tmp_path / "dvc.lock").read_text() == "schema: '2.0'\nst"
        assert kind == "between" or str(dvc.pid) in (folder / "rwlock").read_text()
        monkeypatch.setattr(exclusive, "PATIENCE", 20.0)
        dvc.stdin.write("\n")
        dvc.stdin.close()
        with no_dvc(tmp_path):  # waits for its end
            pass
    assert dvc.returncode == 0 and len(recover(tmp_path)) == 1


def test_dvc_waits_while_its_state_is_mended(tmp_path):
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    with no_dvc(tmp_path), (tmp_path / ".dvc" / "tmp" / "lock").open("r+") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def claimed_by(pid) -> str:
    return json.dumps({"read": {"a": [{"pid": pid}]}})


@pytest.mark.parametrize("content", [b"12x", b"\xff", b"-1", b"9" * 40, b""])
def test_whatever_stands_in_a_lock_that_is_held_the_second_one_says_so_in_a_line(tmp_path, content):
    with start(HOLD, tmp_path):
        (tmp_path / ".reglab" / "repro.lock").write_bytes(content)
        with pytest.raises(WorkError, match="a process that has just begun"), only_repro(tmp_path):
            pass


def test_a_file_system_without_locks_is_one_line(tmp_path, monkeypatch):
    def none(file, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(WorkError, match=r"repro.lock: this file system gives no locks"), only_repro(tmp_path):
        pass


def test_claims_that_cannot_be_read_are_those_of_nobody(tmp_path):
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    for content in ("", "[]", '{"write": []}', '{"write": {"a": 1}}', *map(claimed_by, (10**9, 10**30, -1, "x", None))):
        (tmp_path / ".dvc" / "tmp" / "rwlock").write_text(content)
        assert exclusive.claimants(tmp_path) == []
