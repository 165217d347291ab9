"""A full disk is one line that names the place, and what is finished is kept."""

import errno
import os
import pickle
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from checkout import Checkout
from fire import COUNT, under_fire
from tiny_pipeline import TinyPipeline

from reglab.core.errors import UserError, WorkError
from reglab.runtime import disk_space
from reglab.runtime.processes import run_all
from reglab.tracking.checkout import write_atomically

Usage = namedtuple("Usage", "total used free")


def fill(path: str | None = None) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *([path] if path else []))


def say(text: str) -> None:
    raise RuntimeError(text)


@pytest.mark.parametrize(
    ("call", "argument", "place"),
    [
        (fill, "/some/file", "/some/file"),
        (fill, None, "/study"),
        (say, "SafetensorError: IoError No space left on device (os error 28)", "/study"),
        (say, "(sqlite3.OperationalError) database or disk is full", "/study"),
    ],
)
def test_what_a_full_disk_causes_is_one_line_with_the_place(call, argument, place):
    with pytest.raises(WorkError) as raised, disk_space.plain_errors(Path("/study")):
        call(argument)
    assert str(raised.value).startswith(f"{place}: no space left on this disk.") and "\n" not in str(raised.value)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_may_not_be_written_is_one_line_with_the_file(number):
    with pytest.raises(WorkError) as raised, disk_space.plain_errors(Path("/study")):
        raise OSError(number, os.strerror(number), "/study/.reglab")
    assert str(raised.value).startswith(f"/study/.reglab: {os.strerror(number)}; ") and "\n" not in str(raised.value)


def test_it_is_found_behind_the_error_of_a_process_beside():
    with pytest.raises(WorkError, match=r"^/some/file: no space left"), disk_space.plain_errors(Path("/study")):
        run_all([(fill, "/some/file")], processes=1)


def test_pytorch_does_not_say_why_so_the_disk_is_looked_at(tmp_path, monkeypatch):
    said = "PytorchStreamWriter failed writing file data/0: file write failed"
    with pytest.raises(RuntimeError, match="Pytorch"), disk_space.plain_errors(tmp_path):
        say(said)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10**9, 10**9, 0))
    with pytest.raises(WorkError, match=f"^{tmp_path}: no space"), disk_space.plain_errors(tmp_path):
        say(said)
    with pytest.raises(RuntimeError, match="other"), disk_space.plain_errors(tmp_path):
        say("other")


def test_what_cannot_be_written_leaves_what_was_there_and_nothing_beside(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"former")
    monkeypatch.setattr(os, "fsync", lambda file: fill())
    with pytest.raises(OSError) as raised:
        write_atomically(path, b"new")
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == b"former"
    assert raised.value.filename == pickle.loads(pickle.dumps(raised.value)).filename == str(path)


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A folder on a disk of its own."""
    folder = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("a disk of a given size can be mounted by root alone")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture(scope="module")
def small_disk(disk):
    """A study on a small disk, with its data prepared."""
    (disk / "study").mkdir()
    checkout = Checkout(disk / "study", {})
    checkout.edit(lambda all: all.update(transfer={}, pretraining={"scratch": {"source": "study"}}))
    code, output = checkout.run("dvc", "repro", "prepare")
    assert code == 0, output
    return checkout


def leave(folder: Path, free: int) -> None:
    """Fill the disk of the folder until so many bytes are free."""
    ballast = folder.parent / "ballast"
    ballast.unlink(missing_ok=True)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, shutil.disk_usage(folder).free - free))


@under_fire
def test_a_stage_on_a_full_disk_says_so_in_one_line_and_goes_on_when_there_is_space(small_disk, capsys):
    folder, said = small_disk.folder, []
    command = (sys.executable, "pipelines/experiment.py", "train@none")
    for number in range(max(3, COUNT // 10)):
        leave(folder, number * 150_000)
        code, output = small_disk.run(*command)
        if code:
            lines = [line for line in output.splitlines() if "no space left on this disk" in line]
            assert code == 1 and "Traceback" not in output and len(lines) == 1 and str(folder) in lines[0], output
            said += lines
    (folder.parent / "ballast").unlink()
    code, output = small_disk.run(*command)
    assert code == 0 and said, output
    assert (folder / "runs" / "regularizers" / "none" / "record.json").exists()
    with capsys.disabled():
        print(*said, sep="\n")


@under_fire
def test_a_repro_on_a_full_disk_says_so_in_a_line_and_ends_as_ever_when_there_is_space(small_disk, capsys):
    folder, said = small_disk.folder, []
    for number in range(max(3, COUNT // 10)):
        leave(folder, number * 400_000)
        code, output = small_disk.run("reglab", "repro")
        if code:
            lines = [line for line in output.splitlines() if "no space left on this disk" in line]
            assert code == 1 and lines and all("/" in line for line in lines), output
            assert "Traceback" not in output, output
            said.append(lines[0])
        (folder.parent / "ballast").unlink()
    code, output = small_disk.run("reglab", "repro")
    assert code == 0 and said, output
    reference = (folder / "dvc.lock").read_bytes()
    for name in ("data", "runs", ".dvc/cache", ".dvc/tmp", ".reglab", "dvc.lock"):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert small_disk.run("reglab", "repro")[0] == 0 and (folder / "dvc.lock").read_bytes() == reference
    with capsys.disabled():
        print(*said, sep="\n")


@under_fire
def test_dvc_on_a_full_disk_leaves_nothing_that_the_next_repro_does_not_mend(disk, capsys):
    (disk / "tiny").mkdir()
    pipeline, said = TinyPipeline(disk / "tiny"), []
    assert pipeline.run()[0] == 0
    lock, outputs = pipeline.lock.read_bytes(), pipeline.outputs()
    for number in range(COUNT):
        pipeline.reset()
        leave(pipeline.folder, number * 200_000 // COUNT)
        code, output = pipeline.run()
        if code:
            assert code == 1 and "Traceback" not in output, output
            said.append(output.splitlines()[-1])
            assert "no space left on this disk" in said[-1], output
        (disk / "ballast").unlink()
        code, output = pipeline.run()
        assert code == 0 and pipeline.lock.read_bytes() == lock and pipeline.outputs() == outputs, output
    assert said
    with capsys.disabled():
        print(f"\nDVC on a full disk: {len(said)} of {COUNT} runs did not end")


def test_a_path_that_no_file_can_have_is_an_error_of_the_user(tmp_path):
    with pytest.raises(UserError, match="found a name that is too long for a file"), disk_space.plain_errors(tmp_path):
        os.stat(tmp_path / ("x" * 300))
