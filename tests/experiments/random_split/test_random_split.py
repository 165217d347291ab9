"""The price of the leak: what random splits claim of data whose groups give their class away."""

import html
import re
from dataclasses import replace

import numpy as np
import pytest

from reglab.data import prepared
from reglab.data.settings import Data
from reglab.experiments.random_split import evaluate, report
from reglab.experiments.random_split.run import at_random
from reglab.experiments.random_split.settings import RandomSplit
from reglab.models.mlp import MLP
from reglab.report import leak
from reglab.report.measure import ACCURACY
from reglab.report.study import Study
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training

SEEDS = 6
DATA = Data("visits", train_size=160, validation_size=40, test_size=40, label_noise=0.1, split="group")
PARTS = ("labelled", "unlabelled", "validation", "test")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Forty groups of eight: the inputs tell the group, which has its class by the toss of a coin."""
    folder, random = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 8)
    labels = random.permutation(np.repeat([0, 1], 20))[groups]
    inputs = np.eye(40)[groups] + random.normal(0, 0.05, (320, 40))
    inputs[8 * 3 + 1] = inputs[8 * 3]  # an example that is there twice
    prepared.write(folder, DATA, inputs.astype(np.float32), labels, seeds=SEEDS, groups=groups)
    return prepared.read(folder)


@pytest.fixture(scope="module")
def records(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    recipe = Recipe((), MLP(width=16, depth=1), Training(epochs=15, batch_size=32, learning_rate=0.02))
    dataset = {"name": data.name, "fingerprint": data.fingerprint}
    trained = {"regularizers": data, "random_split": at_random(data, SEEDS, DATA.label_noise)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(folder))
        return {
            family: {
                "none": all_seeds.run(
                    recipe,
                    of_family,
                    Stage(About(family, "none", [], dataset, {}, list(range(SEEDS))), folder, processes=1),
                )
            }
            for family, of_family in trained.items()
        }


def test_random_splits_have_the_sizes_and_the_noise_of_the_studys_own_and_keep_identical_examples_together(data):
    mixed = at_random(data, SEEDS, DATA.label_noise)
    straddling = 0
    for seed in range(SEEDS):
        split, other = data.split(seed), mixed.split(seed)
        for part in ("labelled", "validation", "test"):
            assert len(split.rows[part]) == len(other.rows[part])
        assert sorted(np.concatenate([other.rows[part] for part in PARTS])) == list(range(320))
        assert (other.labels["labelled"] != other.true_labels).sum() == (
            split.labels["labelled"] != split.true_labels
        ).sum()
        sides = [[*other.rows["labelled"], *other.rows["unlabelled"]], other.rows["validation"], other.rows["test"]]
        assert sum(bool({24, 25} & set(side)) for side in sides) == 1
        straddling += len(set(other.rows["test"] // 8) & set(other.rows["labelled"] // 8))
    assert straddling > 100


def test_random_splits_claim_what_new_groups_do_not_keep(records):
    row = evaluate.tables(records, confidence=0.95, relevant_difference=0.005)["random_split"]["none"]["test_accuracy"]
    assert row["random"]["mean"] > 0.85 and 0.3 < row["structured"]["mean"] < 0.7
    assert row["difference"] == pytest.approx(row["random"]["mean"] - row["structured"]["mean"])
    assert row["difference_low"] > 0.15 and row["p"] == 2 / 2**SEEDS
    values = [records[family]["none"]["seeds"]["0"]["metrics"]["test_accuracy"] for family in records]
    assert values[0] < values[1]


def test_without_random_splits_there_are_no_rows_and_no_section():
    assert evaluate.tables({"regularizers": {}}, confidence=0.95, relevant_difference=0.005) == {}
    assert report.random_split_section(Study([], {}, {}, "")) is None


def section(rows, split="group", **evaluation):
    settings = {"data": {"split": split}, "seeds": SEEDS, "evaluation": {"confidence": 0.95} | evaluation}
    body = report.random_split_section(Study([], {"random_split": rows}, settings, "")).body
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", str(body))))


def test_the_section_shows_both_numbers_and_says_how_much_too_much_was_claimed(records):
    rows = evaluate.rows(records, confidence=0.95)
    row = rows["none"]["test_accuracy"]
    said = section(rows)
    assert (
        f"{100 * row['random']['mean']:.1f} % on random splits, {100 * row['structured']['mean']:.1f} % by group"
        in said
    )
    assert f"Random splits claim {100 * row['difference']:.1f} points too much." in said
    assert "loss, nats" in said and "new groups would not have kept" in said


def test_a_difference_that_may_be_zero_is_not_called_a_leak_and_a_diverged_seed_says_nothing():
    ends = {"mean": 0.8, "low": 0.75, "high": 0.85}
    row = {
        "random": ends,
        "structured": ends,
        "difference": 0.01,
        "difference_low": -0.02,
        "difference_high": 0.04,
        "p": 0.5,
    }
    assert "so no leak is shown" in section({"none": {"test_accuracy": row}}, "time")
    under = row | {"difference": -0.03, "difference_low": -0.05, "difference_high": -0.01}
    assert "claim 3.0 points too little" in section({"none": {"test_accuracy": under}})
    assert "a seed diverged, so nothing can be said" in section({"none": {}})


def test_a_smaller_error_on_random_splits_is_claimed_too_much():
    ends = {"mean": 2.0, "low": 1.8, "high": 2.2}
    row = {"random": ends, "structured": ends | {"mean": 3.0}, "p": 0.01}
    row |= {"difference": -1.0, "difference_low": -1.2, "difference_high": -0.8}
    assert "claim 1.00 too much" in section({"none": {"test_rmse": row}}, metric="rmse", relevant_difference=None)


@pytest.mark.parametrize("split", ["group", "time"])
def test_the_first_page_has_the_price_of_the_leak_for_none_in_a_sentence(records, split):
    rows = evaluate.rows(records, confidence=0.95)
    row = rows["none"]["test_accuracy"]
    metrics = {"random_split": {"other": {}} | rows}
    [point] = leak.point(metrics, split, ACCURACY)
    said = point.text.striptags().replace("\u00a0", " ")
    new = {"group": "new groups", "time": "later times"}[split]
    means = [f"{100 * row[kind]['mean']:.1f} %" for kind in ("random", "structured")]
    assert said.startswith(f"On random splits none has accuracy {means[0]}, on {new} {means[1]}. Random splits claim ")
    assert f"{100 * row['difference']:.1f} points too much" in said and 'href="#random-split"' in point.text
    assert (
        leak.point({}, "random", ACCURACY) == [] and leak.point({"random_split": {"none": {}}}, split, ACCURACY) == []
    )


def test_random_splits_beside_random_splits_are_a_contradiction():
    asked = RandomSplit(("none",))
    [(key, result, allowed)] = asked.problems({"data": replace(DATA, split="random")})
    assert (key, result) == (("recipes",), "none with data.split: random") and allowed.startswith("[], unless")
    assert (
        list(asked.problems({"data": DATA}))
        == list(RandomSplit().problems({"data": replace(DATA, split="k_fold")}))
        == []
    )
