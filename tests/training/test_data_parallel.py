"""One training on two CPU processes (gloo): the result of one process but for rounding, its files written once."""

import json
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from reglab.data.loader import Batch, Loader
from reglab.data.prepared import Split
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.regularizers.gradient_clipping import GradientClipping
from reglab.regularizers.l1 import L1
from reglab.regularizers.weight_averaging import WeightAveraging
from reglab.regularizers.weight_decay import WeightDecay
from reglab.training import data_parallel
from reglab.training.data_parallel import RankMoment, Shard
from reglab.training.one_seed import Recipe, finished_seed, train_seed
from reglab.training.settings import TrainerSettings, Training
from reglab.training.together import may_be_stacked

TWO = TrainerSettings(devices=2)
ROUNDING = 2e-5  # a sum over a batch in two parts: float32, 6e-8 a step, through 40 steps at learning rate 0.1


@pytest.fixture(scope="module")
def split():
    """49 examples, whose last batch of 16 has one row: fewer than ranks."""
    random, sizes = np.random.default_rng(0), {"labelled": 49, "validation": 20, "test": 20}
    labels = {part: random.integers(0, 3, size) for part, size in sizes.items()}
    inputs = {
        part: (random.normal(size=(size, 1, 4, 4)) + labels[part][:, None, None, None]).astype(np.float32)
        for part, size in sizes.items()
    }
    return Split(inputs, labels, {part: np.arange(size) for part, size in sizes.items()}, classes=3)


def recipe_of(*techniques, trainer=None, **settings):
    training = {"epochs": 10, "batch_size": 16, "optimizer": "sgd", "learning_rate": 0.1} | settings
    return Recipe(techniques, MLP(width=16, depth=2), Training(**training, trainer=trainer))


def trained(folder: Path, recipe: Recipe, split, seed=0, **how):
    """The outcome, the tensors and the epochs of a training."""
    folder.mkdir(exist_ok=True)
    train_seed(recipe, split, seed, folder, **how)
    lines = [json.loads(line) for line in (folder / f"seed-{seed}.jsonl").read_text().splitlines()]
    return *finished_seed(folder, seed), [line["metrics"] for line in lines]


def assert_close(one, other, tolerance) -> None:
    (status, mine), (other_status, theirs) = ((each.pop("status"), each) for each in (dict(one[0]), dict(other[0])))
    assert status == other_status and mine == pytest.approx(theirs, rel=10 * tolerance, abs=10 * tolerance)
    assert one[1].keys() == other[1].keys() and len(one[2]) == len(other[2])
    for name, values in one[1].items():
        assert np.allclose(values, other[1][name], rtol=tolerance, atol=tolerance), name
    for mine, theirs in zip(one[2], other[2], strict=True):
        assert mine == pytest.approx(theirs, rel=10 * tolerance, abs=10 * tolerance)


@pytest.mark.parametrize(
    "techniques",
    [
        (),
        (WeightDecay(strength=0.01), GradientClipping(threshold=0.5)),
        (L1(strength=0.001), WeightAveraging(decay=0.9)),
        (EarlyStopping(patience=2),),
    ],
    ids=["none", "penalty and clipping", "proximal and average", "early stopping"],
)
def test_two_processes_give_the_result_of_one_within_the_rounding_of_an_average(techniques, split, tmp_path):
    alone = trained(tmp_path / "alone", recipe_of(*techniques), split)
    shared = trained(tmp_path / "shared", recipe_of(*techniques, trainer=TWO), split)
    assert_close(alone, shared, ROUNDING)


def test_weights_of_examples_count_as_in_one_process(split, tmp_path):
    weighted = replace(split, weights=np.linspace(0.1, 3, 49, dtype=np.float32))
    alone = trained(tmp_path / "alone", recipe_of(), weighted)
    assert_close(alone, trained(tmp_path / "shared", recipe_of(trainer=TWO), weighted), ROUNDING)
    plain = trained(tmp_path / "plain", recipe_of(), split)[1]
    assert not np.allclose(plain["predictions/test"], alone[1]["predictions/test"], atol=0.01)


def test_only_one_process_writes_and_every_file_once(split, tmp_path):
    outcome, _, epochs = trained(tmp_path / "shared", recipe_of(Dropout(), trainer=TWO), split, every=0.0)
    assert sorted(path.name for path in (tmp_path / "shared").iterdir()) == ["seed-0.jsonl", "seed-0.safetensors"]
    assert len(epochs) == outcome["epochs"] == 10


