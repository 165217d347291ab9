"""What is judged is what is measured: every number of a record is of the network that made the published probabilities."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from blobs import blobs
from safetensors.numpy import save_file
from torch.nn.functional import cross_entropy

from reglab.config import params
from reglab.core import tasks
from reglab.core.streams import Moment, generator
from reglab.data.augmentation.policy import Policy
from reglab.data.loader import Loader, whole
from reglab.data.prepared import Split
from reglab.experiments.few_labels.methods.mean_teacher import MeanTeacher
from reglab.experiments.few_labels.methods.pseudo_label import PseudoLabel
from reglab.experiments.few_labels.run import FewLabelsStudy, prepare_training, train_few
from reglab.experiments.few_labels.settings import FewLabels
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout, masks
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.regularizers.hidden_noise import HiddenNoise
from reglab.regularizers.k_sparse import KSparse
from reglab.regularizers.l1 import L1
from reglab.regularizers.sparse_activations import SparseActivations
from reglab.regularizers.weight_averaging import WeightAveraging
from reglab.regularizers.weight_decay import WeightDecay
from reglab.training import all_seeds
from reglab.training.network import build
from reglab.training.one_seed import Recipe, evaluate_seed, finished_seed, fit, train_seed
from reglab.training.restore import recipe_network

EPOCHS, SHAPE = 4, (1, 4, 4)
MODEL = MLP(width=12, depth=2)
STUDY = FewLabelsStudy(
    FewLabels(MODEL, (), (5,), epochs=2, steps=6, batch_size=8), Policy(rotation=20), "cpu", (0, 1, 2)
)


@pytest.fixture(scope="module")
def split(tmp_path_factory) -> Split:
    return blobs(tmp_path_factory.mktemp("data"), seeds=1, train_size=60, validation_size=24, test_size=36).split(0)


def named(method) -> str:
    return type(method).__name__


def recipe(*techniques, **changes) -> Recipe:
    settings = params.Training(epochs=EPOCHS, batch_size=16, learning_rate=0.02)
    return Recipe(techniques, MODEL, replace(settings, **changes))


def trained(folder, split, given: Recipe) -> tuple[dict, dict[str, np.ndarray], list[dict]]:
    """The metrics as the record has them, the published weights, and the learning curves."""
    train_seed(given, split, 0, folder)
    outcome, tensors = finished_seed(folder, 0)
    predicted = {name.partition("/")[2]: array for name, array in tensors.items() if name.startswith("predictions/")}
    weights = {name.partition("/")[2]: array for name, array in tensors.items() if name.startswith("weights/")}
    lines = [json.loads(line) for line in (folder / "seed-0.jsonl").read_text(encoding="utf-8").splitlines()]
    return all_seeds.seed_of_record(outcome, predicted, split)["metrics"], weights, [line["metrics"] for line in lines]


def matrices(weights: dict[str, np.ndarray], kind: str = "") -> np.ndarray:
    """All weight matrices as one vector: those that were trained, or their averages."""
    layers = ("backbone.0.1", "backbone.1.1", "head")
    return np.concatenate([weights[f"{layer}.{kind}weight"].ravel() for layer in layers])


def initial() -> np.ndarray:
    return matrices({name: value.numpy() for name, value in build(MODEL, SHAPE, 3, 0).state_dict().items()})


def test_averaged_weights_are_measured_and_not_those_that_go_on_training(tmp_path, split):
    """Strength 1 of the lasso makes every trained weight zero from time to time, and none of the averages."""
    metrics, weights, curves = trained(tmp_path, split, recipe(L1(1.0), WeightAveraging(0.9)))
    judged, current = matrices(weights, "average_"), matrices(weights)
    assert (current == 0).mean() > 0.3 and (judged == 0).mean() == 0
    assert metrics["zero_weights"] == 0
    assert metrics["weight_norm"] == pytest.approx(np.linalg.norm(judged), rel=1e-6)
    assert metrics["distance_from_start"] == pytest.approx(np.linalg.norm(judged - initial()), rel=1e-6)
    assert np.linalg.norm(current) < 0.9 * np.linalg.norm(judged)
    assert curves[-1]["weight_norm"] == pytest.approx(metrics["weight_norm"], rel=1e-6), "so do the curves"
    units = split.inputs["validation"].reshape(-1, 16)
    idle = []
    for layer in (0, 1):
        weight, bias = (weights[f"backbone.{layer}.1.average_{kind}"] for kind in ("weight", "bias"))
        units = np.maximum(units @ weight.T + bias, 0)
        idle.append(units == 0)
    assert metrics["idle_units"] == pytest.approx(np.mean(idle), abs=2e-3)  # a unit within rounding of zero


def test_weight_averaging_has_numbers_of_its_own_and_trains_as_none_does(tmp_path, split):
    plain, averaged = (
        trained(tmp_path / name, split, given)
        for name, given in (("none", recipe()), ("averaged", recipe(WeightAveraging(0.95))))
        if not (tmp_path / name).mkdir()
    )
    assert np.array_equal(matrices(plain[1]), matrices(averaged[1]))
    for name in ("weight_norm", "distance_from_start"):
        assert averaged[0][name] < plain[0][name], "an average lags behind, nearer to the start"


def test_the_distance_is_from_the_initial_weights_and_not_from_zero_or_from_themselves(tmp_path, split):
    metrics, weights, curves = trained(tmp_path, split, recipe())
    away = np.linalg.norm(matrices(weights) - initial())
    assert metrics["distance_from_start"] == pytest.approx(away, rel=1e-6) and away > 0.5
    assert metrics["weight_norm"] == pytest.approx(np.linalg.norm(matrices(weights)), rel=1e-6)
    assert abs(metrics["weight_norm"] - away) > 0.5
    assert curves[-1]["distance_from_start"] == pytest.approx(away, rel=1e-6)
    assert 0 < curves[0]["distance_from_start"] < away


def test_where_the_best_epoch_is_not_the_last_all_numbers_are_of_the_best(tmp_path, split):
    metrics, weights, curves = trained(tmp_path, split, recipe(EarlyStopping(patience=3), epochs=60, learning_rate=0.1))
    best = int(np.argmin([line["validation_nll"] for line in curves]))
    assert best == len(curves) - 4
    assert metrics["weight_norm"] == pytest.approx(np.linalg.norm(matrices(weights)), rel=1e-6)
    assert metrics["weight_norm"] != pytest.approx(curves[-1]["weight_norm"], rel=1e-3)
    for name in ("weight_norm", "distance_from_start", "validation_nll", "validation_accuracy", "train_nll"):
        assert metrics[name] == pytest.approx(curves[best][name], rel=1e-5), name


def test_idle_units_of_a_mean_over_masks_are_those_of_all_its_passes(tmp_path, split):
    technique = Dropout(0.2, 0.5, "arithmetic", masks=3)
    metrics, weights, _ = trained(tmp_path, split, recipe(technique))
    idle = []
    for number in range(technique.masks):
        random = generator(0, "dropout/prediction", number)
        units = torch.as_tensor(split.inputs["validation"])
        units = (units * masks(units, 1, 0.2, random)).flatten(1)
        for layer in (0, 1):
            weight, bias = (torch.as_tensor(weights[f"backbone.{layer}.1.{kind}"]) for kind in ("weight", "bias"))
            units = (units @ weight.T + bias).clamp(min=0)
            idle.append((units == 0).double().mean().item())
            units = units * masks(units, 1, 0.5, random)
    assert metrics["idle_units"] == pytest.approx(np.mean(idle), abs=2e-3)
    assert metrics["weight_norm"] == pytest.approx(np.linalg.norm(matrices(weights)), rel=1e-6)


def test_a_search_publishes_the_numbers_of_the_same_network(tmp_path, split):
    averaged = recipe(WeightAveraging(0.9))
    blind, whole_ = tmp_path / "blind", tmp_path / "whole"
    for folder in (blind, whole_, tmp_path / "judged"):
        folder.mkdir()
    train_seed(averaged, split.without_test(), 0, blind)
    evaluate_seed(averaged, split, 0, blind, tmp_path / "judged")
    train_seed(averaged, split, 0, whole_)
    assert finished_seed(tmp_path / "judged", 0)[0] == finished_seed(whole_, 0)[0]


# copies of a network


ACTING = [KSparse(2), Dropout(0.2, 0.5), HiddenNoise(0.5), SparseActivations(0.1)]


def copies(technique) -> dict[str, tuple]:
    """A network with the technique's hooks, and each copy of it that the project makes, whose weights are others."""
    case = few_case()
    study = replace(STUDY, settings=replace(STUDY.settings, regularizers=(technique,)))
    learner, *_ = prepare_training(MeanTeacher(unlabelled_batch_size=5), study, case, seed=0)
    network, averaging = build(MODEL, SHAPE, 3, seed=0), WeightAveraging(0.5)
    network.moment = Moment(seed=0, epoch=0, step=0)
    technique.prepare_model(network)
    averaging.prepare_model(network)
    return {"teacher": (learner.network, learner.teacher), "averaged": (network, averaging.evaluation_model(network))}


