"""`reglab repro` look by look, with records that are written in the place of trainings."""

import json
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from reglab.config import params, profiles, seed_counts
from reglab.config.more_seeds import run_looks

ROOT = Path(__file__).parent.parent.parent
NAMES = ("none", "dropout", "l1", "weight_decay")
EFFECTS = {"none": (0.0, 0.0), "dropout": (0.03, 0.002), "l1": (0.008, 0.0085), "weight_decay": (0.0008, 0.02)}
NOISE = np.random.default_rng(0).normal(size=9)


@pytest.fixture(scope="module")
def given():
    """The settings of a few entries alone, none of them tuned."""
    whole = YAML(typ="safe").load(profiles.merged(ROOT / "params.yaml", None, NAMES))
    return whole | {"tuned": {}, "tuned_clean": {"recipes": []}, "tuned_other_network": {"recipes": []}}


class Study:
    """A folder with params.yaml in which a stage writes the record of the seeds that its recipe has now."""

    def __init__(self, folder: Path, given: dict, seeds: int | dict) -> None:
        self.folder, self.calls, self.counts = folder, [], []
        (folder / "params.yaml").write_text(json.dumps(given | {"seeds": seeds}))  # JSON is YAML

    def run(self, stages: list[str]) -> int:
        settings = params.load(self.folder / "params.yaml")
        self.calls.append(stages)
        self.counts.append({name: seed_counts.of(self.folder, settings, "regularizers", name) for name in NAMES})
        for place, (name, seeds) in enumerate(self.counts[-1].items()):
            effect, spread = EFFECTS[name]
            noise = np.roll((NOISE - NOISE.mean()) / NOISE.std(), place)
            runs = {
                str(seed): {"status": "finished", "metrics": {"test_accuracy": 0.9 + effect + spread * noise[seed % 9]}}
                for seed in range(seeds)
            }
            record = {"family": "regularizers", "name": name, "technique": [name], "checks": [], "seeds": runs}
            path = self.folder / "runs" / "regularizers" / name
            path.mkdir(parents=True, exist_ok=True)
            (path / "record.json").write_text(json.dumps(record))
        return 0


def test_looks_follow_each_other_until_all_is_decided_or_beyond_reach(given, tmp_path, capsys):
    study = Study(tmp_path, given, {"first": 9, "most": 36})
    assert run_looks(tmp_path, study.run) == 0
    first = dict.fromkeys(NAMES, 9)
    assert study.counts == [first, first | {"none": 18, "l1": 18}]
    assert study.calls[0] == [f"train@{name}" for name in params.load(tmp_path / "params.yaml").regularizers]
    assert seed_counts.content(tmp_path) == {"regularizers": {"none": 18, "l1": 18}}
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "Look: 1 verdict; 1 gets more seeds (regularizers/l1 18); 1 stays undecided, which 36 seeds could not decide.",
        "Look: 2 verdicts; none gets more seeds; 1 stays undecided, which 36 seeds could not decide.",
    ]
    assert run_looks(tmp_path, study.run) == 0
    assert len(study.calls) == 3 and study.counts[2] == study.counts[1]


def test_a_look_that_fails_ends_it_and_the_next_run_goes_on_there(given, tmp_path):
    study = Study(tmp_path, given, {"first": 9, "most": 36})

    def fails_at_the_second_look(stages: list[str]) -> int:
        return 1 if study.calls else study.run(stages)

    assert run_looks(tmp_path, fails_at_the_second_look) == 1
    assert seed_counts.content(tmp_path) == {"regularizers": {"none": 18, "l1": 18}}
    assert run_looks(tmp_path, study.run) == 0
    assert study.counts[1]["l1"] == 18 and len(study.calls) == 2


def test_a_study_without_most_has_no_looks(given, tmp_path):
    study = Study(tmp_path, given, 9)
    assert run_looks(tmp_path, study.run) == 0
    assert study.calls == [] and not (tmp_path / "looks.yaml").exists()
