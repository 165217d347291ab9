"""However params.yaml is broken: lines for a person, no traceback, nothing begun."""

import copy
import json
import random
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

from reglab.config import params
from reglab.core.errors import UserError

SHIPPED = (Path(__file__).parent.parent.parent / "params.yaml").read_text(encoding="utf-8")
PLAIN = YAML(typ="safe", pure=True)

INSERTED = [*"&*!%@`|>{}[]:,-?#'\"\\\t\n\0é\u2028", "\n---\n", ": ", "- ", "${", "&a ", "*a", "1e999", "  ", ""]
VALUES = [None, True, -1, 0, 1, 2.5, 10**25, "", "x", "1", "é\n", [], {}, [1], [None], [[{}]], {"x": 1}, {"name": 1}]
KEYS = ["", "x", "A b", "é", "none", "name", "l1"]


def with_other_text(text: str, draw: random.Random) -> str:
    place, length = draw.randrange(len(text)), draw.choice((0, 0, 1, 3, 20))
    return text[:place] + draw.choice([*INSERTED, text[place : place + 30]]) + text[place + length :]


def with_other_value(whole: dict, draw: random.Random) -> dict:
    at, key = whole, draw.choice(list(whole))
    while at[key] and isinstance(at[key], dict | list) and draw.random() < 0.8:
        at = at[key]
        key = draw.choice(list(at) if isinstance(at, dict) else range(len(at)))
    kind = draw.choice(["value", "value", "key", "none"])
    if kind == "key" and isinstance(at, dict):
        at[draw.choice([*KEYS, f"{key}s", key[1:]])] = at.pop(key)
    elif kind == "none":
        del at[key]
    else:
        at[key] = draw.choice(VALUES)
    return whole


def test_random_mutations_of_the_shipped_file_end_in_params_or_in_lines(tmp_path):
    draw, ended = random.Random(0), []
    text = "\n".join(line.partition(" #")[0] for line in SHIPPED.splitlines() if line.strip() and line[0] != "#")
    whole = PLAIN.load(text)
    for number in range(120):
        given = with_other_text(text, draw) if number % 2 else json.dumps(with_other_value(copy.deepcopy(whole), draw))
        (tmp_path / "params.yaml").write_text(given, encoding="utf-8")
        try:
            ended.append(type(params.load(tmp_path / "params.yaml")))
        except UserError as error:
            ended.append(UserError)
            assert error.lines and all(line.isprintable() and "; allowed: " in line for line in error.lines)
    assert set(ended) == {params.Params, UserError} and 12 < ended.count(UserError) < 117


BROKEN = """\
data: {name: digit, train_size: 100, validation_size: 50, test_size: 60}
seeds: 1
model: {name: mpl}
training: {}
baselines: {}
regularizers: {drop: {}}
combinations: {both: []}
ensembles: {}
scenes: {}
text: {}
augmentation: {study: {}, scenes: {}}
few_labels: {model: {name: mlp}}
few_scenes: {}
pretraining: {}
transfer: {}
semi_supervised: {}
multitask: {}
theory: {}
attacks: {}
tuning: {seeds: 1}
tuned: {}
sweeps: {}
cocktails: {}
regimes: {recipes: [], train_size: [50], label_noise: [0.0], width: [8]}
variance_sources: {recipes: []}
random_split: {recipes: []}
tuned_clean: {recipes: []}
tuned_other_network: {recipes: []}
evaluation: {}
comparisons: {}
claims: {}
profiles: {}
tracking: {experiment: "${x}"}
"""


def test_the_command_check_tells_all_problems_ends_with_2_and_writes_nothing(tmp_path):
    (tmp_path / "params.yaml").write_text(BROKEN)
    command = [Path(sys.executable).parent / "reglab", "check"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "") and "Traceback" not in done.stderr
    keys = sorted(line.split(": ")[1] for line in done.stderr.splitlines())
    of_entries = ["combinations.both", "regularizers.drop", "regularizers.none"]
    assert keys == sorted([*of_entries, "data.name", "model.name", "seeds", "tracking.experiment"])
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]