def few_case() -> Split:
    random, sizes = np.random.default_rng(0), {"labelled": 15, "unlabelled": 30, "validation": 12, "test": 12}
    labels = {part: np.arange(size) % 3 for part, size in sizes.items()}
    inputs = {
        part: (random.random((size, *SHAPE)) + labels[part][:, None, None, None]).astype(np.float32) / 3
        for part, size in sizes.items()
    }
    return Split(inputs, labels, {part: np.arange(size) for part, size in sizes.items()}, classes=3)


@torch.no_grad()
def units_of(network, inputs) -> list[torch.Tensor]:
    """What the hidden layers hand on, with their hooks."""
    result = []
    for layer in network.hidden_layers:
        inputs = layer(inputs)
        result.append(inputs)
    return result


@torch.no_grad()
def without_hooks(network, inputs) -> list[torch.Tensor]:
    result, units = [], inputs.flatten(1)
    for layer in network.hidden_layers:
        units = layer[2](layer[1](units))
        result.append(units)
    return result


@pytest.mark.parametrize("kind", ["teacher", "averaged"])
@pytest.mark.parametrize("technique", ACTING, ids=named)
def test_hooks_act_on_a_copy_by_its_own_weights_and_its_own_mode(technique, kind):
    original, copied = copies(technique)[kind]
    inputs = torch.rand(40, *SHAPE, generator=generator("inputs"))
    for parameter in copied.parameters():
        parameter.data.mul_(1.5)
    original.train(), copied.eval()
    judged, bare = units_of(copied, inputs), without_hooks(copied, inputs)
    if isinstance(technique, KSparse):
        assert all((units != 0).sum(1).max() <= 2 for units in judged) and (bare[0] != 0).sum(1).max() > 2
    else:
        assert all(torch.equal(one, other) for one, other in zip(judged, bare, strict=True)), "no noise in evaluation"
    assert not getattr(original, "activations", None), "a copy leaves nothing with the original"
    original.eval(), copied.train()
    noisy = units_of(copied, inputs)
    assert torch.equal(noisy[0], bare[0]) == isinstance(technique, SparseActivations)


