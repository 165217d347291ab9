"""Few labels of amounts and of sets of labels: which examples have one, the losses, and trainings against plain ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.semi_supervised import LabelSpreading as TheirSpreading
from torch.distributions import Bernoulli, kl_divergence

from reglab.core.streams import generator
from reglab.core.tasks import Classification, Multilabel, Regression
from reglab.data import prepared
from reglab.data.augmentation.policy import Policy
from reglab.data.settings import Data
from reglab.evaluation.predicted import predicted_metrics
from reglab.experiments.few_labels.labelled import covering_labels, few, spread_over_amounts
from reglab.experiments.few_labels.methods.autoencoder_classifier import AutoencoderClassifier
from reglab.experiments.few_labels.methods.label_spreading import LabelSpreading
from reglab.experiments.few_labels.methods.mean_teacher import MeanTeacher
from reglab.experiments.few_labels.methods.pseudo_label import PseudoLabel, pseudo_label_loss
from reglab.experiments.few_labels.run import FewLabelsStudy, TransferMethod, train_few
from reglab.experiments.few_labels.settings import FewLabels, Transfer
from reglab.experiments.robustness.trained_networks import few_labels_network
from reglab.models.mlp import MLP
from reglab.training.network import build
from reglab.training.one_seed import Recipe, finished_seed, train_seed
from reglab.training.settings import Training

TRAIN, FEATURES = 96, 5
SETTINGS = FewLabels(model=MLP(width=8, depth=1), epochs=2, steps=TRAIN // 16, batch_size=16, learning_rate=0.01)
STUDY = FewLabelsStudy(SETTINGS, Policy(noise=0.1), "cpu", None)


def targets_of(inputs: np.ndarray, kind: str, noise: float = 0.3) -> np.ndarray:
    """Amounts of about 50 in units of 10, or four labels, the last of them rare."""
    random = np.random.default_rng(7)
    amounts = inputs @ random.normal(size=(FEATURES, 4)) + noise * random.normal(size=(len(inputs), 4))
    return 50 + 10 * amounts[:, 0] if kind == "amounts" else (amounts > [0, 0.5, 1, 5]).astype(np.uint8)


def data_of(folder, kind: str, shuffled: bool = False) -> prepared.Prepared:
    inputs = np.random.default_rng(0).normal(size=(300, FEATURES)).astype(np.float32)
    labels = targets_of(inputs, kind)
    if shuffled:
        labels = labels[np.random.default_rng(1).permutation(len(labels))]
    prepared.write(
        folder, Data(name="rows", train_size=TRAIN, validation_size=60, test_size=100), inputs, labels, seeds=2
    )
    return prepared.read(folder)


@pytest.fixture(scope="module", params=["amounts", "labels"])
def data(request, tmp_path_factory):
    return data_of(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture
def start(tmp_path):
    """A function that leaves the record of `scratch` of this network and task, and returns its folder."""

    def published(model, task, seed: int = 0):
        folder = tmp_path / "scratch"
        (folder / "weights").mkdir(parents=True)
        state = build(model, (FEATURES,), task, seed).backbone.state_dict()
        named = {f"backbone.{name}": value for name, value in state.items()}
        save_file(named | {"head.weight": torch.zeros(1)}, folder / "weights" / f"seed-{seed}.safetensors")
        return folder

    return published


def trained(method, case, folder, study=STUDY):
    folder.mkdir(parents=True, exist_ok=True)
    train_few(method, study, case, 0, folder)
    return finished_seed(folder, 0)


def test_amounts_with_labels_are_spread_over_the_quantiles():
    amounts = np.random.default_rng(3).normal(size=64)
    order = spread_over_amounts(amounts)
    assert sorted(order) == list(range(64)) and order[0] == 0
    ranks = amounts.argsort().argsort()
    for number in (2, 4, 8, 16, 32):
        assert sorted(ranks[order[:number]] * number // 64) == list(range(number))


@pytest.mark.parametrize(("count", "number"), [(7, 3), (50, 6), (64, 5), (97, 10)])
def test_every_example_has_a_label_with_the_same_probability_whatever_its_amount(count, number):
    """Over all examples that may come first, the sorted amounts 0, 1, ... are chosen alike."""
    chosen = [np.roll(np.arange(count), -first) for first in range(count)]
    chosen = [amounts[spread_over_amounts(amounts.astype(float))[:number]] for amounts in chosen]
    assert np.bincount(np.concatenate(chosen), minlength=count).tolist() == [number] * count


def test_equal_amounts_are_ordered_too_and_one_example_is():
    assert sorted(spread_over_amounts(np.ones(10))) == list(range(10))
    assert spread_over_amounts(np.array([3.0])).tolist() == [0]


def test_each_label_that_there_is_has_an_example_among_the_first():
    labels = (np.random.default_rng(4).random((200, 6)) < [0.5, 0.3, 0.02, 0.0, 0.05, 1.0]).astype(np.uint8)
    order = covering_labels(labels)
    assert sorted(order) == list(range(200))
    assert labels[order[:6]].any(0).tolist() == labels.any(0).tolist()
    assert labels[order[0], 2] and order[0] == labels[:, 2].argmax()


def test_the_scale_of_amounts_is_that_of_the_few_that_are_known(tmp_path):
    split = data_of(tmp_path, "amounts").split(0, clean=True)
    case = few(split, 10, None)
    known = split.labels["labelled"][np.isin(split.rows["labelled"], case.rows["labelled"])]
    assert len(known) == 10 and case.target_scale == (known.mean(), known.std()) != split.target_scale
    assert case.task == Regression(known.mean(), known.std())


def test_other_parts_stay_and_more_labels_keep_the_examples_that_fewer_had(data):
    split = data.split(0, clean=True)
    ten, thirty = few(split, 10, None), few(split, 30, None)
    assert set(ten.rows["labelled"]) < set(thirty.rows["labelled"]) and len(thirty.rows["labelled"]) == 30
    for part in ("validation", "test"):
        assert np.array_equal(ten.rows[part], split.rows[part]) and np.array_equal(ten.labels[part], split.labels[part])
    assert sorted(ten.rows["unlabelled"]) == sorted([*split.rows["labelled"], *split.rows["unlabelled"]])
    for part, rows in ten.rows.items():
        assert np.array_equal(ten.inputs[part], data.tensors["inputs"][rows])
        assert np.array_equal(ten.labels[part], data.tensors["labels"][rows])


def test_from_scratch_on_all_labels_is_the_plain_training_to_the_bit(data, start, tmp_path):
    split = data.split(0, clean=True)
    method = TransferMethod(Transfer("scratch", augment=False), start(SETTINGS.model, split.task))
    _, ours = trained(method, few(split, TRAIN, None), tmp_path / "few")
    training = Training(epochs=2, batch_size=16, learning_rate=0.01)
    (tmp_path / "plain").mkdir()
    train_seed(Recipe((), SETTINGS.model, training), split, 0, tmp_path / "plain")
    _, plain = finished_seed(tmp_path / "plain", 0)
    assert ours.keys() == plain.keys() and all(np.array_equal(ours[name], plain[name]) for name in ours)


def test_a_linear_network_of_amounts_on_all_labels_is_least_squares(start, tmp_path):
    """Within a thousandth of the standard deviation: steps of a constant size end that far from the minimum."""
    split = data_of(tmp_path / "data", "amounts").split(0, clean=True)
    linear = replace(SETTINGS, model=MLP(depth=0), batch_size=TRAIN, epochs=3, steps=500)
    method = TransferMethod(Transfer("scratch", augment=False), start(linear.model, split.task))
    _, tensors = trained(method, few(split, TRAIN, None), tmp_path / "few", replace(STUDY, settings=linear))
    design = {part: np.column_stack([split.inputs[part], np.ones(len(split.inputs[part]))]) for part in split.inputs}
    weights = np.linalg.lstsq(design["labelled"], split.labels["labelled"], rcond=None)[0]
    gap = np.abs(tensors["predictions/test"][:, 0] - design["test"] @ weights).max()
    assert gap < 1e-3 * split.labels["labelled"].std()


@pytest.mark.parametrize(
    "method",
    [MeanTeacher(weight=0.0, decay=0.0), PseudoLabel(weight=0.0), AutoencoderClassifier(weight=0.0, width=4)],
    ids=lambda method: type(method).__name__,
)
def test_with_weight_0_on_unlabelled_examples_it_is_training_from_scratch(data, method, start, tmp_path):
    case = few(data.split(0, clean=True), 20, None)
    if data.task == "regression" and "discrete" in method.needs:
        pytest.skip("it is not applicable to amounts")
    _, scratch = trained(
        TransferMethod(Transfer("scratch"), start(SETTINGS.model, case.task)), case, tmp_path / "scratch_of"
    )
    _, ours = trained(method, case, tmp_path / "method")
    assert ours.keys() == scratch.keys() and all(np.array_equal(ours[name], scratch[name]) for name in ours)


def test_amounts_are_consistent_by_their_squared_difference_and_labels_by_the_divergence_of_each():
    student, opinion = torch.randn(2, 6, 3, generator=generator("opinions"), dtype=torch.float64)
    ours = Regression(4.0, 2.0).consistency(student[:, :1], opinion[:, :1], 0.5)
    torch.testing.assert_close(ours, (student[:, 0] - opinion[:, 0]).square().mean(), rtol=1e-12, atol=0)
    theirs = kl_divergence(Bernoulli(logits=opinion / 0.5), Bernoulli(logits=student)).mean()
    torch.testing.assert_close(Multilabel(3).consistency(student, opinion, 0.5), theirs, rtol=1e-12, atol=0)


def test_a_pseudo_label_of_several_is_the_confident_side_of_each():
    scores, guesses = torch.randn(2, 5, 3, generator=generator("guesses"), dtype=torch.float64)
    task, threshold, terms = Multilabel(3), 0.7, []
    for z, p in zip(scores.flatten().tolist(), guesses.sigmoid().flatten().tolist(), strict=True):
        right = np.log1p(np.exp(-z)) if p > 0.5 else np.log1p(np.exp(z))
        terms.append(right if max(p, 1 - p) >= threshold else 0.0)
    assert 0 < sum(term > 0 for term in terms) < len(terms)
    ours = pseudo_label_loss(task.choices(scores), task.choices(guesses).softmax(1), threshold)
    assert ours.item() == pytest.approx(np.mean(terms), rel=1e-12)
    assert Classification(3).choices(scores) is scores


def test_labels_spread_one_by_one_as_scikit_learns_do(tmp_path):
    case = few(data_of(tmp_path, "labels").split(0, clean=True), 30, None)
    predicted = LabelSpreading(n_neighbors=7, alpha=0.6).predict(case, 4)
    inputs = np.concatenate([case.inputs["labelled"], case.inputs["unlabelled"]]).astype(float)
    for label, known in enumerate(case.labels["labelled"].T.astype(int)):
        theirs = TheirSpreading("knn", n_neighbors=7, alpha=0.6, max_iter=1000)
        theirs.fit(inputs, np.concatenate([known, np.full(len(case.inputs["unlabelled"]), -1)]))
        expected = theirs.predict_proba(case.inputs["test"].astype(float))[:, 1]
        np.testing.assert_allclose(predicted["test"][:, label], np.nan_to_num(expected, nan=0.5), rtol=0, atol=1e-12)


def test_an_attacked_network_of_amounts_predicts_what_was_published(start, tmp_path):
    """Within 1e-5 of the standard deviation, for amounts go through another scale in single precision."""
    data = data_of(tmp_path / "data", "amounts")
    split = data.split(0)
    method = TransferMethod(Transfer("scratch"), start(SETTINGS.model, split.task))
    _, tensors = trained(method, few(data.split(0, clean=True), 10, None), tmp_path / "few")
    (tmp_path / "weights").mkdir()
    weights = {
        name.removeprefix("weights/"): torch.as_tensor(each) for name, each in tensors.items() if "weights" in name
    }
    save_file(weights, tmp_path / "weights" / "seed-0.safetensors")
    network = few_labels_network(Recipe((), SETTINGS.model, Training()), 10, tmp_path, split, 0)
    with torch.no_grad():
        predictions = split.task.predictions(network(torch.as_tensor(split.inputs["test"]))).numpy()
    gap = np.abs(predictions - tensors["predictions/test"]).max()
    assert gap < 1e-5 * split.labels["test"].std()


@pytest.mark.parametrize("kind", ["amounts", "labels"])
@pytest.mark.parametrize(
    "method",
    [None, MeanTeacher(), AutoencoderClassifier(), PseudoLabel(), LabelSpreading()],
    ids=lambda m: type(m).__name__,
)
def test_what_is_learned_from_labels_beats_chance_and_from_shuffled_ones_does_not(kind, method, start, tmp_path):
    """Chance is an R² of 0 or less and a mean AUROC of 1/2; the bounds are those of 100 test examples."""
    if kind == "amounts" and method and "discrete" in method.needs:
        pytest.skip("it is not applicable to amounts")
    scores = {}
    for shuffled in (False, True):
        split = data_of(tmp_path / f"data-{shuffled}", kind, shuffled).split(0, clean=True)
        folder = tmp_path / f"few-{shuffled}"
        if method is None and not shuffled:
            scratch = start(SETTINGS.model, split.task)
        of = method or TransferMethod(Transfer("scratch"), scratch)
        study = replace(STUDY, settings=replace(SETTINGS, steps=60, epochs=3))
        _, tensors = trained(of, few(split, 60, None), folder, study)
        scores[shuffled] = predicted_metrics(tensors["predictions/test"], split.labels["test"])
    if kind == "amounts":
        assert scores[False]["r2"] > 0.7 and scores[True]["r2"] < 0.15
    else:
        assert scores[False]["multilabel_auroc"] > 0.8 and abs(scores[True]["multilabel_auroc"] - 0.5) < 0.15
