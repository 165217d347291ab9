"""A study with `seeds.most` as a user runs it: reglab repro looks again, and a plain dvc repro makes the same bytes."""

import json
import re
import shutil

import pytest
from checkout import Checkout
from fire import UNDER_FIRE
from ruamel.yaml import YAML

from reglab.runtime import warm

pytestmark = list(UNDER_FIRE)


def small(all: dict) -> None:
    """Two recipes beside none; differences of a point do not matter, so that not all is far from a verdict."""
    all.update(
        seeds={"first": 7, "most": 14},
        evaluation={"confidence": 0.95, "metric": "accuracy", "relevant_difference": 0.02},
        data=all["data"] | {"train_size": 300},
        training=all["training"] | {"epochs": 4},
        tuned={"none": {}, "l1": {"strength": [0.001, 0.1]}},
        tuning={"seeds": 2, "settings": 3},
        pretraining={},
        transfer={},
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    with warm.server() as address:
        checkout = Checkout(tmp_path_factory.mktemp("study"), address)
        checkout.edit(small)
        code, output = checkout.run("reglab", "repro")
        assert code == 0, output
        yield checkout, output


def counts(checkout: Checkout) -> dict:
    return YAML(typ="safe").load(checkout.folder / "looks.yaml")


def record(checkout: Checkout, family: str, name: str) -> dict:
    return json.loads((checkout.folder / "runs" / family / name / "record.json").read_text())


def test_the_undecided_got_more_seeds_and_the_records_and_the_report_say_so(done):
    checkout, output = done
    lines = re.findall(r"^Look: .*", output, re.MULTILINE)
    assert len(lines) > 1 and "get more seeds (" in lines[0].replace("gets", "get"), output
    assert "none gets more seeds" in lines[-1]
    for family, names in counts(checkout).items():
        for name, seeds in names.items():
            assert list(record(checkout, family, name)["seeds"]) == [str(seed) for seed in range(seeds)]
    page = (checkout.folder / "reports" / "index.html").read_text()
    assert "Looks were planned at 7, 10 and 14 seeds" in page
    metrics = checkout.metrics()
    grown = counts(checkout)["regularizers" if "regularizers" in counts(checkout) else "tuned"]
    assert max(grown.values()) in metrics["looks"]["seeds"][1:]


def test_only_recipes_with_more_seeds_ran_again_and_a_plain_repro_has_nothing_to_do(done):
    checkout, output = done
    ran = re.findall(r"Running stage '(\S+)'", output)
    stages = {"regularizers": "train", "tuned": "tune"}
    for family, stage in stages.items():
        for name in [path.name for path in (checkout.folder / "runs" / family).iterdir()]:
            looks = 1 + ({7: 0, 10: 1, 14: 2}[counts(checkout).get(family, {}).get(name, 7)])
            assert ran.count(f"{stage}@{name}") == looks, (name, ran)
    assert ran.count("prepare") == 1 and ran.count("report") == 1
    assert set(checkout.repro()) <= {"scenes"}  # which reglab repro leaves out where nothing uses it
    assert checkout.repro() == []


def test_without_the_kept_seeds_all_is_trained_again_to_the_same_bytes(done):
    checkout, _ = done
    before = (checkout.folder / "dvc.lock").read_bytes()
    shutil.rmtree(checkout.folder / ".reglab" / "seeds")
    assert "train@l1" in checkout.repro("--force")
    assert (checkout.folder / "dvc.lock").read_bytes() == before


def test_another_run_of_the_command_looks_once_and_changes_nothing(done):
    checkout, _ = done
    before = counts(checkout)
    code, output = checkout.run("reglab", "repro")
    assert code == 0 and output.count("\nLook: ") == 1 and counts(checkout) == before, output
