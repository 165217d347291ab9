"""The regime map: each cell is the study's own training, step for step, with other data and another width."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from blobs import blobs

from reglab.config.cross_checks import check_recipes
from reglab.config.problems import Problems
from reglab.core import registry
from reglab.data.loader import Loader, whole
from reglab.data.settings import Data
from reglab.experiments.regimes import run as regimes
from reglab.experiments.regimes.settings import Regimes
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.tracking import record
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe, cost_of_step
from reglab.training.settings import Training

SIZES = {"train_size": 30, "validation_size": 15, "test_size": 15, "label_noise": 0.2}
TRAINING = Training(epochs=2, batch_size=8, learning_rate=0.01)
RECIPE = Recipe((Dropout(0.2, 0.5),), MLP(width=4, depth=1), TRAINING)
GRID = regimes.cells([10, 30], [0.2], [4, 6])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return blobs(tmp_path_factory.mktemp("data"), seeds=3, examples=90, **SIZES)


def about(family, data, **settings):
    dataset = {"name": data.name, "fingerprint": data.fingerprint}
    return About(family, "dropout", ["dropout"], dataset, {"dropout": {}} | settings, [0, 1, 2])


@pytest.fixture(scope="module")
def runs(tmp_path_factory, data):
    """The record of the study and that of the map, by family."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(folder))
        ordinary = all_seeds.run(RECIPE, data, Stage(about("regularizers", data), folder, processes=2))
        regimes.run(RECIPE, GRID, data, Stage(about("regimes", data), folder, processes=2))
    return {"regularizers": ordinary, "regimes": record.read(folder / "regimes" / "dropout")}


def test_the_cell_of_the_studys_own_settings_is_the_study_to_the_bit(runs):
    for seed, outcome in runs["regularizers"]["seeds"].items():
        metrics = runs["regimes"]["seeds"][seed]["metrics"]
        kept = [name for name in regimes.KEPT if name in outcome["metrics"]]  # those of classes
        assert "test_accuracy" in kept and "test_nll" in kept
        assert {name: metrics[f"{name}@30x0.2x4"] for name in kept} == {name: outcome["metrics"][name] for name in kept}


def test_other_cells_differ_and_the_record_says_where_each_lies(runs):
    content = runs["regimes"]
    assert content["cells"]["10x0.2x6"] == {"train_size": 10, "label_noise": 0.2, "width": 6}
    losses = {key: content["seeds"]["1"]["metrics"][f"test_nll@{key}"] for key in content["cells"]}
    assert len(set(losses.values())) == len(GRID) == 4
    assert content["seeds"]["1"]["metrics"]["test_nll"] == pytest.approx(np.mean(list(losses.values())))
    assert content["summary"]["test_accuracy@10x0.2x6"].keys() == {"mean"}


def test_every_cell_takes_the_steps_of_the_study(data):
    taken = {}
    for size in (8, 10, 30, 60):  # 1, 2, 4 and 8 batches of 8; the study takes 2 epochs of 4
        [cell] = regimes.cells([size], [0.2], [4]).values()
        placed = regimes.recipe_in_cell(RECIPE, cell, train_size=30)
        split = data.resized(0, size, 0.2)
        taken[size] = len(Loader(whole(split.inputs["labelled"], split.labels["labelled"], 3), 8, 0))
        taken[size] *= placed.training.epochs
        assert replace(placed, training=TRAINING) == RECIPE
    assert taken == dict.fromkeys(taken, 8)


def test_the_warm_up_of_every_cell_takes_the_steps_of_that_of_the_study():
    recipe = replace(RECIPE, training=replace(TRAINING, epochs=4, warmup_epochs=1.5))  # 6 steps of 16
    for size, batches in ((8, 1), (10, 2), (30, 4), (60, 8)):
        [cell] = regimes.cells([size], [0.2], [4]).values()
        assert regimes.recipe_in_cell(recipe, cell, train_size=30).training.warmup_epochs * batches == 6


