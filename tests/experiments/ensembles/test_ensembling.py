"""An ensemble's record: complete, the same twice, from members that are trained once."""

import csv
import itertools
import json
import time
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from blobs import blobs
from safetensors.torch import load_file
from study_elsewhere import Threads

from reglab.config import params
from reglab.core import plain
from reglab.core.errors import UserError
from reglab.core.tasks import Classification
from reglab.data.prepared import Split
from reglab.evaluation.bias_variance import resampled_split
from reglab.experiments.ensembles import member_cache, members
from reglab.experiments.ensembles import run as ensembling
from reglab.experiments.ensembles.base import Committee, stream
from reglab.experiments.ensembles.ensemble_network import untrained
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.experiments.ensembles.methods.boosting import Boosting
from reglab.experiments.ensembles.methods.deep_ensemble import DeepEnsemble
from reglab.experiments.ensembles.methods.dropout_average import DropoutAverage
from reglab.models.mlp import MLP
from reglab.regularizers.none import NoRegularizer
from reglab.runtime.compute.elsewhere import Elsewhere, JobBuilder
from reglab.tracking import checkout
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training import all_seeds, one_seed
from reglab.training.one_seed import Recipe

RECIPE = Recipe((), MLP(width=8, depth=1), params.Training(epochs=3, batch_size=16, learning_rate=0.01))
ALL = [Bagging(members=3), DeepEnsemble(members=3), Boosting(members=3, width=4, epochs=3), DropoutAverage(members=4)]


def name_of(ensemble):
    return plain.entry_name(ensemble)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return blobs(tmp_path_factory.mktemp("data"), seeds=2, train_size=60, validation_size=24, test_size=36)


def about(family, name, data, settings):
    return About(family, name, [name], {"name": data.name, "fingerprint": data.fingerprint}, settings, [0, 1])


def published(ensemble, recipe, data, root, compute=None, seeds=(0, 1)):
    of = about("ensembles", name_of(ensemble), data, {name_of(ensemble): plain.settings(ensemble)})
    of = replace(of, seeds=list(seeds))
    ensembling.run(ensemble, recipe, data, Stage(of, root / "runs", processes=2, compute=compute))
    return root / "runs" / "ensembles" / name_of(ensemble)


