"""The environment is made once, also by two makes at once, and again after a kill or a failure."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PYTHON = f"""#!/bin/sh
# The interpreter, but that it makes an environment whose python installs nothing and says when.
case "$1" in
-m) mkdir -p "$3/bin"; cp pip "$3/bin/python";;
*) exec "{sys.executable}" "$@";;
esac
"""
PIP = """#!/bin/sh
echo begin >>log; sleep 0.3; echo end >>log
[ ! -e broken ]
"""
WATCHED = ("requirements.lock", "requirements-datasets.lock", "pyproject.toml")


@pytest.fixture
def folder(tmp_path):
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    shutil.copy(ROOT / "Makefile", tmp_path)
    texts = {"python": PYTHON, "pip": PIP} | dict.fromkeys([*WATCHED, "log"], "")
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
        os.utime(tmp_path / name, (1e9, 1e9))
    return tmp_path


def make(folder) -> subprocess.Popen:
    return subprocess.Popen(["make", "-s", "PYTHON=./python", ".venv/.ready"], cwd=folder, stdout=subprocess.PIPE)


def test_two_at_once_install_once(folder):
    both = [make(folder), make(folder)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert (folder / "log").read_text().split() == ["begin", "end"] * 3, "pip is called three times, by one of them"
    assert b"".join(process.stdout.read() for process in both).count(b"Installing") == 1


@pytest.mark.parametrize("changed", WATCHED[:2])
def test_what_fails_is_not_ready_and_is_made_again(folder, changed):
    (folder / "broken").touch()
    assert make(folder).wait(60) != 0 and not (folder / ".venv" / ".ready").exists()
    (folder / "broken").unlink()
    assert make(folder).wait(60) == 0 and (folder / ".venv" / ".ready").exists()
    os.utime(folder / changed)
    os.utime(folder / ".venv" / ".ready", (1.1e9, 1.1e9))
    (folder / "log").write_text("")
    assert make(folder).wait(60) == 0 and (folder / "log").read_text().split() == ["begin", "end"] * 3


def test_the_packages_of_data_are_those_of_the_extra():
    locked = [line for line in (ROOT / "requirements-datasets.lock").read_text().splitlines() if line[0] != "#"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["optional-dependencies"]["datasets"] == locked


@pytest.mark.parametrize("extra", ["s3", "server", "dask", "slurm"])
def test_the_packages_of_an_extra_are_those_that_the_tests_try(extra):
    locked = (ROOT / "requirements-extras.lock").read_text().splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(project["optional-dependencies"][extra]) <= set(locked)
