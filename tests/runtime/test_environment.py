"""What a study was made with and in."""

import subprocess
from importlib.metadata import version

import torch

from reglab.runtime.environment import code, describe_environment


def git(folder, *arguments):
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_versions_and_machine_are_those_at_hand_and_the_same_twice(tmp_path):
    result = describe_environment(tmp_path)
    assert result["Versions"]["torch"] == torch.__version__ and result["Versions"]["numpy"] == version("numpy")
    assert result["Machine"]["threads"] == str(torch.get_num_threads())
    assert describe_environment(tmp_path) == result


def test_the_commit_is_the_last_that_touched_code_and_edits_are_told(tmp_path):
    git(tmp_path, "init", "-q")
    for name in ("src", "reports"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("1")
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", name)
    first = git(tmp_path, "rev-parse", "HEAD~1")
    assert code(tmp_path / "reports") == {"commit": first, "edited since": "no"}
    (tmp_path / "reports" / "file").write_text("2")
    assert code(tmp_path)["edited since"] == "no"
    (tmp_path / "src" / "file").write_text("2")
    assert code(tmp_path) == {"commit": first, "edited since": "yes, and not committed"}


def test_without_git_that_is_what_is_said(tmp_path):
    assert code(tmp_path) == {"commit": "unknown: no git history here"}
