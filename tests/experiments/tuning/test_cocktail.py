"""A cocktail: searched on validation data alone, then taken apart; the same twice."""

import json
from dataclasses import replace

import numpy as np
import pytest
from blobs import blobs
from killed import kill_at_the_end

from reglab.core.streams import seed_of
from reglab.evaluation.metric_table import names_of
from reglab.experiments.tuning import cocktail
from reglab.experiments.tuning.settings import Cocktail, Tuning
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.regularizers.input_noise import InputNoise
from reglab.regularizers.k_sparse import KSparse
from reglab.regularizers.mixup import Mixup
from reglab.regularizers.placebo import Placebo
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import one_seed
from reglab.training.all_seeds import finished_with_metrics
from reglab.training.one_seed import Recipe
from reglab.training.regularizer import name
from reglab.training.settings import Training

SEEDS, SEARCHED = 2, 1
TRAINING = Training(epochs=2, batch_size=16, learning_rate=0.01)
BEST_EPOCH = EarlyStopping(patience=2)
RECIPE = Recipe((BEST_EPOCH,), MLP(width=4, depth=1), TRAINING)
TUNING = Tuning(seeds=SEARCHED, learning_rate=(0.001, 0.1))
RATE = {"training": {"learning_rate": 0.02}}
SEARCH = Cocktail({"placebo": {}, "input_noise": {"std": (0.01, 0.5)}}, trials=6)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return blobs(folder, seeds=SEEDS, train_size=60, validation_size=30, test_size=30)


@pytest.fixture
def mixed(tmp_path, data, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))

    def run(*techniques, search=SEARCH) -> dict:
        base = {name(technique): technique for technique in techniques}
        names = list(base)
        dataset = {"name": data.name, "fingerprint": data.fingerprint}
        about = About("cocktails", "stacked", names, dataset, {each: {} for each in names}, list(range(SEEDS)))
        cocktail.run(RECIPE, base, search, TUNING, data, Stage(about, tmp_path / "runs", processes=1))
        return json.loads((tmp_path / "runs" / "cocktails" / "stacked" / "record.json").read_text())

    return run


def always(*wanted):
    """In the place of Optuna's proposals: these ingredients, one after the other, with the same learning rate."""
    waiting = iter(wanted)
    return lambda *_: RATE | next(waiting)


def test_the_same_search_twice_leaves_the_same_bytes(mixed, tmp_path):
    path = tmp_path / "runs" / "cocktails" / "stacked" / "record.json"
    mixed(Placebo(), InputNoise())
    first = path.read_bytes()
    record = mixed(Placebo(), InputNoise())
    assert path.read_bytes() == first
    assert [trial["number"] for trial in record["trials"]] == [*range(6)] and record["trials"][0]["settings"] == {}
    assert len({json.dumps(trial["settings"]) for trial in record["trials"]}) > 2
    rates = [trial["training"]["learning_rate"] for trial in record["trials"]]
    assert rates[0] == TRAINING.learning_rate and len(set(rates)) == 6
    assert all(TUNING.learning_rate[0] <= rate <= TUNING.learning_rate[1] for rate in rates)


def test_the_best_is_the_highest_on_validation_data_and_trials_know_no_test(mixed):
    record = mixed(Placebo(), InputNoise())
    means = [np.mean(trial["validation_accuracy"]) for trial in record["trials"]]
    assert means[record["best"]["number"]] == max(means)
    chosen = record["trials"][record["best"]["number"]]
    assert record["best"] == {key: chosen[key] for key in ("number", "settings", "training")}
    assert {"bias_squared", "variance"} <= record["summary"].keys(), "of what the best predicts"
    assert not any("test" in key for trial in record["trials"] for key in trial)


def test_a_placebo_adds_exactly_nothing_and_alone_is_none(mixed, monkeypatch):
    both = {"placebo": {}, "input_noise": {"std": 0.3}}
    monkeypatch.setattr(cocktail, "proposed", always({}, both))
    monkeypatch.setattr("reglab.experiments.tuning.search.best", lambda tried, metric: 1)
    record = mixed(Placebo(), InputNoise(), search=Cocktail(SEARCH.ingredients, trials=2))
    seeds = [seed["metrics"] for seed in record["seeds"].values()]
    assert len(seeds) == SEEDS
    for seed in seeds:
        assert seed["test_accuracy"] == seed["test_accuracy@without_placebo"] == seed["test_accuracy@only_input_noise"]
        assert seed["test_nll"] == seed["test_nll@without_placebo"] != seed["test_nll@only_placebo"]
        assert seed["test_nll@only_placebo"] == seed["test_nll@without_input_noise"] == seed["test_nll@none"]
    assert record["left_out"] == []


