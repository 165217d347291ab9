"""Checkouts of which git knows nothing: an unpacked archive, the checkout of another user, a machine without git."""

import subprocess

import pytest

from reglab.core.errors import UserError
from reglab.runtime import git


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An unpacked archive, in no repository; git may regard its files as those of another user."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.delenv("GIT_DIR", raising=False)
    root = tmp_path / "it's a plac\u00e9"
    (root / ".dvc").mkdir(parents=True)
    return root


def config(root) -> str:
    file = root / ".dvc" / "config.local"
    return file.read_text(encoding="utf-8") if file.exists() else ""


def test_without_a_repository_dvc_does_without_one_until_there_is_one(root):
    assert "no git repository" in git.prepare(root) and "\n" not in git.prepare(root)
    assert "no_scm = true" in config(root)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    assert git.prepare(root) == "" and config(root) == ""


def test_settings_of_the_user_stay(root):
    file = root / ".dvc" / "config.local"
    file.write_text("[cache]\n    dir = /x\n")
    with pytest.raises(UserError, match="no_scm = true"):
        git.prepare(root)
    file.write_text("[core]\n    no_scm = true\n")
    assert "no git repository" in git.prepare(root)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    assert git.prepare(root) == "" and "no_scm" in config(root)


def test_a_checkout_of_another_user_is_said_in_one_line_and_is_no_archive(root, monkeypatch):
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / "file").touch()
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    note = git.prepare(root)
    assert "belongs to another user" in note and "safe.directory" in note and "\n" not in note
    assert config(root) == "" and git.files(root) == ["file"]


def test_without_git_it_goes_on_and_only_a_profile_says_that_it_needs_git(root, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git.run_git(root, "status") is None
    assert "no git repository" in git.prepare(root)
    with pytest.raises(UserError, match="needs git"):
        git.files(root)


def test_the_files_of_an_archive_are_those_that_git_would_add(root):
    for name in ("a.py", "data/x", "src/\u00e9 b.py", "src/__pycache__/a.pyc"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / ".gitignore").write_text("/data/\n__pycache__/\n")
    assert sorted(git.files(root)) == [".gitignore", "a.py", "src/\u00e9 b.py"]
    assert not (root / ".git").exists()