@pytest.fixture
def run(tmp_path, data, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return lambda ensemble, recipe=RECIPE: published(ensemble, recipe, data, tmp_path)


@pytest.fixture(scope="module", params=ALL, ids=name_of)
def each(request, data, tmp_path_factory):
    """An ensemble of each kind and its published folder."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp(name_of(request.param))
        patch.setenv("DVC_ROOT", str(root))
        return request.param, published(request.param, RECIPE, data, root)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_boosting_on_another_machine_has_the_members_of_this_one_and_trains_none_here(data, tmp_path, monkeypatch):
    boosting, records = Boosting(members=3, width=4, epochs=3), []
    for compute in (None, Elsewhere(Threads(), JobBuilder("ensemble@boosting", "", tmp_path))):
        root = tmp_path / str(len(records))
        root.mkdir()
        (root / "params.yaml").touch()
        monkeypatch.setenv("DVC_ROOT", str(root))
        monkeypatch.chdir(root)
        records.append(files(published(boosting, RECIPE, data, root, compute, seeds=[0])))
        monkeypatch.delattr(one_seed, "run_trainer", raising=False)  # from now on forked processes cannot train
    assert records[0] == records[1]


def test_boosting_of_which_a_member_is_missing_is_not_trained_and_asking_trains_nothing(
    run, data, tmp_path, monkeypatch
):
    boosting = Boosting(members=3, width=4, epochs=3)
    run(boosting)
    monkeypatch.delattr(one_seed, "run_trainer")
    [cache] = (tmp_path / ".reglab" / "members").iterdir()
    case = boosting, boosting.member_recipe(RECIPE), data.split(0), 0, cache
    assert members.are_trained(*case)
    [last] = cache.glob("0-2-*/*.safetensors")
    last.unlink()
    assert not members.are_trained(*case)


def rows_of(folder):
    return list(csv.DictReader((folder / "members.csv").open()))


def test_a_record_is_complete_and_says_the_same_everywhere(each, data):
    ensemble, folder = each
    content = json.loads((folder / "record.json").read_text())
    assert content["family"] == "ensembles" and content["cost"]["prediction_passes"] == ensemble.members
    predictions = load_file(folder / "predictions.safetensors")
    right = predictions["test_predictions"].argmax(2) == predictions["test_labels"]
    rows = {(row["seed"], row["combine"], int(row["members"])): row for row in rows_of(folder)}
    numbers = range(1, ensemble.members + 1)
    assert rows.keys() == set(itertools.product(("0", "1", "all"), ensemble.rules, numbers))
    for seed in (0, 1):
        metrics = content["seeds"][str(seed)]["metrics"]
        last = rows[str(seed), ensemble.combine, ensemble.members]
        assert metrics["test_accuracy"] == pytest.approx(right[seed].double().mean().item())
        for name in ("test_accuracy", "test_nll", "test_brier", "test_ece", "validation_accuracy", "disagreement"):
            assert float(last[name]) == pytest.approx(metrics[name], rel=1e-5)
        first = rows[str(seed), "average", 1]
        assert float(first["test_accuracy"]) == pytest.approx(metrics["first_member_test_accuracy"], rel=1e-5)
        predicted = predictions["test_predictions"][seed]
        loaded = untrained(ensemble, ensemble.member_recipe(RECIPE), [], data.split(seed), seed)
        loaded.load_state_dict(load_file(folder / "weights" / f"seed-{seed}.safetensors"))
        assert torch.allclose(
            loaded.predictions(torch.as_tensor(data.split(seed).inputs["test"])), predicted, atol=1e-6
        )
    assert b"<svg" in (folder / "figure.svg").read_bytes()


@pytest.mark.parametrize("ensemble", ALL, ids=name_of)
def test_members_with_batch_normalization_predict_from_the_record_as_they_were_judged(run, data, ensemble):
    recipe = replace(RECIPE, architecture=MLP(width=8, depth=2, normalization="batch", residual=True))
    folder = run(ensemble, recipe)
    loaded = untrained(ensemble, ensemble.member_recipe(recipe), [], data.split(1), 1)
    loaded.load_state_dict(load_file(folder / "weights" / "seed-1.safetensors"))
    told = load_file(folder / "predictions.safetensors")["test_predictions"][1]
    assert torch.allclose(loaded.predictions(torch.as_tensor(data.split(1).inputs["test"])), told, atol=1e-6)
    steps = {value.item() for name, value in loaded.state_dict().items() if name.endswith("num_batches_tracked")}
    assert steps == {3 * 4}  # three epochs of four batches


def test_a_members_examples_keep_their_true_labels(data):
    split, rows = data.split(0), np.array([3, 3, 7])
    resampled = member_cache.with_labelled_rows(split, rows)
    assert np.array_equal(resampled.true_labels, split.true_labels[rows])
    assert np.array_equal(resampled.labels["labelled"], split.labels["labelled"][rows])


def test_bias_and_variance_of_the_ensemble_add_up_to_its_brier_score(each):
    ensemble, folder = each
    predicted = load_file(folder / "predictions.safetensors")
    names = ("test_predictions", "test_labels", "test_indices")
    split = resampled_split(*(predicted[name].numpy() for name in names), unbiased=True)
    last = next(
        row
        for row in rows_of(folder)
        if (row["seed"], row["combine"], row["members"]) == ("all", ensemble.combine, str(ensemble.members))
    )
    assert float(last["bias_squared"]) + float(last["variance"]) == pytest.approx(split.squared_error, abs=1e-6)


def test_an_ensemble_of_one_is_the_single_model_bit_for_bit(run, data, tmp_path):
    many = load_file(run(DeepEnsemble(members=2)) / "weights" / "seed-1.safetensors")
    one = run(DeepEnsemble(members=1))
    recipe = replace(RECIPE, regularizers=(NoRegularizer(),))
    of = about("regularizers", "none", data, {"none": {}})
    all_seeds.run(recipe, data, Stage(of, tmp_path / "runs", processes=2))
    single = tmp_path / "runs" / "regularizers" / "none"
    assert (one / "predictions.safetensors").read_bytes() == (single / "predictions.safetensors").read_bytes()
    weights = load_file(single / "weights" / "seed-1.safetensors")
    assert all(torch.equal(many[f"networks.0.{name}"], value) for name, value in weights.items())
    metrics = [json.loads((path / "record.json").read_text())["seeds"]["1"]["metrics"] for path in (one, single)]
    shared = metrics[0].keys() & metrics[1].keys()
    assert len(shared) > 8 and all(metrics[0][name] == metrics[1][name] for name in shared)


def test_two_runs_leave_the_same_bytes_with_or_without_the_cache(run, tmp_path):
    import shutil

    first = files(run(Bagging(members=3)))
    assert files(run(Bagging(members=3))) == first
    shutil.rmtree(tmp_path / ".reglab")
    assert files(run(Bagging(members=3))) == first and len(first) == 6


@pytest.mark.parametrize("kind", [DeepEnsemble, Bagging, Boosting], ids=lambda kind: kind.__name__)
def test_four_members_asked_for_after_two_train_two(run, tmp_path, kind):
    def trained():
        measured = (tmp_path / ".reglab" / "members").rglob("seed-*.safetensors")
        return {path: path.stat().st_mtime_ns for path in measured}

    run(kind(members=2))
    before = trained()
    folder = run(kind(members=4))
    after = trained()
    assert len(before) == 4 and len(after) == 8 and before.items() <= after.items()
    rows = rows_of(folder)
    run(kind(members=2, combine="average"))
    assert trained() == after
    assert [row for row in rows if row["seed"] != "all" and int(row["members"]) <= 2] == [
        row for row in rows_of(folder) if row["seed"] != "all"
    ]


def test_members_of_another_recipe_or_other_data_are_not_taken_from_the_cache(data, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    of = about("ensembles", "bagging", data, {})
    longer = replace(RECIPE, training=replace(RECIPE.training, epochs=4))
    elsewhere = replace(of, dataset={"name": "blobs", "fingerprint": "another"})
    caches = [member_cache.member_cache_dir(*each) for each in ((of, RECIPE), (of, longer), (elsewhere, RECIPE))]
    assert len(set(caches)) == 3
    assert member_cache.member_cache_dir(replace(of, settings={"members": 9}), RECIPE) == caches[0]


def test_members_that_other_code_trained_are_not_taken_from_the_cache(data, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    of = about("ensembles", "bagging", data, {})
    caches = [member_cache.member_cache_dir(of, RECIPE, {"code": code}) for code in ("one", "one", "another")]
    assert caches[0] == caches[1] != caches[2]


def test_a_member_that_diverges_marks_its_seed(run):
    wild = replace(RECIPE, training=replace(RECIPE.training, optimizer="sgd", learning_rate=1e30))
    content = json.loads((run(Bagging(members=2), wild) / "record.json").read_text())
    assert {seed["status"] for seed in content["seeds"].values()} == {"diverged"} and content["summary"] == {}
    assert all(seed["reason"].startswith("member 0: the loss became") for seed in content["seeds"].values())


def test_members_that_make_no_ensemble_mark_their_seed_and_the_study_goes_on(run, monkeypatch):
    whole = Boosting.committee

    def committee(self, networks, wrong, task):
        if wrong.any():
            raise UserError("the first member is wrong on too many of its examples")
        return whole(self, networks, wrong, task)

    monkeypatch.setattr(Boosting, "committee", committee)
    content = json.loads((run(Boosting(members=2, width=4, epochs=1)) / "record.json").read_text())
    assert {seed["status"] for seed in content["seeds"].values()} == {"diverged"}
    assert all("the first member is wrong on" in seed["reason"] for seed in content["seeds"].values())


def test_cost_is_that_of_all_members_beside_one_plain_model(run):
    def cost(folder):
        return json.loads((folder / "record.json").read_text())["cost"]

    assert cost(run(Bagging(members=3)))["relative_to_none"] == 3
    assert cost(run(DropoutAverage(members=4)))["relative_to_none"] == 1
    weak = cost(run(Boosting(members=3, width=4, epochs=2)))
    per_example = 4 * 4 * 16 + 6 * 4 * 3  # forward, and backward without that of the inputs
    assert weak["flops"] == 3 * 2 * 60 * per_example
    assert weak["relative_to_none"] == pytest.approx(3 * (2 / 3) * per_example / (4 * 8 * 16 + 6 * 8 * 3))


def test_the_picture_shows_what_members_were_given_also_when_they_vote(run):
    assert "Examples as drawn" in (run(Bagging(members=2, combine="vote")) / "figure.svg").read_text()
    assert "Examples as drawn" not in (run(DeepEnsemble(members=2, combine="vote")) / "figure.svg").read_text()


def test_bagging_trains_on_its_samples_and_nothing_else(run, data, tmp_path):
    run(Bagging(members=2))
    split, seed, member = data.split(1), 1, 1
    rows = Bagging().sample(split.labels["labelled"], split.task, seed, member, None)
    folder = tmp_path / "by_hand"
    folder.mkdir()
    one_seed.train_seed(RECIPE, member_cache.with_labelled_rows(split, rows), stream(seed, member), folder)
    by_hand = one_seed.finished_seed(folder, stream(seed, member))[1]
    published = load_file(tmp_path / "runs" / "ensembles" / "bagging" / "weights" / "seed-1.safetensors")
    for name, value in published.items():
        if name.startswith("networks.1."):
            assert np.array_equal(by_hand["weights/" + name.removeprefix("networks.1.")], value.numpy())


def test_a_member_killed_with_9_goes_on_and_ends_with_the_same_bits(data, tmp_path):
    recipe = replace(RECIPE, training=replace(RECIPE.training, epochs=80))
    homes = [tmp_path / "killed", tmp_path / "undisturbed"]
    for home in homes:
        home.mkdir()
    jobs = [(Bagging(), recipe, data.split(0), 0, 1, home) for home in homes]
    worker = get_context("fork").Process(target=member_cache.train_alone, args=jobs[0])
    worker.start()
    lines = 0
    while worker.is_alive() and lines < 10:
        lines = sum(path.read_bytes().count(b"\n") for path in homes[0].glob("*/*.jsonl"))
        time.sleep(0.002)
    assert worker.is_alive()
    worker.kill()
    worker.join()
    for job in jobs:
        member_cache.train_alone(*job)
    one, other = (next(home.glob("*/*.safetensors")).read_bytes() for home in homes)
    assert one == other


def test_the_cache_lies_outside_what_dvc_deletes(run, tmp_path):
    run(DeepEnsemble(members=1))
    assert checkout.root() == Path(tmp_path) and not list((tmp_path / "runs").rglob("*.jsonl"))
    assert list((tmp_path / ".reglab" / "members").rglob("*.jsonl"))


class Says(torch.nn.Module):
    """Gives the class in an image's only pixel, or the next one on the first `wrong` images."""

    def __init__(self, wrong):
        super().__init__()
        self.wrong = wrong

    def forward(self, inputs):
        classes = inputs.flatten().long()
        return 20.0 * torch.eye(3)[(classes + (torch.arange(len(classes)) < self.wrong)) % 3]


def test_what_is_said_of_an_ensemble_follows_from_what_its_members_say():
    labels = np.tile(np.arange(3), 4)
    parts = {"labelled": labels, "validation": labels[:6], "test": labels}
    split = Split({part: values.astype(np.float32)[:, None] for part, values in parts.items()}, parts, {}, classes=3)
    committee = Committee([Says(6), Says(2), Says(1)], "vote", torch.ones(3), Classification(3))
    result = ensembling.assess(DeepEnsemble(members=3, combine="vote"), committee, split, seed=0, epochs=2.5)
    metrics = result.of_record["metrics"]
    assert result.of_record["status"] == "finished" and result.epochs == 2.5
    assert metrics["first_member_test_accuracy"] == 0.5 and metrics["one_member_test_accuracy"] == 27 / 36
    assert metrics["test_accuracy"] == metrics["train_accuracy"] == 10 / 12 and metrics["validation_accuracy"] == 4 / 6
    assert metrics["disagreement"] == pytest.approx((4 + 5 + 1) / 36)
    assert result.predictions.shape == (12, 3) and result.weights["member_weights"].tolist() == [1, 1, 1]
    assert result.curve.scores["vote"]["test_accuracy"].tolist() == [0.5, 8 / 12, 10 / 12], "a tie: the lower"
    assert result.curve.scores["vote"]["validation_accuracy"].tolist() == [0.0, 2 / 6, 4 / 6]
    assert result.curve.tests["average"].shape == (3, 12, 3)


def test_a_seed_without_an_ensemble_has_no_numbers_and_unknown_probabilities(data):
    failed = ensembling.failed("member 1: too fast", data.split(0), 1.5)
    assert failed.of_record == {"status": "diverged", "reason": "member 1: too fast", "metrics": {}}
    assert failed.predictions.shape == (36, 3) and np.isnan(failed.predictions).all()
    assert (failed.weights, failed.curve, failed.epochs) == ({}, None, 1.5)