def test_the_judged_teacher_has_as_many_active_units_as_the_student(tmp_path):
    study = replace(STUDY, settings=replace(STUDY.settings, regularizers=(KSparse(2),)))
    learner, batches, parts = prepare_training(MeanTeacher(unlabelled_batch_size=5), study, few_case(), seed=0)
    units = units_of(learner.eval_network().eval(), parts["test"].inputs)
    assert all((each != 0).sum(1).max() <= 2 for each in units)
    batch = next(iter(batches)).unlabelled
    sharp = learner.unlabelled_loss(batch).item()
    without, *_ = prepare_training(MeanTeacher(unlabelled_batch_size=5), STUDY, few_case(), seed=0)
    assert sharp != without.unlabelled_loss(batch).item(), "it gives its opinion with them"


def test_the_teacher_gives_its_opinion_without_the_noise_of_the_student(monkeypatch):
    study = replace(STUDY, settings=replace(STUDY.settings, regularizers=(HiddenNoise(0.5), Dropout(0.2, 0.5))))
    learner, batches, _ = prepare_training(MeanTeacher(unlabelled_batch_size=5), study, few_case(), seed=0)
    batch, teachers = next(iter(batches)).unlabelled, []
    monkeypatch.setattr(tasks, "consistency", lambda student, teacher, _: teachers.append(teacher) or student.sum())
    learner.train().unlabelled_loss(batch)
    expected = learner.teacher.head(without_hooks(learner.teacher, learner.view(batch, "teacher", 0.5))[-1])
    assert torch.equal(teachers[0], expected) and learner.teacher.training, "and it is in the mode that it was in"


