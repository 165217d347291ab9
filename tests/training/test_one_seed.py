"""One seed: that it goes on bit for bit after a kill, diverges visibly, and is judged once."""

import json
import logging
import time
import warnings
from multiprocessing import get_context
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from reglab.data.prepared import Split
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.regularizers.input_noise import InputNoise
from reglab.regularizers.k_sparse import KSparse
from reglab.regularizers.mixup import Mixup
from reglab.regularizers.placebo import Placebo
from reglab.training.one_seed import (
    Recipe,
    cost_of_step,
    finish,
    finished_seed,
    train_seed,
)
from reglab.training.settings import Training
from reglab.training.trainer import EpochCheckpoint, silence_lightning

TECHNIQUES = (Mixup(0.4), InputNoise(0.3), Dropout(0.2, 0.5))


def training(**changes):
    settings = {
        "epochs": 6,
        "batch_size": 16,
        "optimizer": "adam",
        "learning_rate": 0.01,
        "momentum": 0.0,
        "accelerator": "cpu",
    }
    return Training(**settings | changes)


def recipe(*techniques, **changes):
    return Recipe(techniques, MLP(width=16, depth=2), training(**changes))


@pytest.fixture(scope="module")
def split():
    random = np.random.default_rng(0)
    parts = {"labelled": 64, "unlabelled": 8, "validation": 40, "test": 40}
    labels = {part: random.integers(0, 3, size) for part, size in parts.items()}
    inputs = {
        part: (random.normal(size=(size, 1, 4, 4)) + labels[part][:, None, None, None]).astype(np.float32)
        for part, size in parts.items()
    }
    return Split(inputs, labels, {part: np.arange(size) for part, size in parts.items()}, classes=3)


def trained(folder, split, *arguments, seed=0, **changes):
    folder.mkdir(exist_ok=True)
    train_seed(recipe(*arguments, **changes), split, seed, folder, every=0.0)
    outcome, tensors = finished_seed(folder, seed)
    return outcome, tensors, (folder / f"seed-{seed}.jsonl").read_text().splitlines()


