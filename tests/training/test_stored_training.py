"""A training on inputs that stay in their file is the training on arrays."""

import numpy as np
import pytest
import torch
from torch import nn

from reglab.data import prepared, tensor_files
from reglab.data.loader import StoredTensor
from reglab.data.preprocessing.pixels import Pixels
from reglab.data.settings import Data
from reglab.data.stored_inputs import StoredInputs
from reglab.experiments.baselines.methods.logistic_regression import LogisticRegression
from reglab.experiments.baselines.run import predict
from reglab.experiments.ensembles.methods.bagging import Bagging
from reglab.experiments.ensembles.run import evaluate
from reglab.models.convnet import ConvNet
from reglab.models.resnet import ResNet
from reglab.regularizers.affine import Affine
from reglab.regularizers.class_weighting import ClassWeighting
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.regularizers.mixup import Mixup
from reglab.regularizers.stochastic_weight_averaging import StochasticWeightAveraging, recompute_statistics
from reglab.regularizers.temperature_scaling import TemperatureScaling
from reglab.tracking.journal import Journal
from reglab.training import passes
from reglab.training.network_measures import share_of_idle_units
from reglab.training.one_seed import Recipe, cost_of_step, learner_of, train_seed
from reglab.training.settings import Training

DATA = Data("images", train_size=60, validation_size=30, test_size=30, label_noise=0.1)
TECHNIQUES = (
    Affine(),
    Mixup(),
    ClassWeighting(),
    StochasticWeightAveraging(0.5),
    TemperatureScaling(),
    EarlyStopping(),
)
RECIPE = Recipe(TECHNIQUES, ResNet(width=4, depth=2, normalization="batch"), Training(epochs=4, batch_size=16))


@pytest.fixture
def splits(tmp_path, monkeypatch):
    """The same split with its inputs as arrays, and in their file."""
    random, labels = np.random.default_rng(0), np.arange(120) % 3
    pixels = (random.integers(0, 120, (120, 1, 8, 8)) + 60 * labels[:, None, None, None]).astype(np.uint8)
    prepared.write(tmp_path / "data", DATA, Pixels(pixels, 0, 255), labels, seeds=1)
    arrays = prepared.read(tmp_path / "data").split(0)
    monkeypatch.setattr(tensor_files, "MAPPED", 2_000)  # bytes, more than those of the labels
    monkeypatch.setattr(prepared, "STORED", 0)
    return arrays, prepared.read(tmp_path / "data").split(0)


def test_weights_predictions_and_curves_are_the_same_to_the_byte(splits, tmp_path):
    assert isinstance(splits[1].inputs["labelled"], StoredInputs)
    for name, split in zip(("arrays", "stored"), splits, strict=True):
        (tmp_path / name).mkdir()
        train_seed(RECIPE, split, 0, tmp_path / name)
    weights, curves = (
        [read(tmp_path / name) for name in ("arrays", "stored")]
        for read in (
            lambda folder: (folder / "seed-0.safetensors").read_bytes(),
            lambda folder: [line["metrics"] for line in Journal(folder / "seed-0.jsonl").lines],
        )
    )
    assert weights[0] == weights[1] and curves[0] == curves[1] and len(curves[0]) == 4
    assert cost_of_step(RECIPE, splits[0]) == cost_of_step(RECIPE, splits[1])


def test_ensembles_and_baselines_are_the_same(splits, tmp_path):
    bagging, member = Bagging(members=2), Recipe((), ConvNet(width=2, depth=1), Training(epochs=1))
    results = []
    for name, split in zip(("arrays", "stored"), splits, strict=True):
        (tmp_path / name).mkdir()
        results.append((predict(LogisticRegression(), split), evaluate(bagging, member, split, 0, tmp_path / name)))
    (baseline, ensemble), (of_stored, stored_ensemble) = results
    assert all(np.array_equal(baseline[part], of_stored[part]) for part in baseline)
    assert ensemble.of_record == stored_ensemble.of_record
    assert np.array_equal(ensemble.predictions, stored_ensemble.predictions)


@pytest.mark.parametrize("piece", [64, 1000])
def test_a_pass_in_pieces_gives_the_numbers_of_one_pass(splits, monkeypatch, piece):
    arrays, stored = (split.inputs["labelled"] for split in splits)
    network = learner_of(RECIPE, splits[0], 0).eval().network
    with torch.no_grad():
        outputs = network(torch.as_tensor(arrays))
        idle = share_of_idle_units(network, torch.as_tensor(arrays))
        monkeypatch.setattr(passes, "PIECE", piece)
        monkeypatch.setattr(passes, "STORED_PIECE", piece)
        for inputs in (torch.as_tensor(arrays), StoredTensor(stored, "cpu")):
            lengths = [len(each) for each in passes.pieces(inputs)]
            assert sum(lengths) == 60 and max(lengths) == piece // 64 and len(lengths) == -(-60 // max(lengths))
            assert torch.allclose(passes.outputs_on(network, inputs), outputs, atol=1e-6)
            assert share_of_idle_units(network, inputs) == idle


def test_statistics_in_pieces_are_the_means_of_those_of_the_pieces(monkeypatch):
    inputs = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(passes, "PIECE", 60)  # 20 examples
    model = nn.Sequential(nn.BatchNorm1d(3))
    recompute_statistics(model, inputs)
    assert torch.allclose(model[0].running_mean, inputs.mean(0), atol=1e-6)
    assert torch.allclose(model[0].running_var, torch.stack([part.var(0) for part in inputs.split(20)]).mean(0))
