"""A technique that git does not track is reported before an experiment is queued, and where one fails for that reason."""

import subprocess

import pytest

from reglab.config.entries import entry_of, in_checkout
from reglab.config.problems import Problems
from reglab.config.uncommitted import untracked

MINE = "src/reglab/regularizers/fresh_idea.py"


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / MINE).parent.mkdir(parents=True)
    (tmp_path / MINE).write_text("")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def test_a_file_is_reported_until_git_tracks_it(checkout):
    [line] = untracked(checkout)
    assert line.startswith(f"{MINE}: git does not know this file") and f"git add {MINE}" in line
    (checkout / "notes.txt").write_text("not code")
    subprocess.run(["git", "add", MINE], cwd=checkout, check=True)
    assert untracked(checkout) == []


def test_without_git_there_is_nothing_to_tell(tmp_path):
    assert untracked(tmp_path) == []


def test_a_queued_experiment_says_which_file_it_lacks(checkout, monkeypatch):
    def line():
        problems = Problems("params.yaml")
        assert entry_of("regularizers", "fresh_idea", {}, ("regularizers", "fresh_idea"), problems) is None
        return problems.lines[0]

    assert line().endswith("weight_decay")
    monkeypatch.setenv("DVC_ROOT", str(checkout))  # the checkout, also in an experiment's temporary workspace
    assert line().endswith(
        f"; {checkout / MINE} is there, but git does not know it: say git add {MINE} and queue again"
    )
    assert in_checkout("regularizers", "yours") == ""
