"""The command itself: what its arguments mean, and that it begins whatever the locale."""

import os
import subprocess
import sys
from argparse import Namespace
from contextlib import nullcontext

import pytest

from reglab import cli
from reglab.config import in_study


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ([], ["needed"]),
        (["--quiet"], ["--quiet", "needed"]),
        (["--force", "train@none"], ["--force", "train@none"]),
    ],
)
def test_options_for_dvc_bring_no_stage_back_that_nothing_uses(given, wanted, tmp_path, monkeypatch):
    called = []
    monkeypatch.setattr("reglab.runtime.dvc_repro.repro", lambda root, arguments, follow: called.append(arguments) or 0)
    monkeypatch.setattr("reglab.config.more_seeds.run_looks", lambda folder, run: 0)
    monkeypatch.setattr("reglab.runtime.processes.exit_on_signals", lambda: None)
    monkeypatch.setattr(in_study, "exit_on_signals", lambda: None)
    monkeypatch.setattr(in_study, "reach_engine", lambda folder: None)
    monkeypatch.setattr(cli, "check", lambda given: 0)
    monkeypatch.setattr(cli, "targets", lambda root: ["needed"])
    monkeypatch.setattr(in_study.warm, "server", lambda environment: nullcontext({}))
    monkeypatch.setattr(in_study.warm, "hand_over", lambda argv: None)
    monkeypatch.setattr(in_study.git, "prepare", lambda root: "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("")
    assert (
        cli.repro(Namespace(profile=None, only=[], wait=False, suite=False, engine=None, address=None, arguments=given))
        == 0
    )
    assert called == [wanted]


@pytest.mark.parametrize("options", [[], ["-X", "utf8=0"]])
def test_it_begins_in_a_locale_without_utf_8_once(options):
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONUTF8", "LANG")}
    command = [sys.executable, *options, "-m", "reglab.cli", "--help"]
    environment |= {"LC_ALL": "C", "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run(command, env=environment, capture_output=True, timeout=60).returncode == 0


def test_a_reader_that_goes_is_no_traceback():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "reglab.cli", "techniques"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(command, env=environment, stdout=writing, stderr=subprocess.PIPE, timeout=60)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")
