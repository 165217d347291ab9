"""Every technique that needs no classes trains on amounts, and learns them."""

import numpy as np
import pytest

from reglab.core.registry import find, names
from reglab.data.prepared import Split
from reglab.models.mlp import MLP
from reglab.tracking import record
from reglab.training.all_seeds import seed_of_record
from reglab.training.one_seed import Recipe, finished_seed, train_seed
from reglab.training.settings import Training

SIZES = {"labelled": 64, "unlabelled": 4, "validation": 32, "test": 32}
TECHNIQUES = [
    name for name in names("regularizers") if not {"classes", "discrete"} & set(find("regularizers", name).needs)
]


def amounts(shape: tuple[int, ...]) -> Split:
    """Amounts around 50,000: 1,000 times the mean of the inputs, which the network sees, and little noise."""
    random = np.random.default_rng(0)
    inputs = {part: random.random((size, *shape), dtype=np.float32) for part, size in SIZES.items()}
    labels = {
        part: 50_000 + 1_000 * x.reshape(len(x), -1).mean(1).astype(np.float64) + random.normal(size=len(x))
        for part, x in inputs.items()
    }
    scale = float(labels["labelled"].mean()), float(labels["labelled"].std())
    rows = {part: np.arange(size) for part, size in SIZES.items()}
    return Split(inputs, labels, rows, labels["labelled"], classes=None, target_scale=scale)


def trained(folder, *techniques, **settings) -> tuple[dict, Split]:
    """The part of the record of a seed, for images where a technique needs them."""
    split = amounts((1, 4, 4) if any("images" in each.needs for each in techniques) else (6,))
    model = MLP(width=16, depth=2, residual=True)
    recipe = Recipe(techniques, model, Training(**{"epochs": 8, "batch_size": 16, "learning_rate": 0.01} | settings))
    train_seed(recipe, split, 0, folder)
    outcome, tensors = finished_seed(folder, 0)
    return seed_of_record(outcome, record.starting_with("predictions/", tensors), split), split


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_technique_that_needs_no_classes_trains_on_amounts(tmp_path, name):
    seed, split = trained(tmp_path, find("regularizers", name)())
    assert seed["status"] == "finished"
    assert 0 < seed["metrics"]["test_rmse"] < 2 * split.labels["test"].std()


def test_a_network_learns_amounts_far_from_zero_in_their_unit(tmp_path):
    seed, split = trained(tmp_path, epochs=40)
    metrics = seed["metrics"]
    assert metrics["test_rmse"] < 0.5 * split.labels["test"].std() and metrics["test_r2"] > 0.75
    assert metrics["excess_rmse"] == pytest.approx(metrics["test_rmse"] - metrics["train_rmse"])


def test_the_scale_of_the_target_changes_no_step(tmp_path):
    """In another unit the network is trained bit for bit alike, and every error is as much larger."""
    split = amounts((6,))
    mean, std = split.target_scale
    larger = {part: 1024.0 * values for part, values in split.labels.items()}  # a power of two: every quotient is exact
    other = Split(
        split.inputs, larger, split.rows, larger["labelled"], classes=None, target_scale=(1024 * mean, 1024 * std)
    )
    recipe, result = Recipe((), MLP(width=8, depth=1), Training(epochs=2, batch_size=16)), []
    for number, each in enumerate((split, other)):
        folder = tmp_path / str(number)
        folder.mkdir()
        train_seed(recipe, each, 0, folder)
        result.append(finished_seed(folder, 0)[1])
    one, thousand = (record.starting_with("weights/", tensors) for tensors in result)
    assert all(np.array_equal(one[name], thousand[name]) for name in one)
    predicted = [tensors["predictions/test"] for tensors in result]
    np.testing.assert_allclose(predicted[1], 1024 * predicted[0], rtol=1e-6)
