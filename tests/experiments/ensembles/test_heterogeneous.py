"""The best recipes together: chosen on validation data, the very networks that were judged, saved and loaded as one."""

import csv
import json
from dataclasses import replace

import pytest
import torch
from blobs import blobs
from safetensors.torch import load_file

from reglab.config import params
from reglab.core.errors import UserError
from reglab.experiments.ensembles import run as ensembling
from reglab.experiments.ensembles.ensemble_network import ensemble_network
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.experiments.ensembles.methods.heterogeneous import Heterogeneous
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.none import NoRegularizer
from reglab.regularizers.weight_averaging import WeightAveraging
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import all_seeds
from reglab.training.one_seed import Recipe
from reglab.training.restore import recipe_network

PLAIN = Recipe((), MLP(width=8, depth=1), params.Training(epochs=3, batch_size=16, learning_rate=0.01))
RECIPES = {
    "none": replace(PLAIN, regularizers=(NoRegularizer(),)),
    "dropout": replace(PLAIN, regularizers=(Dropout(0.1, 0.3, "arithmetic", 3),)),
    "averaged": replace(PLAIN, regularizers=(WeightAveraging(0.5),)),
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder of a study with the trained RECIPES, its data, and the published ensemble of them all."""
    root = tmp_path_factory.mktemp("study")
    data = blobs(root / "data", seeds=2, train_size=60, validation_size=24, test_size=36)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(root))
        for name, recipe in RECIPES.items():
            all_seeds.run(recipe, data, Stage(about("regularizers", name, data), root / "runs", processes=2))
        chosen = {each["name"]: RECIPES[each["name"]] for each in Heterogeneous(members=3).choose(folders(root))}
        stage = Stage(about("ensembles", "heterogeneous", data), root / "runs", processes=2)
        content = ensembling.run(Heterogeneous(members=3), PLAIN, data, stage, chosen=chosen)
    return root, data, content


def about(family, name, data):
    return About(family, name, [name], {"name": data.name, "fingerprint": data.fingerprint}, {name: {}}, [0, 1])


def folders(root, names=RECIPES):
    return {name: root / "runs" / "regularizers" / name for name in names}


def published(root, name, **metrics):
    """A record whose seeds have these numbers (a validation loss of 0.5 unless given), and no weights."""
    folder = root / name
    (folder / "weights").mkdir(parents=True)
    seeds = {str(seed): {"status": "finished", "metrics": {"validation_nll": 0.5}} for seed in range(2)}
    for metric, values in metrics.items():
        for seed, value in enumerate(values):
            seeds[str(seed)]["metrics"][metric] = value
            seeds[str(seed)]["status"] = "diverged" if value is None else "finished"
    (folder / "record.json").write_text(json.dumps({"seeds": seeds}))
    return folder


def test_members_are_chosen_by_the_mean_validation_accuracy_whatever_the_test_says(tmp_path):
    records = {
        "b": published(tmp_path, "b", validation_accuracy=[0.8, 0.9], test_accuracy=[0.1, 0.1]),
        "a": published(tmp_path, "a", validation_accuracy=[0.9, 0.8], test_accuracy=[0.2, 0.2]),
        "tested": published(tmp_path, "tested", validation_accuracy=[0.99, 0.1], test_accuracy=[1.0, 1.0]),
        "best": published(tmp_path, "best", validation_accuracy=[0.9, 0.9], test_accuracy=[0.0, 0.0]),
        "lost": published(tmp_path, "lost", validation_accuracy=[1.0, None]),
    }
    chosen = Heterogeneous(members=3).choose(records)
    assert [each["name"] for each in chosen] == ["best", "a", "b"] and chosen[0]["validation_accuracy"] == 0.9
    with pytest.raises(
        UserError, match=r"members: found 5; allowed: at most 4, the recipes under regularizers that fin"
    ):
        Heterogeneous(members=5).choose(records)
    assert Bagging().choose(records) == []


def test_members_are_chosen_by_the_metric_that_decides_of_losses_the_lowest(tmp_path):
    records = {
        name: published(tmp_path, name, validation_nll=[loss, loss], validation_auroc=[area, area])
        for name, loss, area in (("a", 0.3, 0.7), ("b", 0.2, 0.6), ("c", 0.4, 0.9))
    }
    by_loss, by_area = (Heterogeneous(members=2).choose(records, metric) for metric in ("nll", "auroc"))
    assert [(each["name"], each["validation_nll"]) for each in by_loss] == [("b", 0.2), ("a", 0.3)]
    assert [(each["name"], each["validation_auroc"]) for each in by_area] == [("c", 0.9), ("a", 0.7)]


def test_of_recipes_with_equal_counts_the_one_with_the_lower_loss_comes_first_then_the_lower_name(tmp_path):
    """562 of 600 each, in doubles whose means are apart by 1e-16."""
    one, other = [288 / 300, 274 / 300], [283 / 300, 279 / 300]
    assert sum(one) != sum(other)
    losses = {"c": (one, 0.4), "b": (other, 0.3), "d": (other, 0.4), "a": (one, 0.5)}
    records = {
        name: published(tmp_path, name, validation_accuracy=accuracies, validation_nll=[nll, nll])
        for name, (accuracies, nll) in losses.items()
    }
    assert [each["name"] for each in Heterogeneous(members=4).choose(records)] == ["b", "c", "d", "a"]


def test_other_weights_of_a_member_change_what_was_chosen(tmp_path):
    record = {"a": published(tmp_path, "a", validation_accuracy=[0.9, 0.8])}
    before = Heterogeneous(members=1).choose(record)
    (tmp_path / "a" / "weights" / "seed-0.safetensors").write_bytes(b"other")
    assert Heterogeneous(members=1).choose(record) != before == before


def test_the_members_are_the_networks_that_the_recipes_records_judged(study):
    root, data, content = study
    assert sorted(content["chosen"]) == sorted(RECIPES)
    split, chosen = data.split(1), [RECIPES[name] for name in content["chosen"]]
    folder = root / "runs" / "ensembles" / "heterogeneous"
    committee = ensemble_network(Heterogeneous(members=3), PLAIN, chosen, folder, split, 1)
    predicted = committee.members(torch.as_tensor(split.inputs["test"]))
    for name, predictions in zip(content["chosen"], predicted, strict=True):
        record = load_file(folders(root)[name] / "predictions.safetensors")["test_predictions"][1]
        assert torch.allclose(predictions, record, atol=1e-6)
        network = recipe_network(RECIPES[name], folders(root)[name], split, 1)
        assert torch.allclose(predictions, network(torch.as_tensor(split.inputs["test"])).softmax(1), atol=1e-6)
    together = load_file(folder / "predictions.safetensors")["test_predictions"][1]
    assert torch.allclose(together, predicted.mean(0), atol=1e-6)


def test_it_costs_what_its_members_cost_and_predicts_in_their_passes(study):
    root, _, content = study
    costs = [json.loads((folder / "record.json").read_text())["cost"] for folder in folders(root).values()]
    assert content["cost"]["flops"] == sum(cost["flops"] for cost in costs)
    assert content["cost"]["relative_to_none"] == pytest.approx(sum(cost["relative_to_none"] for cost in costs))
    assert content["cost"]["prediction_passes"] == 1 + 3 + 1  # dropout averages three masks


def test_members_csv_begins_with_the_best_recipe_alone(study):
    root, _, content = study
    rows = csv.DictReader((root / "runs" / "ensembles" / "heterogeneous" / "members.csv").open())
    first = {row["seed"]: float(row["test_accuracy"]) for row in rows if row["members"] == "1"}
    for seed, outcome in content["seeds"].items():
        assert first[seed] == pytest.approx(outcome["metrics"]["best_recipe_test_accuracy"], abs=1e-6)
        best = json.loads((folders(root)[content["chosen"][0]] / "record.json").read_text())
        assert best["seeds"][seed]["metrics"]["test_accuracy"] == pytest.approx(first[seed], abs=1e-6)


def test_the_best_recipe_stands_in_the_figure_beside_the_ensemble(study):
    root, _, _ = study
    assert "best recipe" in (root / "runs" / "ensembles" / "heterogeneous" / "figure.svg").read_text()
