import json
import os
import subprocess
import sys
import time

import pytest
from ruamel.yaml import YAML

from reglab.runtime.recovery import is_whole, recover, tidy_run_cache

GOOD = "schema: '2.0'\nstages:\n  prepare:\n    cmd: exec python pipelines/prepare.py\n"
LOCK = """\
schema: '2.0'
stages:
  first:
    cmd: exec python first.py
    deps:
    - path: data/some
      hash: md5
      md5: 68abea8ef6cf7c1e4035bed63c7fefea.dir
      size: 23516
      nfiles: 24
    outs:
    - path: runs/first
      hash: md5
      md5: 6080d9d542b75fd085ac485554c699a0
      size: 1984
  second:
    cmd: exec python second.py
    deps:
    - path: runs/first
      hash: md5
      md5: 6080d9d542b75fd085ac485554c699a0
      size: 1984
    params:
      params.yaml:
        rate: 0.1
        tracking:
          uri:
          experiment: reglab
    outs:
    - path: runs/second
      hash: md5
      md5: d2880b26fa49af6083e04b77831b2f3c.dir
      size: 61057
      nfiles: 24
"""


def repository(folder):
    (folder / "dvc.lock").write_text(GOOD)
    for command in (
        ["init", "-q"],
        ["add", "dvc.lock"],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "t"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder / "dvc.lock"


def test_a_whole_lock_is_left_alone_and_kept(tmp_path):
    lock = repository(tmp_path)
    lock.write_text(GOOD + "  check:\n    cmd: x\n")
    before = lock.read_bytes()
    assert recover(tmp_path) == [] and lock.read_bytes() == before
    lock.write_text("")
    assert "restored" in recover(tmp_path)[0] and lock.read_bytes() == before


@pytest.mark.parametrize(
    "torn",
    [
        b"",
        b"schema: '2.0'\nstages:\n  prep",
        b"\xff\xfe",
        b"schema: '2.0'\nstages: {a: [}",
        b"schema: '2.0'\nstages:\n  prepare:\n    cmd: x\n    deps:\n    - path:\n",  # expected str, in stages -> ...
        b"schema: '2.0'\nstages:\n  prepare:\n",
        b"schema: '2.0'\n",
        b"[]\n",
    ],
)
def test_a_torn_lock_comes_back_as_last_found_whole_before_git(tmp_path, torn):
    lock = repository(tmp_path)
    (tmp_path / ".reglab").mkdir()
    (tmp_path / ".reglab" / "dvc.lock").write_text(GOOD + "  later:\n    cmd: x\n")
    lock.write_bytes(torn)
    assert "restored" in recover(tmp_path)[0] and "later" in lock.read_text()


def test_a_lock_torn_at_any_byte_is_found_torn_or_lacks_what_dvc_compares():
    assert is_whole(LOCK.encode())
    whole = YAML(typ="safe").load(LOCK)["stages"]
    passed = 0
    for length in range(len(LOCK)):
        if is_whole(LOCK[:length].encode()):
            passed += 1
            stages = YAML(typ="safe").load(LOCK[:length])["stages"]
            name = list(stages)[-1]
            assert all(stages[each] == whole[each] for each in stages if each != name)
            for part in ("deps", "outs"):  # of what is there nothing is cut: a file is missing, or whole
                there = stages[name].get(part, [])
                assert there == whole[name].get(part, [])[: len(there)]
            assert stages[name] != whole[name] or len(stages) < len(whole)
    assert passed < 20


def test_a_torn_lock_comes_back_from_git(tmp_path):
    lock = repository(tmp_path)
    lock.write_text("")
    assert "restored" in recover(tmp_path)[0] and lock.read_text() == GOOD


def test_a_torn_lock_without_any_copy_is_removed(tmp_path):
    (tmp_path / "dvc.lock").write_text("")
    assert "every stage runs again" in recover(tmp_path)[0] and not (tmp_path / "dvc.lock").exists()


@pytest.mark.parametrize(
    "content", ["", '{"write": {"a"', '{"write": {"/a": {"pid": 1999999999, "cmd": "dvc repro"}}}']
)
def test_claims_that_are_torn_or_of_the_dead_are_removed(tmp_path, content):
    claims = tmp_path / ".dvc" / "tmp" / "rwlock"
    claims.parent.mkdir(parents=True)
    for none in ("{}", '{"write": {}, "read": {}}'):
        claims.write_text(none)
        assert recover(tmp_path) == [] and claims.exists()
    claims.write_text(content)
    assert len(recover(tmp_path)) == 1 and not claims.exists()


def test_of_the_cache_of_runs_whole_entries_alone_are_left(tmp_path):
    runs = tmp_path / ".dvc" / "cache" / "runs"
    for entry in ("ab/abc/" + 64 * "0", "ab/abc/half.tmp", f"cd/cde/{64 * '0'}.uuid"):
        (runs / entry).parent.mkdir(parents=True, exist_ok=True)
        (runs / entry).write_text("")
    (runs / "ef" / "efa").mkdir(parents=True)
    assert recover(tmp_path) == []
    assert [path.name for path in runs.rglob("*") if len(path.name) > 2] == ["abc", 64 * "0"]


def test_an_id_that_went_from_a_dead_dvc_to_another_process_claims_nothing(tmp_path):
    claims = tmp_path / ".dvc" / "tmp" / "rwlock"
    claims.parent.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        claims.write_text(json.dumps({"read": {"/a": [{"pid": other.pid, "cmd": "dvc repro"}]}}))
        os.utime(claims, (time.time() - 60,) * 2)  # written before that process began
        assert len(recover(tmp_path)) == 1 and not claims.exists()
        other.communicate()


def test_a_file_of_another_program_in_the_cache_of_runs_is_left_alone(tmp_path):
    half, other = tmp_path / "ab" / ("a" * 64) / "tmp", tmp_path / "ab" / ".DS_Store"
    half.parent.mkdir(parents=True)
    for file in (half, other):
        file.write_text("x")
    tidy_run_cache(tmp_path)
    assert other.exists() and not half.parent.exists()
