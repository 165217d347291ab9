"""What a DVC experiment has changed, found from the commit that it starts from."""

import subprocess

import pytest

from reglab.config.changed_settings import BASELINE, changed_settings, differing


def test_only_what_differs_is_left_nested_as_it_was():
    before = {"seeds": 3, "regularizers": {"dropout": {"rate": 0.5, "masks": 8}, "l1": {"strength": 1}}, "gone": 1}
    after = {"seeds": 3, "regularizers": {"dropout": {"rate": 0.3, "masks": 8}, "l1": {"strength": 1}, "new": {}}}
    assert differing(before, after) == {"regularizers": {"dropout": {"rate": 0.3}, "new": {}}}
    assert differing(after, after) == {} and differing({"a": None}, {"a": {"b": 1}}) == {"a": {"b": 1}}
    assert differing({}, {"a": None}) == {"a": None}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("seeds: 3\ndata:\n  name: digits\n  label_noise: 0.2\n")
    for command in (
        ["init", "-q"],
        ["add", "params.yaml"],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "t"],
    ):
        subprocess.run(["git", *command], check=True)
    (tmp_path / "params.yaml").write_text("seeds: 3\ndata:\n  name: digits\n  label_noise: 0.4\n")
    return tmp_path


def test_an_experiment_is_compared_with_its_baseline(checkout, monkeypatch):
    monkeypatch.setenv(BASELINE, "HEAD")
    assert changed_settings() == {"data": {"label_noise": 0.4}}


def test_outside_of_an_experiment_and_without_its_commit_nothing_is_changed(checkout, monkeypatch):
    monkeypatch.delenv(BASELINE, raising=False)
    assert changed_settings() == {}
    monkeypatch.setenv(BASELINE, "c0ffee")
    assert changed_settings() == {}