def test_a_teacher_under_weight_averaging_is_judged_by_the_average_of_the_student(tmp_path):
    """What the technique keeps beside the student's weights is copied to the teacher, which would keep the initial ones."""
    study = replace(STUDY, settings=replace(STUDY.settings, regularizers=(WeightAveraging(0.8),)))
    learner, batches, _ = prepare_training(MeanTeacher(unlabelled_batch_size=5), study, few_case(), seed=0)
    fit(learner, batches, [], tmp_path, study.training)
    judged, head = learner.eval_network().head.weight, learner.network.head
    assert torch.equal(judged, head.average_weight)
    assert not torch.equal(judged, head.weight) and not torch.equal(judged, learner.teacher.head.weight)


@pytest.mark.parametrize(
    "method", [MeanTeacher(unlabelled_batch_size=5), PseudoLabel(threshold=0.0, unlabelled_batch_size=5)], ids=named
)
@pytest.mark.parametrize(
    "techniques",
    [(KSparse(4),), (Dropout(0.1, 0.3, "arithmetic", 3),), (WeightAveraging(0.8), SparseActivations(0.01))],
    ids=["k_sparse", "mean_over_masks", "averaged"],
)
def test_the_published_weights_of_few_labels_make_the_published_probabilities(techniques, method, tmp_path):
    """Also what is averaged or masked to predict; a learner that keeps units of a step can be averaged."""
    study, case = replace(STUDY, settings=replace(STUDY.settings, regularizers=techniques)), few_case()
    train_few(method, study, case, 0, tmp_path)
    outcome, tensors = finished_seed(tmp_path, 0)
    assert outcome["status"] == "finished"
    (tmp_path / "weights").mkdir()
    weights = {name.removeprefix("weights/"): array for name, array in tensors.items() if name.startswith("weights/")}
    save_file(weights, tmp_path / "weights" / "seed-0.safetensors")
    network = recipe_network(Recipe(techniques, MODEL, None), tmp_path, case, 0)
    with torch.no_grad():
        predicted = network(torch.as_tensor(case.inputs["test"])).softmax(1)
    np.testing.assert_allclose(predicted.numpy(), tensors["predictions/test"], atol=1e-6)


# learning curves


def test_a_curve_is_the_mean_over_the_steps_of_its_epoch(tmp_path, split):
    """Steps of no length leave the initial network, so that the loss of every batch is known."""
    decayed = recipe(WeightDecay(0.01), optimizer="sgd", learning_rate=1e-12, epochs=3)
    *_, curves = trained(tmp_path, split, decayed)
    network = build(MODEL, SHAPE, 3, 0)
    loader = Loader(whole(split.inputs["labelled"], split.labels["labelled"], 3), 16, seed=0)
    for epoch, line in enumerate(curves):
        loader.set_epoch(epoch)
        with torch.no_grad():
            losses = [cross_entropy(network(batch.inputs), batch.targets).item() for batch in loader]
        penalty = 0.01 / 2 * np.square(initial()).sum()
        assert len(losses) == 4
        assert line["weight_decay_penalty"] == pytest.approx(penalty, rel=1e-5)
        assert line["loss"] == pytest.approx(np.mean(losses) + penalty, rel=1e-5)
