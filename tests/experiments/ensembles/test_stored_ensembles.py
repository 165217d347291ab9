"""Ensembles of examples that stay in their file: the same members, and no part is in memory as a whole."""

import numpy as np
import pytest

from reglab.config.params import Training
from reglab.data import prepared, tensor_files
from reglab.data.preprocessing.pixels import Pixels
from reglab.data.settings import Data
from reglab.data.stored_inputs import StoredInputs
from reglab.experiments.ensembles import run as ensembling
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.experiments.ensembles.methods.deep_ensemble import DeepEnsemble
from reglab.experiments.ensembles.methods.dropout_average import DropoutAverage
from reglab.models.mlp import MLP
from reglab.training import passes
from reglab.training.one_seed import Recipe

RECIPE = Recipe((), MLP(width=4, depth=1), Training(epochs=2, batch_size=16, learning_rate=0.01))
PIECE = 7  # examples


@pytest.fixture
def splits(tmp_path, monkeypatch):
    """The same split with its inputs as arrays, and in their file, of which a pass takes a few examples at a time."""
    labels = np.arange(120) % 3
    pixels = np.random.default_rng(0).integers(0, 80, (120, 1, 4, 4)) + 80 * labels[:, None, None, None]
    data = Data("images", train_size=60, validation_size=20, test_size=40)
    prepared.write(tmp_path / "data", data, Pixels(pixels.astype(np.uint8), 0, 255), labels, seeds=1)
    arrays = prepared.read(tmp_path / "data").split(0)
    monkeypatch.setattr(tensor_files, "MAPPED", 1)
    monkeypatch.setattr(prepared, "STORED", 0)
    monkeypatch.setattr(passes, "STORED_PIECE", 16 * PIECE)
    return arrays, prepared.read(tmp_path / "data").split(0)


@pytest.mark.parametrize(
    "ensemble", [Bagging(3), DeepEnsemble(3), DropoutAverage(3)], ids=lambda each: type(each).__name__
)
def test_an_ensemble_of_stored_examples_takes_a_few_at_a_time_and_is_the_same(ensemble, splits, tmp_path, monkeypatch):
    arrays, stored = splits
    taken, index = [], StoredInputs.__getitem__

    def counted(self, rows):
        read = index(self, rows)
        taken.append(len(read) if read.ndim == 4 else 1)
        return read

    monkeypatch.setattr(StoredInputs, "__getitem__", counted)
    monkeypatch.setattr(StoredInputs, "__array__", lambda *_, **__: pytest.fail("a part was read as a whole"))
    results = []
    for number, split in enumerate((arrays, stored)):
        (tmp_path / str(number)).mkdir()
        member = ensemble.member_recipe(RECIPE)
        results.append(ensembling.evaluate(ensemble, member, split, 0, tmp_path / str(number)))
    one, other = results
    assert max(taken) <= RECIPE.training.batch_size
    for name, weights in one.weights.items():
        assert np.array_equal(weights, other.weights[name]), name
    assert np.allclose(one.predictions, other.predictions, atol=1e-6)
    assert one.of_record["metrics"] == pytest.approx(other.of_record["metrics"], abs=1e-6)