@pytest.mark.parametrize(("examples", "size", "ranks"), [(49, 16, 2), (50, 7, 3), (5, 2, 4)])
def test_the_ranks_share_every_batch_of_the_keyed_order_without_overlap(examples, size, ranks):
    whole = Batch(torch.arange(examples).float(), torch.zeros(examples, 1), torch.arange(examples))
    for epoch in range(2):
        order = Loader(whole, size, seed=3)
        shards = [Shard(Loader(whole, size, seed=3), rank, ranks) for rank in range(ranks)]
        for loader in (order, *shards):
            loader.set_epoch(epoch)
        assert {len(shard) for shard in shards} == {len(order)}
        for batch, *parts in zip(order, *shards, strict=True):
            rows = sorted(batch.indices.tolist())
            if len(rows) < ranks:
                assert all(sorted(part.indices.tolist()) == rows for part in parts)
            else:
                assert sorted(row for part in parts for row in part.indices.tolist()) == rows


def test_ranks_draw_numbers_of_their_own_for_masks_and_for_augmentation():
    one, other = (RankMoment(0, 1, 2, rank=rank) for rank in (1, 2))
    assert not torch.equal(*(torch.rand(8, generator=each.generator("dropout")) for each in (one, other)))
    assert not torch.equal(*(each.uniform("affine", torch.arange(4), 3, 8) for each in (one, other)))
    assert torch.equal(*(each.uniform("affine", torch.arange(4), 3, 8) for each in (one, replace(one))))


def test_a_loss_that_becomes_infinite_ends_all_processes_with_the_outcome(split, tmp_path):
    outcome, _, _ = trained(tmp_path / "shared", recipe_of(learning_rate=1e30, trainer=TWO), split)
    assert outcome["status"] == "diverged" and outcome["reason"].startswith("the loss became")


def stopped(*arguments) -> None:
    raise InterruptedError


def test_a_training_that_was_interrupted_goes_on_to_the_bit(split, tmp_path, monkeypatch):
    recipe = recipe_of(Dropout(), trainer=TWO)
    whole = trained(tmp_path / "whole", recipe, split)
    half = replace(recipe, training=replace(recipe.training, epochs=4))
    with monkeypatch.context() as patched:
        patched.setattr("reglab.training.one_seed.evaluate", stopped)
        with pytest.raises(InterruptedError):
            trained(tmp_path / "resumed", half, split, every=0.0)
    assert (tmp_path / "resumed" / "seed-0.ckpt").exists()
    resumed = trained(tmp_path / "resumed", recipe, split, every=0.0)
    assert_close(whole, resumed, 0)


def node(number: int, folder: Path, recipe: Recipe, split: Split, port: int) -> None:
    os.environ |= {"NODE_RANK": str(number), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    trained(folder, recipe, split)


def test_two_machines_of_one_process_each_write_the_same_files_each_in_its_own_folder(split, tmp_path):
    """Two processes stand in for the machines; they meet on the loopback interface."""
    recipe, port = recipe_of(WeightDecay(), trainer=TrainerSettings(num_nodes=2)), data_parallel.free_port()
    folders = [tmp_path / "first", tmp_path / "second"]
    fork = multiprocessing.get_context("fork")
    machines = [fork.Process(target=node, args=(*each, recipe, split, port)) for each in enumerate(folders)]
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.join(120)
    assert [machine.exitcode for machine in machines] == [0, 0]
    first, second = ((folder / "seed-0.safetensors").read_bytes() for folder in folders)
    assert first == second
    assert_close(
        trained(tmp_path / "alone", recipe_of(WeightDecay()), split),
        (*finished_seed(folders[0], 0), trained(folders[0], recipe, split)[2]),
        ROUNDING,
    )


def test_mixed_precision_trains_and_publishes_float32(split, tmp_path):
    outcome, tensors, _ = trained(tmp_path / "mixed", recipe_of(trainer=TrainerSettings(precision="bf16-mixed")), split)
    assert outcome["status"] == "finished" and {values.dtype for values in tensors.values()} == {np.dtype("float32")}
    single = trained(tmp_path / "single", recipe_of(), split)[1]
    assert not np.array_equal(single["predictions/test"], tensors["predictions/test"])
    assert np.allclose(single["predictions/test"], tensors["predictions/test"], atol=0.1)


def test_a_trainer_of_ones_own_with_its_defaults_changes_no_bit_and_trains_alone(split, tmp_path):
    alone = trained(tmp_path / "alone", recipe_of(Dropout()), split)
    assert_close(alone, trained(tmp_path / "own", recipe_of(Dropout(), trainer=TrainerSettings()), split), 0)
    assert may_be_stacked(recipe_of()) and not may_be_stacked(recipe_of(trainer=TrainerSettings()))
