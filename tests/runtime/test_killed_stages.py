"""A training stage of every family, killed with 9 at random moments and started again: the same files to the byte."""

import random
import sys
import time
from pathlib import Path

import pytest
from checkout import ROOT, Checkout
from fire import COUNT, under_fire
from ruamel.yaml import YAML

from reglab.runtime import warm

STAGES = {  # family: (stage of dvc.yaml, entry)
    "regularizers": ("train", "dropout"),
    "combinations": ("combine", "dropout_and_input_noise"),
    "ensembles": ("ensemble", "deep_ensemble"),
    "pretraining": ("pretraining", "masked"),
    "transfer": ("transfer", "masked_tuned"),
    "semi_supervised": ("semi_supervised", "mean_teacher"),
    "multitask": ("multitask", "joint"),
    "tuned": ("tune", "dropout"),
    "sweeps": ("sweep", "dropout"),
    "cocktails": ("cocktail", "stacked"),
    "regimes": ("regime", "dropout"),
    "variance_sources": ("variance_source", "dropout"),
    "attacks": ("attack", "regularizers"),
}


def every_family(all: dict) -> None:
    whole = YAML(typ="safe").load(ROOT / "params.yaml")
    for family in ("combinations", "semi_supervised", "multitask"):
        name = STAGES[family][1]
        all[family] = {name: whole[family][name]}
    all["regularizers"] |= {"input_noise": whole["regularizers"]["input_noise"]}
    all["ensembles"] = {"deep_ensemble": {"members": 2, "combine": "average"}}
    all["attacks"] = {"regularizers": {"norm": "linf", "epsilons": [0.1], "examples": 10, "seeds": 1}}
    all["tuning"] = {"seeds": 1, "settings": 2}
    all["tuned"] = {"none": {}, "dropout": {"hidden_rate": [0.1, 0.5]}}
    all["sweeps"] = {"dropout": {"hidden_rate": [0.1, 0.5]}}
    ingredients = {"input_noise": {"std": [0.1, 0.6]}, "dropout": {"hidden_rate": [0.1, 0.6]}}
    all["cocktails"] = {"stacked": {"trials": 2, "ingredients": ingredients}}
    all["regimes"] = {"recipes": ["none", "dropout"], "train_size": [100], "label_noise": [0.0], "width": [16, 32]}
    all["variance_sources"] = {"recipes": ["dropout"]}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with warm.server() as address:
        checkout = Checkout(tmp_path_factory.mktemp("families"), address)
        checkout.edit(every_family)
        checkout.repro()
        yield checkout


@under_fire
def test_a_stage_killed_with_9_and_started_again_leaves_the_same_files(whole, capsys):
    chance, counts = random.Random(2), {}
    for number in range(COUNT):
        family, (stage, name) = list(STAGES.items())[number % len(STAGES)]
        folder = whole.folder / "runs" / family / name
        wanted, seconds = files(folder), [3.0, *counts.get(family, [])][-1]
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
        command = (sys.executable, "pipelines/experiment.py", f"{stage}@{name}")
        for _ in range(chance.choice([1, 1, 2])):
            process = whole.start(*command)
            time.sleep(chance.uniform(0.2, seconds))
            process.kill()
            process.communicate()
        began = time.monotonic()
        code, output = whole.run(*command)
        assert code == 0, output
        assert files(folder) == wanted, (family, name)
        counts.setdefault(family, []).append(time.monotonic() - began)
    with capsys.disabled():
        print(f"\nkilled and ended the same: { {family: len(times) for family, times in counts.items()} }")
