"""A tuned recipe: one budget for all, the same learning rates, the best epoch, and no look at the test part."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from blobs import blobs
from killed import kill_at_the_end
from pandas import read_csv
from safetensors.numpy import load_file

from reglab.config import params
from reglab.core.families import sections
from reglab.data.prepared import Prepared
from reglab.experiments.published_networks import recipe_of as recipe_of_record
from reglab.experiments.tuning import search as searching
from reglab.experiments.tuning import tuned
from reglab.experiments.tuning.settings import STUDIES, Tuning
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.regularizers.k_sparse import KSparse
from reglab.regularizers.l1 import L1
from reglab.regularizers.none import NoRegularizer
from reglab.regularizers.stochastic_weight_averaging import StochasticWeightAveraging
from reglab.regularizers.temperature_scaling import TemperatureScaling
from reglab.regularizers.weight_averaging import WeightAveraging
from reglab.regularizers.weight_decay import WeightDecay
from reglab.tracking import checkout
from reglab.tracking.record import About
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training import all_seeds, one_seed
from reglab.training.one_seed import Recipe, train_seed
from reglab.training.regularizer import name
from reglab.training.settings import Training

SETTINGS = params.load(Path(__file__).parents[3] / "params.yaml")
SEEDS, TUNING = 3, Tuning(seeds=2, settings=5, learning_rate=(0.005, 0.05))
TRAINING = Training(epochs=3, batch_size=16, learning_rate=0.01)
RANGES = {"strength": (0.001, 1.0)}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return blobs(folder, seeds=SEEDS, train_size=60, validation_size=30, test_size=30)


def recipe_of(technique) -> Recipe:
    return Recipe((technique, EarlyStopping(TRAINING.epochs)), MLP(width=4, depth=1), TRAINING)


@pytest.fixture
def tune(tmp_path, data, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))

    def run(technique=None, ranges=RANGES, data=data, clean=False) -> dict:
        recipe = recipe_of(technique or WeightDecay())
        names = [name(each) for each in recipe.regularizers]
        dataset = {"name": data.name, "fingerprint": data.fingerprint}
        settings = {names[0]: {}, "ranges": {key: list(values) for key, values in ranges.items()}}
        family = "tuned_clean" if clean else "tuned"
        about = About(family, names[0], names, dataset, settings, list(range(SEEDS)))
        tuned.run(recipe, ranges, TUNING, data, Stage(about, tmp_path / "runs", processes=1), clean=clean)
        return json.loads((tmp_path / "runs" / family / names[0] / "record.json").read_text())

    return run


def test_the_chosen_settings_are_the_best_on_validation_data_and_lie_within_the_ranges(tune):
    record = tune()
    means = [np.mean(tried["validation_accuracy"]) for tried in record["tries"]]
    assert len(means) == TUNING.settings and means[record["chosen"]["number"]] == max(means)
    assert record["chosen"]["settings"] == record["tries"][record["chosen"]["number"]]["settings"]
    assert record["search_seeds"] == [0, 1] and record["seeds"].keys() == {"0", "1", "2"}
    for tried in record["tries"]:
        assert 0.005 <= tried["settings"]["training"]["learning_rate"] <= 0.05
        assert 0.001 <= tried["settings"]["weight_decay"]["strength"] <= 1.0
        assert not any("test" in key for key in tried) and len(tried["validation_accuracy"]) == TUNING.seeds


def test_every_technique_has_the_same_budget_and_is_tried_at_the_same_learning_rates(tune):
    records = [tune(NoRegularizer(), {}), tune(), tune(KSparse(), {"active_units": (1, 4)})]
    rates = [[tried["settings"]["training"]["learning_rate"] for tried in record["tries"]] for record in records]
    assert rates[0] == rates[1] == rates[2] and len(set(rates[0])) == TUNING.settings
    for record in records:
        spent = {part: record["budget"][part] for part in ("trainings", "diverged", "epochs")}
        assert spent == {"trainings": 10, "diverged": 0, "epochs": 30}
        assert record["cost"]["search"] == pytest.approx(10 * record["cost"]["relative_to_none"])
        assert record["budget"]["flops"] == pytest.approx(10 * record["cost"]["flops"])
    units = {tried["settings"]["k_sparse"]["active_units"] for tried in records[2]["tries"]}
    assert units <= {1, 2, 3, 4} and all(type(each) is int for each in units) and len(units) > 2


@pytest.mark.parametrize(
    "technique",
    [NoRegularizer(), WeightAveraging(0.5), StochasticWeightAveraging(0.3), TemperatureScaling(), Dropout()],
)
def test_every_epoch_is_trained_and_the_weights_of_the_lowest_validation_loss_are_kept(technique, data, tmp_path):
    """The network is the one with which a training of so many epochs, and without a choice, ends."""
    split = data.split(0)
    recipe = recipe_of(technique)
    long = replace(recipe, training=replace(TRAINING, epochs=8, learning_rate=0.1))
    long = replace(long, regularizers=(technique, EarlyStopping(8)))
    for folder in ("chosen", "plain"):
        (tmp_path / folder).mkdir()
    train_seed(long, split, 0, tmp_path / "chosen")
    outcome, tensors = one_seed.finished_seed(tmp_path / "chosen", 0)
    written = (tmp_path / "chosen" / "seed-0.jsonl").read_text().splitlines()
    losses = [json.loads(line)["metrics"]["validation_nll"] for line in written]
    assert len(losses) == 8 == outcome["epochs"] and outcome["best_epoch"] == int(np.argmin(losses))
    if isinstance(technique, (NoRegularizer, WeightAveraging, Dropout)):
        short = replace(
            long, regularizers=(technique,), training=replace(long.training, epochs=int(np.argmin(losses)) + 1)
        )
        train_seed(short, split, 0, tmp_path / "plain")
        np.testing.assert_array_equal(
            one_seed.finished_seed(tmp_path / "plain", 0)[1]["predictions/test"], tensors["predictions/test"]
        )


class Permuted(Prepared):
    """The same data, but each test example has the label of another: the class of `blobs` is the row modulo 3."""

    def split(self, seed: int, clean: bool = False):
        split = super().split(seed, clean)
        others = np.random.default_rng(1).permutation(120)[split.rows["test"]]
        return replace(split, labels=split.labels | {"test": (others % 3).astype(split.labels["test"].dtype)})


def test_with_permuted_test_labels_the_chosen_settings_and_all_weights_are_the_same_bytes(tune, data, monkeypatch):
    """The files of all trainings are kept by a failure at the very end."""

    def trained(prepared: Prepared) -> tuple[dict, dict]:
        record = tune(data=prepared)
        with monkeypatch.context() as at_the_end:
            at_the_end.setattr("reglab.tracking.record.write", lambda *_, **__: (_ for _ in ()).throw(OSError("disk")))
            with pytest.raises(OSError, match="disk"):
                tune(data=prepared)
        [entry] = [path.parent for path in checkout.root().glob(".reglab/journal/*/seed-0.safetensors")]
        files = sorted(entry.rglob("*.safetensors"))
        assert len(files) == TUNING.settings * TUNING.seeds + SEEDS
        weights = {
            str(file.relative_to(entry)): {key: array for key, array in load_file(file).items() if key[:7] == "weights"}
            for file in files
        }
        for file in files:
            file.unlink()
        return record, weights

    permuted = Permuted(**{field: getattr(data, field) for field in data.__dataclass_fields__})
    (record, weights), (other, other_weights) = trained(data), trained(permuted)
    assert record["chosen"] == other["chosen"] and record["tries"] == other["tries"]
    scores = [[seed["metrics"]["test_accuracy"] for seed in each["seeds"].values()] for each in (record, other)]
    assert scores[0] != scores[1], "the labels of the test part do reach the evaluation"
    assert weights.keys() == other_weights.keys()
    for file, arrays in weights.items():
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, other_weights[file][key])


def test_on_right_labels_a_search_is_that_of_the_same_data_without_label_noise(tune, tmp_path):
    noisy, right = (
        blobs(tmp_path / str(noise), seeds=SEEDS, train_size=60, validation_size=30, test_size=30, label_noise=noise)
        for noise in (0.4, 0.0)
    )
    parts = ("seeds", "chosen", "tries", "budget")
    clean, same, spoiled = tune(data=noisy, clean=True), tune(data=right), tune(data=noisy)
    assert [clean[part] for part in parts] == [same[part] for part in parts]
    assert spoiled["tries"] != same["tries"]


def test_an_entry_of_tuned_other_network_trains_its_network_on_right_labels_and_says_so(tmp_path, data, monkeypatch):
    """It is the search of `tuned` in a study that has this network and no label noise."""
    other = replace(SETTINGS.tuned_other_network, model=ConvNet(width=2, depth=1))
    small = {"training": TRAINING, "tuning": TUNING, "tuned_other_network": other}
    noisy = replace(SETTINGS, **small, model=MLP(width=4, depth=1))
    right = replace(SETTINGS, **small, model=other.model, data=replace(SETTINGS.data, label_noise=0.0))
    clean = blobs(tmp_path / "right", seeds=SEEDS, train_size=60, validation_size=30, test_size=30, label_noise=0.0)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    records = []
    for family, settings, prepared in (("tuned_other_network", noisy, data), ("tuned", right, clean)):
        monkeypatch.setattr(tuned.prepared, "read", lambda _, prepared=prepared: prepared)
        tuned.run_entry(settings, StageBuilder(family, "mixup", list(range(SEEDS)), tmp_path / "runs", 1, {}))
        records.append(json.loads((tmp_path / "runs" / family / "mixup" / "record.json").read_text()))
    again, alone = records
    assert again["settings"] == alone["settings"] and again["settings"]["model"]["name"] == "convnet"
    assert all(again[part] == alone[part] for part in ("seeds", "chosen", "tries", "budget"))
    assert type(recipe_of_record(again).architecture) is ConvNet


def test_the_families_of_tuned_recipes_are_those_that_this_module_runs():
    assert sections(module="tuned") == STUDIES


def test_no_training_of_a_search_is_given_a_test_example(tune, data, monkeypatch):
    seen = []

    def watched(recipe, split, seed, folder, **how):
        if folder.name.startswith("variant-"):
            seen.append({row for rows in split.rows.values() for row in rows.tolist()} & test_rows(seed))
        one_seed.train_seed(recipe, split, seed, folder, **how)

    def test_rows(seed: int) -> set[int]:
        return set(data.split(seed).rows["test"].tolist())

    monkeypatch.setattr(searching, "train_seed", watched)
    monkeypatch.setattr("reglab.tracking.stage.run_all", called_here)
    tune()
    assert seen == [set()] * TUNING.settings * TUNING.seeds and len(test_rows(0)) == 30


def called_here(jobs, *, processes, progress):
    return [function(*arguments) for function, *arguments in jobs]


def test_the_record_is_that_of_the_chosen_recipe_by_itself_to_the_bit(tune, tmp_path, data):
    record = tune(L1(), RANGES)
    recipe = tuned.with_settings(recipe_of(L1()), record["chosen"]["settings"])
    dataset = {"name": data.name, "fingerprint": data.fingerprint}
    about = About("combinations", "alone", ["l1", "early_stopping"], dataset, {}, list(range(SEEDS)))
    alone = all_seeds.run(recipe, data, Stage(about, tmp_path / "runs", processes=1))
    assert record["seeds"] == alone["seeds"]
    one, other = (tmp_path / "runs" / folder for folder in ("tuned/l1", "combinations/alone"))
    assert (one / "predictions.safetensors").read_bytes() == (other / "predictions.safetensors").read_bytes()
    curves, all_curves = (read_csv(folder / "curves.csv", dtype=str) for folder in (one, other))
    assert set(all_curves) - set(curves) == {"train_nll", "train_accuracy"}, "its best epoch does not need them"
    assert curves.equals(all_curves[list(curves)])


def test_after_a_kill_no_training_is_done_again_and_the_record_is_the_same(tune, monkeypatch):
    first = tune()
    kill_at_the_end(tune, monkeypatch)
    assert tune() == first
