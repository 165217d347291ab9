"""A sweep: chosen on validation data alone, judged once, the same when it goes on after a kill."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from blobs import blobs
from killed import kill_at_the_end
from safetensors import safe_open
from safetensors.numpy import load_file

from reglab.experiments.tuning import search as searching
from reglab.experiments.tuning import sweep
from reglab.models.mlp import MLP
from reglab.regularizers.adversarial_training import AdversarialTraining
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.weight_averaging import WeightAveraging
from reglab.regularizers.weight_decay import WeightDecay
from reglab.tracking import checkout
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import all_seeds, one_seed
from reglab.training.one_seed import Recipe
from reglab.training.settings import Training

SEEDS, SEARCHED = 3, 2
TRAINING = Training(epochs=2, batch_size=16, learning_rate=0.01)
GRID = [{"strength": strength} for strength in (1.0, 0.01, 0.1)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return blobs(folder, seeds=SEEDS, train_size=60, validation_size=30, test_size=30)


@pytest.fixture
def swept(tmp_path, data, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))

    def run(technique=None, grid=GRID, name="weight_decay", data=data) -> dict:
        recipe = Recipe((technique or WeightDecay(),), MLP(width=4, depth=1), TRAINING)
        dataset = {"name": data.name, "fingerprint": data.fingerprint}
        about = About("sweeps", name, [name], dataset, {name: {}, "grid": grid}, list(range(SEEDS)))
        sweep.run(recipe, grid, SEARCHED, data, Stage(about, tmp_path / "runs", processes=1))
        return json.loads((tmp_path / "runs" / "sweeps" / name / "record.json").read_text())

    return run


def test_the_chosen_point_has_the_best_validation_accuracy_and_is_tested_on_every_seed(swept):
    record = swept()
    means = [np.mean(point["validation_accuracy"]) for point in record["grid"]]
    assert [point["settings"] for point in record["grid"]] == GRID and len(set(means)) > 1
    assert means[record["chosen"]["number"]] == max(means)
    assert record["chosen"]["settings"] == GRID[record["chosen"]["number"]]
    assert record["seeds"].keys() == {"0", "1", "2"} and record["summary"]["test_accuracy"]["mean"] > 0


def test_what_is_reported_is_the_chosen_point_and_not_the_first_and_the_search_is_paid_for(
    swept, data, tmp_path, monkeypatch
):
    """The second of two points, which takes three steps of an attack where the first takes one."""
    monkeypatch.setattr("reglab.experiments.tuning.search.best", lambda tried, metric: 1)
    grid = [{"steps": 1}, {"steps": 3}]
    boxed = replace(data, tensors=data.tensors | {"inputs": data.tensors["inputs"].clip(0, 1)})
    record = swept(AdversarialTraining(epsilon=0.1), grid, "adversarial_training", boxed)
    assert record["chosen"] == {"number": 1, "settings": {"steps": 3}} and record["numbers"] == {"chosen/steps": 3}
    recipes = [Recipe((AdversarialTraining(epsilon=0.1, **point),), MLP(width=4, depth=1), TRAINING) for point in grid]
    dataset = {"name": data.name, "fingerprint": data.fingerprint}
    about = About("regularizers", "alone", ["adversarial_training"], dataset, {}, list(range(SEEDS)))
    alone = all_seeds.run(recipes[1], boxed, Stage(about, tmp_path / "runs", processes=1))
    first = all_seeds.run(recipes[0], boxed, Stage(replace(about, name="first"), tmp_path / "runs", processes=1))
    assert record["seeds"] == alone["seeds"] != first["seeds"]
    costs = [each["cost"]["relative_to_none"] for each in (first, alone)]
    assert record["cost"]["relative_to_none"] == costs[1] != costs[0]
    assert record["cost"]["search"] == pytest.approx(SEARCHED * sum(costs), rel=1e-12)


def test_of_equal_accuracies_the_lower_validation_loss_is_chosen_and_a_diverged_point_never():
    def point(accuracy, nll):
        return {"validation_accuracy": accuracy, "validation_nll": nll}

    tried = {0: point([0.9, 0.7], [0.5, 0.5]), 1: point([0.8, 0.8], [0.4, 0.5]), 2: point([1.0, None], [0.1, None])}
    assert searching.best(tried) == 1
    assert searching.best({0: tried[2], 1: point([0.1, 0.1], [9.0, 9.0])}) == 1


def test_a_search_by_the_loss_chooses_the_lower_and_one_by_a_fraction_the_higher():
    def point(nll, auroc):
        return {"validation_nll": [nll, nll], "validation_auroc": [auroc, auroc], "validation_accuracy": [0.5, 0.9]}

    diverged = {"validation_nll": [0.1, None], "validation_auroc": [1.0, None]}
    tried = {0: point(0.5, 0.9), 1: point(0.4, 0.8), 2: diverged}
    assert [searching.best(tried, metric) for metric in ("nll", "auroc")] == [1, 0]
    assert searching.best({0: point(0.5, 0.9), 1: point(0.4, 0.9)}, "auroc") == 1  # of equals the lower loss


def test_the_expected_best_of_losses_is_the_expected_lowest():
    values = [0.3, 0.5, 0.9, 0.5]
    assert sweep.expected_best(values, -1) == pytest.approx([-x for x in sweep.expected_best([-v for v in values])])
    assert sweep.expected_best([0.3, float("inf")], -1) == [None, None]


@pytest.mark.parametrize(
    ("one", "other"), [((287, 280, 281), (288, 271, 289)), ((270, 300, 276), (281, 280, 285)), ((3, 5), (4, 4))]
)
def test_equal_counts_are_equal_accuracies_though_their_means_round_apart(one, other):
    def counted(right, loss):
        return {"validation_accuracy": [count / 300 for count in right], "validation_nll": [loss] * len(right)}

    for first, second in ((one, other), (other, one)):
        assert searching.best({0: counted(first, 0.5), 1: counted(second, 0.4)}) == 1
        assert searching.best({0: counted(first, 0.4), 1: counted(second, 0.5)}) == 0


def test_the_search_is_given_no_test_part(swept, monkeypatch):
    seen = []

    def watched(recipe, split, seed, folder, **how):
        seen.append((folder.name, "test" in split.inputs or "test" in split.labels or "test" in split.rows))
        one_seed.train_seed(recipe, split, seed, folder, **how)

    monkeypatch.setattr(searching, "train_seed", watched)
    monkeypatch.setattr("reglab.tracking.stage.run_all", called_here)
    record = swept()
    search = [tests for folder, tests in seen if folder.startswith("variant-")]
    assert search == [False] * len(GRID) * SEARCHED
    assert [tests for folder, tests in seen if not folder.startswith("variant-")] == [True] * (SEEDS - SEARCHED)
    assert not any("test" in key for point in record["grid"] for key in point)


def called_here(jobs, *, processes, progress):
    return [function(*arguments) for function, *arguments in jobs]


@pytest.mark.parametrize("technique", [WeightDecay(0.01), WeightAveraging(0.5), Dropout(0.1, 0.2, "arithmetic", 4)])
def test_the_record_is_that_of_the_chosen_recipe_by_itself_to_the_bit(swept, technique, tmp_path, data):
    name = type(technique).__module__.rpartition(".")[2]
    swept(technique, grid=[{}], name=name)
    recipe = Recipe((technique,), MLP(width=4, depth=1), TRAINING)
    dataset = {"name": data.name, "fingerprint": data.fingerprint}
    about = About("regularizers", name, [name], dataset, {name: {}}, list(range(SEEDS)))
    all_seeds.run(recipe, data, Stage(about, tmp_path / "runs", processes=1))
    one, other = (tmp_path / "runs" / family / name for family in ("sweeps", "regularizers"))
    assert (one / "curves.csv").read_bytes() == (other / "curves.csv").read_bytes()
    assert (one / "predictions.safetensors").read_bytes() == (other / "predictions.safetensors").read_bytes()
    records = [json.loads((folder / "record.json").read_text()) for folder in (one, other)]
    assert records[0]["seeds"] == records[1]["seeds"] and records[0]["summary"] == records[1]["summary"]
    assert records[0]["cost"] == records[1]["cost"] | {"search": SEARCHED * records[1]["cost"]["relative_to_none"]}
    assert not (one / "weights").exists()


def test_after_a_kill_no_training_is_done_again_and_the_record_is_the_same(swept, monkeypatch):
    first = swept()
    kill_at_the_end(swept, monkeypatch)
    assert swept() == first


def test_a_searched_training_holds_no_test_predictions(swept, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "reglab.tracking.record.write", lambda *arguments, **keywords: (_ for _ in ()).throw(OSError("disk"))
    )
    with pytest.raises(OSError, match="disk"):
        swept()
    [entry] = [path.parent for path in checkout.root().glob(".reglab/journal/*/seed-0.safetensors")]
    searched = list(entry.glob("variant-*/*.safetensors"))
    assert len(searched) == len(GRID) * SEARCHED
    for path in searched:
        with safe_open(path, "numpy") as file:
            assert "predictions/validation" in file.keys() and "predictions/test" not in file.keys()  # noqa: SIM118
    assert "predictions/test" in load_file(entry / "seed-0.safetensors")


@pytest.mark.parametrize("values", [[0.1, 0.5, 0.9], [0.3, 0.3, 0.7, 0.2], [0.4], [0.0, 0.0]])
def test_the_expected_best_is_the_mean_over_all_draws(values):
    every = [np.mean([max(drawn) for drawn in product(values, repeat=k)]) for k in range(1, len(values) + 1)]
    np.testing.assert_allclose(sweep.expected_best(values), every, rtol=1e-12)