def test_the_search_is_paid_for_once_a_recipe_and_the_numbers_are_those_of_the_best(mixed, monkeypatch):
    """Three trials, two of them alike: as many trainings as there are different ones; noise on inputs costs nothing."""
    loud, quiet = {"input_noise": {"std": 5.0}}, {"input_noise": {"std": 0.1}}
    monkeypatch.setattr(cocktail, "proposed", always(loud, quiet, loud))
    monkeypatch.setattr("reglab.experiments.tuning.search.best", lambda tried, metric: 1)
    record = mixed(InputNoise(), search=Cocktail({"input_noise": {"std": (0.1, 5.0)}}, trials=3))
    assert record["cost"]["search"] == pytest.approx(2 * SEARCHED) and record["cost"]["relative_to_none"] == 1.0
    assert record["best"] == {"number": 1, "settings": quiet} | RATE
    for seed in record["seeds"].values():
        assert seed["metrics"]["test_nll"] == seed["metrics"]["test_nll@only_input_noise"]


def test_left_out_ingredients_are_recorded_and_an_empty_best_has_no_parts(mixed, monkeypatch):
    monkeypatch.setattr(cocktail, "proposed", always({}, {}))
    record = mixed(Placebo(), InputNoise(), search=Cocktail(SEARCH.ingredients, trials=2))
    assert record["left_out"] == ["placebo", "input_noise"] and record["best"] == {"number": 0, "settings": {}} | RATE
    assert not any("@" in metric for seed in record["seeds"].values() for metric in seed["metrics"])


def test_after_a_kill_no_training_is_done_again(mixed, monkeypatch):
    first = mixed(Placebo(), InputNoise())
    kill_at_the_end(lambda: mixed(Placebo(), InputNoise()), monkeypatch)
    assert mixed(Placebo(), InputNoise()) == first


def test_the_order_of_the_ingredients_is_the_order_of_application():
    base = {"mixup": Mixup(), "dropout": Dropout(), "input_noise": InputNoise()}
    mixed = cocktail.with_ingredients(RECIPE, base, {"input_noise": {"std": 0.2}, "mixup": {"alpha": 1.0}} | RATE)
    assert mixed.regularizers == (Mixup(1.0), InputNoise(0.2), BEST_EPOCH) and mixed.training.learning_rate == 0.02


def test_taken_apart_is_each_left_out_each_alone_and_none_with_the_same_training():
    assert cocktail.taken_apart(RATE | {"a": {"x": 1}, "b": {"y": 2}}) == {
        "without_a": RATE | {"b": {"y": 2}},
        "without_b": RATE | {"a": {"x": 1}},
        "only_a": RATE | {"a": {"x": 1}},
        "only_b": RATE | {"b": {"y": 2}},
        "none": RATE,
    }
    assert cocktail.taken_apart(RATE) == {}


def test_every_part_has_the_learning_rate_of_the_best_and_keeps_its_best_epoch(mixed, monkeypatch, data, tmp_path):
    both = {"placebo": {}, "input_noise": {"std": 0.3}}
    monkeypatch.setattr(cocktail, "proposed", always({}, both))
    monkeypatch.setattr("reglab.experiments.tuning.search.best", lambda tried, metric: 1)
    record = mixed(Placebo(), InputNoise(), search=Cocktail(SEARCH.ingredients, trials=2))
    plain = Recipe((BEST_EPOCH,), RECIPE.architecture, replace(TRAINING, learning_rate=0.02))
    noisy = replace(plain, regularizers=(InputNoise(0.3), BEST_EPOCH))
    for way, recipe in (("none", plain), ("only_input_noise", noisy)):
        folder = tmp_path / way
        folder.mkdir()
        one_seed.train_seed(recipe, data.split(1), 1, folder)
        outcome, _ = finished_with_metrics(folder, 1, data.split(1), ("test_nll",))
        assert record["seeds"]["1"]["metrics"][f"test_nll@{way}"] == outcome["metrics"]["test_nll"]


def test_a_learning_rate_outside_the_range_is_not_that_of_the_first_trial(mixed, monkeypatch):
    monkeypatch.setattr("test_cocktail.TUNING", replace(TUNING, learning_rate=(0.02, 0.1)))
    rates = [trial["training"]["learning_rate"] for trial in mixed(Placebo(), InputNoise())["trials"]]
    assert all(0.02 <= rate <= 0.1 for rate in rates)