def test_cost_is_the_mean_over_the_cells(runs, data):
    epochs_by_examples = 4 * 10 + 2 * 30
    flops = [
        cost_of_step(replace(RECIPE, architecture=MLP(width, depth=1)), data.split(0))["flops_per_example"]
        * epochs_by_examples
        for width in (4, 6)
    ]
    assert runs["regimes"]["cost"] == {"flops": round(sum(flops) / 4), "relative_to_none": 1.0}  # masks cost no product


def test_more_examples_keep_those_that_fewer_had_and_test_and_validation_stay(data):
    study = data.split(1)
    for size in (10, 30, 50):
        split = data.resized(1, size, 0.2)
        pool = np.concatenate([study.rows["labelled"], study.rows["unlabelled"]])
        assert np.array_equal(split.rows["labelled"], pool[:size])  # 50 are more than the study labels
        assert np.array_equal(split.rows["unlabelled"], pool[size:])
        for part in ("validation", "test"):
            assert np.array_equal(split.inputs[part], study.inputs[part])
            assert np.array_equal(split.labels[part], data.tensors["labels"][split.rows[part]])


def test_more_noise_keeps_the_former_wrong_labels(data):
    right = data.tensors["labels"][data.resized(0, 40, 0.0).rows["labelled"]]
    given = {noise: data.resized(0, 40, noise).labels["labelled"] for noise in (0.0, 0.25, 0.5)}
    wrong = {noise: set(np.flatnonzero(labels != right)) for noise, labels in given.items()}
    assert [len(rows) for rows in wrong.values()] == [0, 10, 20] and wrong[0.25] < wrong[0.5]
    assert all(given[0.25][row] == given[0.5][row] for row in wrong[0.25])


def test_a_loss_that_is_lost_in_one_cell_is_named(tmp_path, data, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    wild = replace(RECIPE, training=replace(TRAINING, optimizer="sgd", learning_rate=1e30))
    content = regimes.run(
        wild, regimes.cells([10], [0.0], [4]), data, Stage(about("regimes", data), tmp_path, processes=1)
    )
    assert {seed["status"] for seed in content["seeds"].values()} == {"diverged"}
    assert "10x0.0x4: the loss became" in content["seeds"]["0"]["reason"]


def test_a_training_size_that_the_data_cannot_give_is_told_before_any_work():
    labels = np.tile(np.arange(3), 30)
    asked = Regimes(("none",), train_size=(2, 60, 61), label_noise=(0.0,), width=(4,))
    problems = list(asked.data_problems(Data(name="blobs", **SIZES), labels, pool=60))
    assert [(key, found) for key, found, _ in problems] == [(("train_size",), "2"), (("train_size",), "61")]
    assert "from 3, one example a class or label, to 60" in problems[0][2]


def test_a_model_without_a_width_has_no_map():
    @dataclass(frozen=True)
    class Deep:
        depth: int = 1

    asked = Regimes(("none",), train_size=(10,), label_noise=(0.0,), width=(4,))
    problems = Problems("params.yaml")
    check_recipes({"regimes": asked, "model": Deep()}, problems)
    assert len(problems.lines) == 1 and problems.lines[0].startswith(
        "params.yaml: regimes.width: found a model without"
    )
    check_recipes({"regimes": asked, "model": registry.find("models", "convnet")()}, none := Problems("params.yaml"))
    assert not none.lines


def test_cost_counts_every_cell_by_its_examples_and_epochs_beside_all_epochs_of_the_plain_network(data, monkeypatch):
    flops = {True: 7.0, False: 5.0}
    monkeypatch.setattr(
        regimes, "cost_of_step", lambda recipe, split: {"flops_per_example": flops[bool(recipe.regularizers)]}
    )
    splits_of = {size: data.resized(0, size, 0.0) for size in (10, 30)}
    recipes = {size: replace(RECIPE, training=replace(TRAINING, epochs=epochs)) for size, epochs in ((10, 4), (30, 2))}
    assert regimes.cost(recipes, splits_of, {10: 2.5, 30: 2.0}) == {
        "flops": round((7 * 10 * 2.5 + 7 * 30 * 2) / 2),
        "relative_to_none": pytest.approx(7 * (10 * 2.5 + 30 * 2) / (5 * (10 * 4 + 30 * 2))),
    }
