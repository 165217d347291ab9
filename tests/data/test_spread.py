"""The unit of noise: the standard deviations of the training part where nothing scales the inputs, and 1 elsewhere."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from reglab.core.streams import Moment, generator
from reglab.data import prepared
from reglab.data.augmentation.policy import Policy
from reglab.data.augmentation.variation import Variation
from reglab.data.loader import whole
from reglab.data.prepared import Prepared
from reglab.data.preprocessing.columns import Columns
from reglab.data.preprocessing.mixed_columns import TableInputs
from reglab.data.settings import Data
from reglab.data.spread import BLOCK, spread_of
from reglab.data.stored_inputs import StoredInputs
from reglab.models.mlp import MLP
from reglab.regularizers.input_noise import InputNoise
from reglab.training.network import build
from reglab.training.one_seed import Recipe, learner_of
from reglab.training.settings import Training

SIZES = {"train_size": 60, "validation_size": 20, "test_size": 20}
UNITS = np.array([1000.0, 1.0, 0.001])


def data_of(inputs, folder, labels=None) -> Prepared:
    """Prepared data of 100 examples."""
    section = Data(name="made", label_noise=0.0, **SIZES)
    prepared.write(folder, section, inputs, np.arange(100) % 2 if labels is None else labels, 1)
    return prepared.read(folder)


@pytest.fixture
def rows():
    """Rows (100, 3) far from 0, whose columns have the spreads `UNITS`."""
    return (5 + np.random.default_rng(0).standard_normal((100, 3))) * UNITS


def test_it_is_the_standard_deviation_of_the_training_part_alone(rows, tmp_path):
    data = data_of(Columns(rows, "none"), tmp_path / "a")
    split = data.split(0)
    training = rows[split.rows["labelled"]]
    assert np.allclose(split.spread, StandardScaler().fit(training).scale_, rtol=1e-6)
    rows[split.rows["test"]] *= 50
    rows[split.rows["validation"]] += 7
    assert np.array_equal(data_of(Columns(rows, "none"), tmp_path / "b").split(0).spread, split.spread)


@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_scaled_columns_have_none(rows, tmp_path, scaling):
    assert data_of(Columns(rows, scaling), tmp_path).split(0).spread is None


def test_ready_inputs_have_one_unless_they_lie_in_a_box(tmp_path):
    images = np.random.default_rng(0).random((100, 1, 4, 4), np.float32)
    assert data_of(images, tmp_path / "box").split(0).spread is None
    split = data_of(255 * images, tmp_path / "bytes").split(0)
    assert split.spread.shape == () and np.isclose(split.spread, split.inputs["labelled"].std(), rtol=1e-5)


def test_of_a_table_the_numbers_have_theirs_and_indicators_and_levels_have_one(rows, tmp_path):
    rows[::10, 0] = np.nan
    codes = (np.arange(100) % 2)[:, None].astype(np.int32)
    names = ("a", "b", "c")
    table = TableInputs(rows, codes, names, ("a",), (("left", "right"),), "none")
    split = data_of(table, tmp_path / "none").split(0)
    assert np.allclose(split.spread[:3], split.inputs["labelled"][:, :3].std(0, dtype=np.float64), rtol=1e-6)
    assert split.spread.shape == split.shape and np.array_equal(split.spread[3:], np.ones(len(split.spread) - 3))
    scaled = TableInputs(rows, codes, names, ("a",), (("left", "right"),), "robust")
    assert data_of(scaled, tmp_path / "robust").split(0).spread is None


def test_a_constant_column_has_the_smallest_of_the_others_and_one_if_nothing_varies():
    rows = np.array([[1.0, 7.0, 0.0], [3.0, 7.0, 20.0]], np.float32)
    assert np.array_equal(spread_of(rows, 3), [1.0, 1.0, 10.0])
    assert np.array_equal(spread_of(rows[:1], 3), np.ones(3))
    assert spread_of(np.full((2, 1, 2, 2), 9.0, np.float32), 4) == 1.0


def test_inputs_that_stay_in_their_file_have_the_same(tmp_path):
    images = 255 * np.random.default_rng(0).random((BLOCK + 900, 1, 2, 2), np.float32)
    data = Prepared("made", "", 2, {"inputs": images, "labels": np.zeros(len(images), np.int64)})
    stored = StoredInputs(data.inputs, data.inputs.fit(), np.arange(len(images)), (1, 2, 2))
    assert np.isclose(spread_of(stored, 4), images.std(dtype=np.float64), rtol=1e-6)


def test_noise_on_unscaled_rows_is_that_on_standardised_ones(rows, tmp_path):
    shown, noise = {}, InputNoise(0.3)
    for scaling in ("none", "standard"):
        split = data_of(Columns(rows, scaling), tmp_path / scaling).split(0)
        network = learner_of(Recipe((noise,), MLP(width=4, depth=1), Training()), split, 0).network
        network.moment = Moment(seed=0, epoch=0, step=3)
        batch = whole(split.inputs["labelled"], split.labels["labelled"], 2)
        shown[scaling] = noise.transform_batch(batch, network).inputs.double().numpy()
    scaler = StandardScaler().fit(rows[split.rows["labelled"]])
    assert np.allclose(scaler.transform(shown["none"]), shown["standard"], atol=1e-5)


def test_the_noise_of_an_augmentation_is_measured_by_it(rows):
    zeros, spread = torch.zeros(2_000, 3), UNITS.astype(np.float32)
    batch, policy = whole(zeros, torch.zeros(2_000, dtype=torch.long), 2), Policy(noise=0.3)
    plain, noisy = (Variation(policy, 2_000, unit)(batch, Moment(0, 0, 0)) for unit in (None, spread))
    assert torch.equal(noisy, plain * torch.as_tensor(spread))


def test_a_network_without_one_has_noise_bit_for_bit_as_it_is_drawn():
    noise, network = torch.randn(5, 3, generator=generator("noise")), build(MLP(width=4, depth=1), (3,), 2, seed=0)
    assert network.in_units_of_inputs(noise) is noise