def test_settings_lie_within_their_ranges_whole_where_they_must_be_and_wide_ones_are_drawn_by_magnitude():
    import optuna

    ranges = {"k_sparse": {"active_units": (2, 64)}, "input_noise": {"std": (0.001, 1.0)}}
    base = {"k_sparse": KSparse(), "input_noise": InputNoise()}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [cocktail.proposed(study.ask(), RECIPE, base, TUNING, ranges) for _ in range(400)]
    rates = [each["training"]["learning_rate"] for each in drawn]
    assert min(rates) >= 0.001 and max(rates) <= 0.1 and 0.005 < np.median(rates) < 0.02
    units = [each["k_sparse"]["active_units"] for each in drawn if "k_sparse" in each]
    stds = [each["input_noise"]["std"] for each in drawn if "input_noise" in each]
    assert {type(each) for each in units} == {int} and min(units) >= 2 and max(units) <= 64
    assert min(stds) >= 0.001 and max(stds) <= 1.0
    assert 0.01 < np.median(stds) < 0.1  # 0.032 on a logarithmic scale, 0.5 on a plain one
    assert all(each == float(f"{each:.3g}") for each in stds)


def test_a_search_is_optunas_parzen_estimator_that_begins_with_nothing_and_hears_the_validation_accuracy(
    tmp_path, monkeypatch
):
    import optuna

    asked, studies, create = [], [], optuna.create_study
    sampler = optuna.samplers.TPESampler
    monkeypatch.setattr(optuna.samplers, "TPESampler", lambda **given: asked.append(given) or sampler(**given))
    monkeypatch.setattr(optuna, "create_study", lambda **given: studies.append(create(**given)) or studies[0])
    tried = []

    def try_all(recipes, splits, entry, stage, title, *, log_every_epoch):
        [(trial_name, recipe)] = recipes.items()
        *noises, last = recipe.regularizers
        assert last is BEST_EPOCH and not log_every_epoch
        tried.append((trial_name, tuple(noises), splits, entry, stage, title))
        accuracy = 0.5 + sum(noise.std for noise in noises)
        return {trial_name: {"validation_accuracy": [accuracy, accuracy + 0.2]}}

    monkeypatch.setattr(cocktail, "try_all", try_all)
    stage = Stage(About("cocktails", "mine", [], {}, {}, [0]), tmp_path)
    search, base = Cocktail({"input_noise": {"std": (0.1, 0.4)}}, trials=7), {"input_noise": InputNoise()}
    settings, scores = cocktail.explore(RECIPE, base, search, TUNING, {0: "split"}, tmp_path, stage)
    assert asked == [{"seed": seed_of("cocktail", "mine"), "n_startup_trials": 3}]
    assert studies[0].direction == optuna.study.StudyDirection.MAXIMIZE
    assert settings[0] == {"training": {"learning_rate": 0.01}} and len(settings) == len(scores) == 7
    means = [0.6 + sum(values.get("std", 0.0) for values in each.values()) for each in settings]
    assert [trial.value for trial in studies[0].trials] == pytest.approx(means)
    assert [np.mean(scores[number]["validation_accuracy"]) for number in range(7)] == pytest.approx(means)
    assert [trial for trial, *_ in tried] == [f"trial-{number}" for number in range(7)]
    number = next(number for number in range(7) if "input_noise" in settings[number])
    assert tried[number][1:] == (
        (InputNoise(settings[number]["input_noise"]["std"]),),
        *({0: "split"}, tmp_path, stage, f"mine, trial {number}"),
    )


def test_parts_have_the_numbers_that_are_kept_and_none_where_the_best_diverged(tmp_path, data):
    split = data.split(0)
    for way, noise in (("without_a", 0.0), ("only_a", 9.0)):
        recipe = Recipe((InputNoise(noise),), RECIPE.architecture, TRAINING)
        one_seed.train_seed(recipe, split, 0, cocktail.variant_folder(tmp_path, way))
    best = {"status": "finished", "epochs": 2, "metrics": {"test_accuracy": 0.5, "test_nll": 1.0}}
    result = cocktail.with_parts(best, tmp_path, 0, split, {"without_a": None, "only_a": None})
    assert result.keys() == best.keys() and (result["status"], result["epochs"]) == ("finished", 2)
    names = {
        f"{metric}@{way}"
        for metric in cocktail.KEPT
        if metric[5:] in names_of("classification")
        for way in ("without_a", "only_a")
    }
    assert result["metrics"].keys() == names | best["metrics"].keys() and result["metrics"]["test_accuracy"] == 0.5
    assert result["metrics"]["test_nll@without_a"] < result["metrics"]["test_nll@only_a"]
    diverged = {"status": "diverged", "metrics": {}}
    assert cocktail.with_parts(diverged, tmp_path, 0, split, {"only_a": None}) == diverged
    assert best["metrics"] == {"test_accuracy": 0.5, "test_nll": 1.0}, "what was given stays"
