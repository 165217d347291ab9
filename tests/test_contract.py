"""What every technique in regularizers/ must keep, whoever adds it: the checks that `reglab check-technique` runs."""

import subprocess
import sys
from argparse import Namespace
from collections import Counter
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reglab import cli
from reglab.core import registry
from reglab.core.errors import UserError
from reglab.regularizers.dropout import Dropout
from reglab.technique_checks import CHECKS, run_check
from reglab.technique_checks.entry import technique_of

ROOT = Path(__file__).parent.parent
NAMES = registry.names("regularizers")
ENTRIES = YAML(typ="safe").load(ROOT / "params.yaml")["regularizers"]


@cache
def result(check, name):
    return run_check(check, registry.find("regularizers", name)())


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_a_technique_keeps_what_every_check_claims(name, check):
    assert result(check, name).status != "failed", result(check, name).message


@pytest.mark.parametrize("name", NAMES)
def test_a_check_that_does_not_apply_is_about_a_hook_or_a_declaration_that_the_technique_lacks(name):
    measured = Counter(result(check, name).status for check in CHECKS)
    assert measured["passed"] >= 40 and measured["failed"] == 0
    reasons = {result(check, name).message for check in CHECKS if result(check, name).status == "not applicable"}
    assert all(reason.startswith("it ") or reason == "with these settings it has no penalty" for reason in reasons)


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_applies_to_some_technique(check):
    assert "passed" in {result(check, name).status for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_technique_that_names_a_theory_topic_has_exact_checks_which_the_stage_of_the_topic_runs(name):
    topic = registry.find("regularizers", name).topic
    if topic is not None:
        assert topic in registry.names("theory")
        assert result("its_exact_checks_hold_each_time_with_the_same_gap", name).status == "passed"


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("weight_decay", {"decoupled": True}),
        ("l1", {"step": "subgradient"}),
        ("dropout", {"prediction": "arithmetic", "masks": 3}),
        ("dropout", {"prediction": "geometric", "masks": 3}),
        ("norm_constraint", {"norm": "l1", "radius": 1.0, "rate": 0.01}),
        ("norm_constraint", {"radius": 1.0, "rate": 0.01}),
        ("adversarial_training", {"attack": "fast_gradient", "norm": "l2", "share": 0.5}),
        ("k_sparse", {"active_units": 2}),
        ("early_stopping", {"patience": 1}),
    ],
    ids=str,
)
def test_other_settings_keep_it_too(name, settings):
    technique = registry.find("regularizers", name)(**settings)
    skipped = (
        "every_setting",
        "switched_on",
        "its_exact_checks",
        "it_goes",
    )  # the same, or slow, whatever the settings
    results = [run_check(check, technique) for check in CHECKS if not check.startswith(skipped)]
    assert [each for each in results if each.status == "failed"] == []


@pytest.mark.parametrize("name", NAMES)
def test_params_yaml_has_the_technique_with_all_its_settings_and_a_comment(name):
    assert name in ENTRIES, f"params.yaml: regularizers: lacks {name}"
    wanted = {field.name for field in fields(registry.find("regularizers", name))}
    assert set(ENTRIES[name]) == wanted
    lines = (ROOT / "params.yaml").read_text("utf-8").splitlines()
    line = next(line for line in lines if line.startswith(f"  {name}:"))
    assert "#" in line, f"params.yaml: {name} has no comment"


# The command


def test_settings_given_go_before_the_entry_and_the_entry_before_the_defaults(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("regularizers:\n  dropout: {hidden_rate: 0.3, masks: 7}\n", "utf-8")
    assert technique_of("dropout", path=path) == Dropout(hidden_rate=0.3, masks=7)
    given = ["masks=9", "prediction=geometric"]
    assert technique_of("dropout", given, path) == Dropout(0.2, 0.3, "geometric", 9)
    assert technique_of("dropout", path=tmp_path / "absent.yaml") == Dropout()


@pytest.mark.parametrize(
    ("name", "given", "line"),
    [
        ("dropuot", [], "did you mean dropout?"),
        (
            "dropout",
            ["hidden_rate=2"],
            "regularizers.dropout.hidden_rate: found 2; allowed: a number from 0 to below 1",
        ),
        ("dropout", ["rate=0.5"], "regularizers.dropout.rate: found an unknown setting"),
        ("dropout", ["hidden_rate"], 'check-technique: found "hidden_rate"; allowed: settings such as strength=0.1'),
    ],
)
def test_what_cannot_be_checked_is_refused(tmp_path, name, given, line):
    with pytest.raises(UserError) as refused:
        technique_of(name, given, tmp_path / "params.yaml")
    assert line in str(refused.value)


OWN = '''"""Inputs are shown brighter."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from reglab.training.regularizer import Regularizer


@dataclass(frozen=True)
class Brighter(Regularizer):
    """x <- (1 + strength) x + 1/10.

    Source: none, this is a test.
    """

    off: ClassVar[dict] = {"strength": 0.0}

    strength: Annotated[float, Ge(0)] = 0.1

    def transform_batch(self, batch, network):
        return batch._replace(inputs=(1 + self.strength) * batch.inputs + 0.1)
'''


def test_a_technique_of_ones_own_is_checked_by_one_command(tmp_path):
    """It says that strength 0 switches it off, and never is off; nor does it stay in [0, 1]."""
    package = tmp_path / "reglab"
    package.mkdir()
    for path in (ROOT / "src" / "reglab").iterdir():
        (package / path.name).symlink_to(path)
    (package / "regularizers").unlink()
    (package / "regularizers").mkdir()
    for path in (ROOT / "src" / "reglab" / "regularizers").glob("*.py"):
        (package / "regularizers" / path.name).symlink_to(path)
    (package / "regularizers" / "brighter.py").write_text(OWN, "utf-8")
    command = [sys.executable, "-m", "reglab.cli", "check-technique", "brighter", "strength=0.2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path)})
    lines = done.stdout.splitlines()
    failed = [line.removeprefix("failed").strip().partition(":")[0] for line in lines if line.startswith("failed")]
    assert failed == [
        "inputs stay between zero and one",
        "switched off it is none bit for bit",
        "it goes before every other technique",
        "it goes behind every other technique",
    ], done.stdout + done.stderr
    assert done.returncode == 1 and len(lines) == len(CHECKS) + 1
    assert lines[-1].startswith("Brighter(strength=0.2): ") and ", 4 failed, " in lines[-1]


def test_the_command_ends_well_where_no_check_fails(capsys):
    assert cli.check_technique(Namespace(name="none", settings=[])) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CHECKS) + 1 and ", 0 failed, " in lines[-1]
