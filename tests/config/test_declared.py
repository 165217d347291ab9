"""A pair or a claim about an unknown entry is reported in one line, before any work; so is a lack of seeds, as a warning."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from shipped import problems_of

from reglab.config import params
from reglab.core.errors import UserError

ROOT = Path(__file__).parent.parent.parent
SHIPPED = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
PAIR = {"recipe": "dropout", "versus": "none"}
CLAIM = PAIR | {"says": "It is so", "lecture": "dropout", "metric": "test_accuracy", "direction": "higher"}


def loaded(folder: Path, **sections) -> params.Params:
    path = folder / "params.yaml"
    with open(path, "w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(SHIPPED | sections, file)
    return params.load(path)


@pytest.mark.parametrize(
    ("section", "changes", "key", "words"),
    [
        ("claims", {"recipe": "dropuot"}, "recipe", ['found "dropuot"', "did you mean dropout?"]),
        ("claims", {"versus": "nothing"}, "versus", ['found "nothing"', "one of: ", "k_nearest_neighbours"]),
        ("claims", {"recipe": "gabor"}, "recipe", ['found "gabor"']),  # a topic, which has no seeds
        ("claims", {"metric": "test_acuracy"}, "metric", ["did you mean test_accuracy?"]),
        ("claims", {"metric": "distinct_share"}, "metric", ["zero_weights"]),  # bagging has it, dropout has not
        ("claims", {"metric": "robust_accuracy@0.3"}, "metric", ["robust_accuracy@0.1"]),  # no such epsilon is attacked
        ("claims", {"recipe": "joint", "metric": "test_iou"}, "metric", ['found "test_iou"']),  # none has no such thing
        ("claims", {"versus_metric": "test_accurracy"}, "versus_metric", ["did you mean test_accuracy?"]),
        ("claims", {"versus_metric": "variance"}, "versus_metric", ['found "variance"']),  # paired over other things
        ("claims", {"versus": 0.5, "versus_metric": "test_nll"}, "versus_metric", ["nothing beside a number"]),
        ("claims", {"recipe": "none"}, "versus", ["none, the recipe itself"]),
        ("claims", {"lecture": "droput"}, "lecture", ["did you mean dropout?"]),
        ("claims", {"direction": "more"}, "direction", ["one of: higher, lower, same"]),
        ("claims", {"margin": -0.1}, "margin", ["a number above 0"]),
        (
            "claims",
            {"metric": "weight_norm", "direction": "same"},
            "margin",
            ["no margin for weight_norm", "fractions"],
        ),
        ("comparisons", {"recipe": "dropuot"}, "recipe", ["did you mean dropout?"]),
        ("comparisons", {"versus": 0.5}, "versus", ["found 0.5"]),
        ("comparisons", {"metric": "weight_norm"}, "metric", ['found "weight_norm"']),  # neither way is better
        ("comparisons", {"metric": "variance"}, "metric", ['found "variance"']),
        ("comparisons", {"recipe": "none"}, "versus", ["none, the recipe itself"]),
    ],
)
def test_what_a_pair_or_a_claim_cannot_be_about_is_one_line(tmp_path, section, changes, key, words):
    given = (CLAIM if section == "claims" else PAIR) | changes
    with pytest.raises(UserError) as error:
        loaded(tmp_path, **{section: {"mine": given}})
    [line] = error.value.lines
    assert line.startswith(f"params.yaml: {section}.mine.{key}: found ") and "; allowed: " in line
    assert all(each in line for each in words), line


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"versus": 0.5, "direction": "same", "margin": 0.1},
        {"metric": "weight_norm", "direction": "same", "margin": 0.1},
        {"metric": "generalization_gap_given_labels", "direction": "same"},
        {"recipe": "masked_tuned", "versus": "from_scratch", "metric": "test_accuracy@2"},
        {"recipe": "masked_tuned", "versus": "from_scratch", "metric": "variance@1", "direction": "lower"},
        {"recipe": "boosting", "versus": "boosting", "versus_metric": "trees_test_accuracy"},
        {"metric": "robust_accuracy@0.05", "versus": "label_smoothing"},
        {"recipe": "both_mine", "lecture": "bagging"},
    ],
)
def test_a_claim_of_the_users_own_needs_no_code(tmp_path, changes):
    stacked = SHIPPED["combinations"] | {"both_mine": [{"l1": {}}, {"dropout": {}}]}
    assert "mine" in loaded(tmp_path, combinations=stacked, claims={"mine": CLAIM | changes}).claims


def test_the_command_warns_of_too_few_seeds_on_stderr_and_goes_on(tmp_path):
    loaded(tmp_path, seeds=9)
    command = [sys.executable, "-c", "from reglab.cli import main; main()", "check"]
    done = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True)
    assert done.returncode == 0 and "no problem found" in done.stdout
    warnings = [line for line in done.stderr.splitlines() if "not applicable" not in line]
    assert warnings and all(line.startswith("params.yaml: seeds: found 9, too few for ") for line in warnings)
    assert any(" claims at confidence 0.95: " in line for line in warnings)


def test_what_is_wrong_beside_another_mistake_of_the_section_is_reported_in_the_same_round(tmp_path):
    given = copy.deepcopy(SHIPPED)
    given["seeds"] = {"first": 20, "most": 10, "looks": "x"}
    given["tuning"].update(seeds=30, learning_rate="x")
    given["attacks"]["ensembles"].update(seeds=40, norm=3)
    keys = ["seeds.looks", "seeds.most", "tuning.learning_rate", "attacks.ensembles.norm", "tuning.seeds"]
    reported = [line.split(": ")[1] for line in problems_of(given, tmp_path)]
    assert reported == [*keys, "attacks.ensembles.seeds"]


def test_an_unknown_setting_that_varies_is_reported_as_such_whatever_its_value_is(tmp_path):
    for value in (3, "x", None, [0.1], [0.1, 0.5], {}):
        given = copy.deepcopy(SHIPPED)
        for entries in (given["tuned"], given["sweeps"], given["cocktails"]["stacked"]["ingredients"]):
            entries["dropout"] = {"hiden": copy.copy(value)}  # YAML would write anchors
        reported = problems_of(given, tmp_path)
        keys = ("tuned.dropout.hiden", "sweeps.dropout.hiden", "cocktails.stacked.ingredients.dropout.hiden")
        assert sorted(line.split(": ")[1] for line in reported) == sorted(keys)
        for line in reported:
            assert ": found an unknown setting; " in line and line.endswith("; did you mean hidden_rate?")