def same(one, two):
    return one.keys() == two.keys() and all(np.array_equal(one[key], two[key]) for key in one)


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(tmp_path, split):
    first, again, other = (
        trained(tmp_path / name, split, *TECHNIQUES, seed=seed)[1] for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert same(first, again) and not same(first, other)


def test_placebo_leaves_every_bit_as_it_is(tmp_path, split):
    assert same(trained(tmp_path / "none", split)[1], trained(tmp_path / "placebo", split, Placebo())[1])


def test_another_technique_in_front_leaves_the_masks_as_they_are(tmp_path, split):
    alone, behind = (
        trained(tmp_path / str(len(list_)), split, *list_)[1]
        for list_ in ([Dropout()], [Placebo(), InputNoise(0.0), Dropout()])
    )
    assert same(alone, behind)


@pytest.mark.parametrize(
    "techniques", [TECHNIQUES, (EarlyStopping(patience=200), Dropout())], ids=["noise", "stopping"]
)
def test_a_training_killed_with_9_and_started_again_ends_with_the_same_bits(tmp_path, split, techniques):
    undisturbed = trained(tmp_path / "undisturbed", split, *techniques, epochs=40)
    folder = tmp_path / "killed"
    folder.mkdir()
    journal, kills = folder / "seed-0.jsonl", 0
    for goal in (7, 23):
        arguments = recipe(*techniques, epochs=40), split, 0, folder
        worker = get_context("fork").Process(target=train_seed, args=arguments, kwargs={"every": 0.0})
        worker.start()
        while worker.is_alive() and (not journal.exists() or len(journal.read_bytes().splitlines()) < goal):
            time.sleep(0.002)
        kills += worker.is_alive()
        worker.kill()
        worker.join()
        with open(journal, "a") as file:
            file.write('{"epoch": 99, "ti')  # what a kill in the middle of a line leaves
    assert kills == 2 and (folder / "seed-0.ckpt").exists() and not (folder / "seed-0.safetensors").exists()
    train_seed(recipe(*techniques, epochs=40), split, 0, folder, every=0.0)
    outcome, tensors = finished_seed(folder, 0)
    assert outcome == undisturbed[0] and same(tensors, undisturbed[1])
    resumed = [json.loads(line) for line in journal.read_text().splitlines()]
    expected = [json.loads(line) for line in undisturbed[2]]
    assert [(line["epoch"], line["metrics"]) for line in resumed] == [
        (line["epoch"], line["metrics"]) for line in expected
    ]


def test_idle_units_are_those_that_put_out_zero_as_the_network_is_judged(tmp_path, split):
    """Of the k-sparse network all but 4 of 16 are idle, and perhaps some of the 4; of an untouched one as many as counted."""
    assert 0.75 <= trained(tmp_path / "k", split, KSparse(4))[0]["idle_units"] < 1
    outcome, tensors, _ = trained(tmp_path / "plain", split)
    units, idle = split.inputs["validation"].reshape(40, -1), []
    for layer in (0, 1):
        weight, bias = (tensors[f"weights/backbone.{layer}.1.{kind}"] for kind in ("weight", "bias"))
        units = np.maximum(units @ weight.T + bias, 0)
        idle.append(units == 0)
    assert outcome["idle_units"] == pytest.approx(np.mean(idle), abs=1e-3)  # a unit within rounding of zero


def test_a_loss_that_becomes_infinite_ends_the_seed_within_that_step(tmp_path, split):
    outcome, _, lines = trained(tmp_path / "a", split, optimizer="sgd", learning_rate=1e30)
    assert outcome["status"] == "diverged" and "epoch 0, step 1" in outcome["reason"] and lines == []


def test_a_nan_among_the_training_inputs_does_not_pass_for_a_result(tmp_path, split):
    broken = Split(split.inputs | {"labelled": split.inputs["labelled"].copy()}, split.labels, split.rows, classes=3)
    broken.inputs["labelled"][5] = np.nan
    assert trained(tmp_path / "a", broken)[0]["status"] == "diverged"


def test_weights_that_the_last_step_made_infinite_are_a_divergence(tmp_path, split, monkeypatch):
    from reglab.training import one_seed

    def infinite(learner, parts):
        return {
            part: torch.full((len(parts[part].inputs), 3), torch.nan) for part in ("labelled", "validation", "test")
        }

    monkeypatch.setattr(one_seed, "predict", infinite)
    outcome, _, lines = trained(tmp_path / "a", split, epochs=1)
    assert (outcome["status"], len(lines)) == ("diverged", 1) and "infinite" in outcome["reason"]


def test_the_test_inputs_are_looked_at_once_and_after_the_last_step(tmp_path, split, monkeypatch):
    from reglab.training.network import Network

    seen, forward, test = [], Network.forward, torch.as_tensor(split.inputs["test"])

    def watched(self, inputs):
        seen.append(inputs.shape == test.shape and torch.equal(inputs, test))
        return forward(self, inputs)

    monkeypatch.setattr(Network, "forward", watched)
    trained(tmp_path / "a", split, EarlyStopping(patience=2))
    assert sum(seen) == 1 and seen[-1]


def test_early_stopping_returns_the_epoch_of_the_lowest_validation_loss(tmp_path, split):
    outcome, stopped, lines = trained(tmp_path / "a", split, EarlyStopping(patience=3), epochs=60, learning_rate=0.03)
    losses = [json.loads(line)["metrics"]["validation_nll"] for line in lines]
    assert outcome["best_epoch"] == int(np.argmin(losses)) == len(losses) - 4 < 56
    plain = trained(tmp_path / "b", split, epochs=outcome["best_epoch"] + 1, learning_rate=0.03)[1]
    assert same(stopped, plain)


@pytest.mark.parametrize("techniques", [TECHNIQUES, (EarlyStopping(patience=1),)], ids=["noise", "stopping"])
def test_a_training_that_logs_no_epoch_ends_with_the_same_bits(tmp_path, split, techniques):
    changes = {"epochs": 30, "learning_rate": 0.1}
    outcome, tensors, watched = trained(tmp_path / "watched", split, *techniques, **changes)
    train_seed(recipe(*techniques, **changes), split, 0, tmp_path, log_every_epoch=False)
    outcome_alone, alone = finished_seed(tmp_path, 0)
    assert outcome_alone == outcome and same(alone, tensors)
    stopping = isinstance(techniques[0], EarlyStopping)
    assert "validation_nll" in watched[0]
    written = (tmp_path / "seed-0.jsonl").read_text()
    assert ("validation_nll" in written) == stopping and "train_nll" not in written
    assert (outcome["epochs"] < 30) == stopping, "it still stops by what it measures"


def test_a_finished_seed_is_not_trained_again(tmp_path, split):
    trained(tmp_path / "a", split)
    before = (tmp_path / "a" / "seed-0.safetensors").stat().st_mtime_ns
    trained(tmp_path / "a", split)
    assert (tmp_path / "a" / "seed-0.safetensors").stat().st_mtime_ns == before


def test_a_step_of_the_perceptron_costs_what_its_matrices_say(split):
    cost = cost_of_step(recipe(), split)
    forward = 2 * (16 * 16 + 16 * 16 + 16 * 3)  # a multiplication and an addition for each weight
    backward = 2 * forward - 2 * 16 * 16  # for weights and for inputs, those of the first layer apart
    assert cost == {"flops_per_example": forward + backward, "forward_passes": 1, "backward_passes": 1}


def test_weights_are_written_as_safetensors_that_anyone_can_read(tmp_path, split):
    trained(tmp_path / "a", split)
    names = load_file(tmp_path / "a" / "seed-0.safetensors").keys()
    assert {"weights/head.weight", "weights/backbone.0.1.bias", "predictions/test"} <= names


def test_a_training_prints_nothing_and_leaves_its_two_files_alone(tmp_path, split, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    outcome, _, _ = trained(tmp_path / "a", split)
    assert {key: outcome[key] for key in ("status", "epochs", "best_epoch")} == {
        "status": "finished",
        "epochs": 6,
        "best_epoch": 5,
    }
    cost_of_step(recipe(), split)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        *("a", "a/seed-0.jsonl", "a/seed-0.safetensors")
    ]
    assert capfd.readouterr() == ("", "")


def test_lightning_is_quiet_and_no_other_package_is():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        logging.getLogger("pytorch_lightning").setLevel(logging.INFO)
        silence_lightning()
        for module in ("pytorch_lightning.trainer", "lightning_fabric.loggers", "torch.nn"):
            warnings.warn_explicit(module, UserWarning, "a.py", 1, module=module)
    assert [str(warning.message) for warning in heard] == ["torch.nn"]
    assert logging.getLogger("pytorch_lightning").level == logging.ERROR


@pytest.mark.parametrize(("every", "stops", "saved"), [(0.0, False, 1), (0.0, True, 0), (1e6, False, 0)])
def test_a_checkpoint_is_taken_when_its_time_has_come_and_not_of_a_training_about_to_stop(
    tmp_path, every, stops, saved
):
    taken = []

    def save_checkpoint(path):
        taken.append(path)
        path.write_text("whole")

    def trainer(stops):
        alone = SimpleNamespace(broadcast=lambda due: due)
        return SimpleNamespace(should_stop=stops, save_checkpoint=save_checkpoint, strategy=alone, is_global_zero=True)

    checkpoint = EpochCheckpoint(tmp_path / "seed-0.ckpt", every)
    checkpoint.on_train_epoch_end(trainer(stops), None)
    assert len(taken) == saved and sorted(tmp_path.iterdir()) == [tmp_path / "seed-0.ckpt"][:saved]
    checkpoint.every = 1e6
    checkpoint.on_train_epoch_end(trainer(False), None)
    assert len(taken) == saved, "the time since the last one has begun anew"


@pytest.mark.parametrize("first_says", [True, False])
def test_processes_of_one_training_save_a_checkpoint_when_the_first_says_so_and_only_it_has_the_file(
    tmp_path, first_says
):
    taken, strategy = [], SimpleNamespace(broadcast=lambda due: first_says)
    other = SimpleNamespace(should_stop=False, save_checkpoint=taken.append, strategy=strategy, is_global_zero=False)
    EpochCheckpoint(tmp_path / "seed-0.ckpt", 0.0 if not first_says else 1e6).on_train_epoch_end(other, None)
    assert len(taken) == first_says and not list(tmp_path.iterdir())


def test_what_a_resume_would_need_goes_when_a_seed_is_finished(tmp_path):
    for name in ("seed-3.ckpt", "seed-4.ckpt"):
        (tmp_path / name).write_text("half way")
    finish(tmp_path, 3, {"status": "finished"}, {"weights/a": torch.arange(6.0).view(2, 3).T})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed-3.safetensors", "seed-4.ckpt"]
    outcome, tensors = finished_seed(tmp_path, 3)
    assert outcome == {"status": "finished"} and tensors["weights/a"].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_a_network_without_hidden_layers_has_no_idle_units(tmp_path, split):
    train_seed(Recipe((), MLP(depth=0), training(epochs=1)), split, 0, tmp_path)
    assert finished_seed(tmp_path, 0)[0]["idle_units"] == 0.0
