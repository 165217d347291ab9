"""Every family takes examples that stay in their file a few at a time, and its numbers are those of arrays in memory."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from reglab.data import prepared, stored_inputs, tensor_files
from reglab.data.augmentation.policy import Policy
from reglab.data.preprocessing.pixels import Pixels
from reglab.data.settings import Data
from reglab.data.stored_inputs import StoredInputs
from reglab.experiments import applicability
from reglab.experiments.applicability import Facts, too_large
from reglab.experiments.baselines.methods.gradient_boosting import GradientBoosting
from reglab.experiments.baselines.methods.k_nearest_neighbours import KNearestNeighbours
from reglab.experiments.baselines.methods.logistic_regression import LogisticRegression
from reglab.experiments.baselines.methods.support_vector_machine import SupportVectorMachine
from reglab.experiments.baselines.run import predict
from reglab.experiments.few_labels.labelled import few
from reglab.experiments.few_labels.methods.autoencoder_classifier import AutoencoderClassifier
from reglab.experiments.few_labels.methods.label_spreading import LabelSpreading
from reglab.experiments.few_labels.methods.mean_teacher import MeanTeacher
from reglab.experiments.few_labels.methods.pseudo_label import PseudoLabel
from reglab.experiments.few_labels.run import FewLabelsStudy, train_few
from reglab.experiments.few_labels.settings import FewLabels
from reglab.experiments.pretraining import base, probes
from reglab.experiments.pretraining.methods.contrastive import Contrastive
from reglab.experiments.pretraining.methods.denoising import Denoising
from reglab.experiments.pretraining.methods.masked import Masked
from reglab.experiments.pretraining.methods.orientation import Orientation
from reglab.experiments.pretraining.methods.scratch import Scratch
from reglab.experiments.pretraining.methods.supervised_base_classes import SupervisedBaseClasses
from reglab.experiments.pretraining.run import picture, pretrain_seed
from reglab.experiments.robustness import attacked_seed
from reglab.models.convnet import ConvNet
from reglab.tracking.journal import Journal
from reglab.training import passes
from reglab.training.one_seed import Recipe, finished_seed, learner_of
from reglab.training.settings import Training

MODEL = ConvNet(width=4, depth=1)
SETTING = base.Setting(MODEL, Policy(noise=0.1))
BATCH, PIECE, NUMBERS = 16, 10, 64  # examples of a batch and of a piece, numbers of an example


@pytest.fixture
def splits(tmp_path, monkeypatch):
    """The same split with its inputs as arrays, and in their file, where no part is read as a whole."""
    random, labels = np.random.default_rng(0), np.arange(240) % 3
    pixels = (random.integers(0, 120, (240, 1, 8, 8)) + 60 * labels[:, None, None, None]).astype(np.uint8)
    data = Data("images", train_size=120, validation_size=44, test_size=60)
    prepared.write(tmp_path / "data", data, Pixels(pixels, 0, 255), labels, seeds=1)
    arrays = prepared.read(tmp_path / "data").split(0)
    monkeypatch.setattr(tensor_files, "MAPPED", 2_000)
    monkeypatch.setattr(prepared, "STORED", 0)
    monkeypatch.setattr(passes, "STORED_PIECE", NUMBERS * PIECE)
    monkeypatch.setattr(stored_inputs, "PIECE", NUMBERS * PIECE)
    monkeypatch.setattr(attacked_seed, "PIECE", PIECE)
    return arrays, prepared.read(tmp_path / "data").split(0)


@pytest.fixture
def taken(monkeypatch):
    """How many examples were read at once, each time."""
    counts, index = [], StoredInputs.__getitem__

    def counted(self, rows):
        read = index(self, rows)
        counts.append(len(read) if read.ndim == 4 else 1)
        return read

    monkeypatch.setattr(StoredInputs, "__getitem__", counted)
    monkeypatch.setattr(StoredInputs, "__array__", lambda *_, **__: pytest.fail("a part was read as a whole"))
    return counts


PRETEXTS = [Masked, Denoising, Orientation, Contrastive, lambda **more: SupervisedBaseClasses(classes=2, **more)]


@pytest.mark.parametrize("kind", PRETEXTS, ids=["masked", "denoising", "orientation", "contrastive", "base classes"])
def test_a_pretext_learns_the_same_weights_from_batches(splits, taken, tmp_path, kind, monkeypatch):
    monkeypatch.setattr(base, "PIECE", 60)  # all of the test part: contrastive views are compared within a piece
    results = []
    for number, split in enumerate(splits):
        folder = tmp_path / str(number)
        folder.mkdir()
        pretrain_seed(kind(epochs=2, batch_size=BATCH), SETTING, split, split, 0, folder)
        results.append(
            (*finished_seed(folder, 0), [line["metrics"] for line in Journal(folder / "seed-0.jsonl").lines])
        )
    (outcome, tensors, curves), (of_stored, stored, stored_curves) = results
    assert all(np.array_equal(tensors[name], stored[name]) for name in tensors) and tensors.keys() == stored.keys()
    assert outcome["metrics"] == pytest.approx(of_stored["metrics"], abs=1e-5)
    assert all(one == pytest.approx(other, abs=1e-5) for one, other in zip(curves, stored_curves, strict=True))
    assert max(taken) <= 60
    weights = {name.removeprefix("weights/"): values for name, values in tensors.items()}
    pictures = [picture(kind(batch_size=BATCH), SETTING, split, split, 0, weights) for split in splits]
    assert pictures[0] == pictures[1] and max(taken) <= 60


def test_a_pretext_is_measured_in_pieces_whose_mean_is_that_of_all_examples(splits, taken, tmp_path, monkeypatch):
    monkeypatch.setattr(base, "PIECE", PIECE)
    outcomes = []
    for number, split in enumerate(splits):
        (tmp_path / str(number)).mkdir()
        pretext = SupervisedBaseClasses(classes=3, epochs=1, batch_size=BATCH)  # draws nothing where it is measured
        pretrain_seed(pretext, SETTING, split, split, 0, tmp_path / str(number))
        outcomes.append(finished_seed(tmp_path / str(number), 0)[0]["metrics"])
    assert max(taken) == BATCH
    names = [
        name for name in outcomes[0] if not name.endswith("chance")
    ]  # a piece has a most frequent class of its own
    assert len(names) == 8
    assert {name: outcomes[0][name] for name in names} == pytest.approx(
        {name: outcomes[1][name] for name in names}, abs=1e-5
    )


def test_probes_look_at_examples_that_are_spread_over_a_large_part(splits, monkeypatch):
    monkeypatch.setattr(base, "PROBED", 30)
    arrays, stored = (Scratch().task(split, split, SETTING, 0).probes[1] for split in splits)
    assert len(arrays.inputs) == 120 and len(stored.inputs) == len(stored.held_out_inputs) == len(stored.labels) == 30
    assert torch.equal(stored.inputs[torch.arange(30)], arrays.inputs[::4])
    assert torch.equal(stored.labels, arrays.labels[::4])
    assert torch.equal(stored.held_out_labels, arrays.held_out_labels[::2])


def test_neighbours_are_the_same_whatever_is_compared_at_once(monkeypatch):
    features = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    near = probes.nearest(features, features[:20], 5)
    monkeypatch.setattr(probes, "PAIRS", 150)
    assert torch.equal(probes.nearest(features, features[:20], 5), near) and torch.equal(near[:, 0], torch.arange(20))


def test_few_labels_leave_all_examples_in_their_file(splits, taken):
    for classes in (None, (0, 1, 2), (2, 1)):
        arrays, stored = (few(split, 4, classes) for split in splits)
        assert all(isinstance(inputs, StoredInputs) for inputs in stored.inputs.values()) and not taken
        for part, inputs in stored.inputs.items():
            assert np.array_equal(inputs[:], arrays.inputs[part]), part
            assert np.array_equal(stored.labels[part], arrays.labels[part])
        taken.clear()


@pytest.mark.parametrize(
    "method",
    [AutoencoderClassifier(), MeanTeacher(), PseudoLabel(), LabelSpreading()],
    ids=lambda each: type(each).__name__,
)
def test_a_semi_supervised_training_takes_its_unlabelled_examples_in_batches(splits, taken, tmp_path, method):
    settings = FewLabels(MODEL, labels_per_class=(4,), epochs=2, steps=6, batch_size=8)
    study, results = FewLabelsStudy(settings, Policy(noise=0.1), "cpu", (0, 1, 2)), []
    for number, split in enumerate(splits):
        (tmp_path / str(number)).mkdir()
        train_few(method, study, few(split, 4, study.classes), 0, tmp_path / str(number))
        results.append(finished_seed(tmp_path / str(number), 0)[1])
    arrays, stored = results
    assert max(taken) <= 32  # unlabelled_batch_size
    for name, values in arrays.items():
        if name.startswith("weights/"):
            assert np.array_equal(values, stored[name]), name
        else:
            assert np.allclose(values, stored[name], atol=1e-6), name


@pytest.mark.parametrize(
    "baseline",
    [LogisticRegression(), KNearestNeighbours(), GradientBoosting(max_iter=3), SupportVectorMachine()],
    ids=lambda each: type(each).__name__,
)
def test_a_baseline_is_fitted_to_a_file_and_predicts_in_pieces(splits, taken, baseline):
    arrays, stored = (predict(baseline, split) for split in splits)
    assert max(taken) == PIECE and len(taken) == 12 + 12 + 5 + 6  # the training part twice, validation, test
    assert all(np.allclose(arrays[part], stored[part], atol=1e-12) for part in arrays)


def test_rows_in_a_file_are_those_of_the_parts(splits, taken, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # which has a folder data, where the file is while it is written
    arrays, stored = splits
    rows = stored_inputs.rows_in_file([stored.inputs["test"], stored.inputs["validation"]])
    whole = np.concatenate([arrays.inputs["test"], arrays.inputs["validation"]])
    assert rows.dtype == np.float64 and np.array_equal(rows, whole.reshape(104, -1).astype(np.float64))
    assert not rows.flags.owndata and not rows.flags.writeable
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["data.safetensors", "dataset.json"]


def test_an_attack_on_pieces_is_that_on_all_test_examples(splits, taken, tmp_path):
    attack = SimpleNamespace(norm="linf", epsilons=[0.02, 0.1], examples=8)
    network = learner_of(Recipe((), MODEL, Training(epochs=1)), splits[0], 0).network.eval()
    with torch.no_grad():
        predicted = network.task.predictions(network(torch.as_tensor(splits[0].inputs["test"])))
    save_file({"test_predictions": predicted.numpy()[None]}, tmp_path / "predictions.safetensors")
    arrays, stored = (attacked_seed.measure(lambda *_: network, tmp_path, split, 0, attack) for split in splits)
    assert max(taken) == PIECE and stored.clean == pytest.approx(arrays.clean, abs=1e-12)
    assert stored.curves["fast_gradient"] == pytest.approx(arrays.curves["fast_gradient"], abs=1e-12)
    assert stored.curves["projected_gradient"] == pytest.approx(arrays.curves["projected_gradient"], abs=0.05)  # starts
    one, other = (each.of_examples["smallest_epsilon"] for each in (arrays, stored))
    assert one.shape == other.shape == (60,) and np.median(np.abs(one - other)) < 0.01
    assert stored.strong == arrays.strong and np.allclose(stored.transferable, arrays.transferable)
    assert [check.passed for check in stored.checks] == [check.passed for check in arrays.checks]


def test_errors_of_pieces_are_joined_as_roots_of_mean_squares():
    errors = np.array([1.0, 2.0, 3.0, 4.0, 9.0])

    def piece(some):
        root = float(np.sqrt(np.square(some).mean()))
        return attacked_seed.OfExamples(len(some), root, {"fast_gradient": [root, 2 * root]}, {"robust_error@1": some})

    whole = attacked_seed.over_pieces([piece(errors)], amounts=True)
    pieces = attacked_seed.over_pieces([piece(errors[:2]), piece(errors[2:])], amounts=True)
    assert pieces["clean"] == pytest.approx(whole["clean"], abs=1e-12)
    assert pieces["curves"]["fast_gradient"] == pytest.approx(whole["curves"]["fast_gradient"], abs=1e-12)
    assert np.array_equal(pieces["of_examples"]["robust_error@1"], errors)


def test_new_examples_are_prepared_in_pieces_too(splits, monkeypatch):
    pixels = Pixels(np.arange(7 * 64, dtype=np.uint8).reshape(7, 1, 8, 8), 0, 255)
    stored = prepared.prepared_by(pixels.fit(), pixels)
    assert isinstance(stored, StoredInputs) and np.array_equal(stored[:], pixels.fit().transform(pixels))
    monkeypatch.setattr(prepared, "STORED", 2**28)
    assert np.array_equal(prepared.prepared_by(pixels.fit(), pixels), stored[:])


def test_a_method_that_copies_more_than_is_allowed_is_not_applicable(splits, tmp_path, monkeypatch):
    facts = applicability.facts_of(tmp_path / "data")
    assert facts.in_file == 120 * NUMBERS
    pixels, labels = Pixels(np.zeros((240, 1, 8, 8), np.uint8), 0, 255), np.arange(240) % 3
    for inputs in (pixels, pixels.fit().transform(pixels)):  # before they are split, `reglab check` knows the same
        assert applicability.facts_of_examples(inputs, labels, 120) == facts
    monkeypatch.setattr(prepared, "STORED", 2**28)
    assert applicability.facts_of(tmp_path / "data").in_file == 0  # arrays are in memory in any case
    large = Facts((3, 64, 64), in_file=50_000 * 3 * 64 * 64)
    assert too_large(SupportVectorMachine(), large) == (
        "needs 10 GB for copies of the training examples; allowed are 8 GB"
    )
    assert too_large(LogisticRegression(), large) == too_large(SupportVectorMachine(), facts) == ""
