"""Label propagation: the graph against a closed form and scikit-learn, the loss against a loop, labels that nothing reads."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy import stats
from sklearn import semi_supervised as sklearns
from sklearn.neighbors import kneighbors_graph

from reglab.config.problems import Problems, checked
from reglab.core.streams import generator
from reglab.data.augmentation.policy import Policy
from reglab.data.prepared import Split
from reglab.experiments.applicability import Facts, not_applicable
from reglab.experiments.few_labels.propagation import PropagationLearner, certainty
from reglab.experiments.few_labels.run import FewLabelsStudy, TransferMethod, prepare_training
from reglab.experiments.few_labels.settings import FewLabels, LabelPropagation, Transfer, reference_of
from reglab.experiments.few_labels.spreading import spread_labels
from reglab.models.convnet import ConvNet
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.weight_averaging import WeightAveraging
from reglab.training.network import build
from reglab.training.one_seed import fit, measured_parts

SETTINGS = FewLabels(
    model=ConvNet(width=4, depth=1),
    epochs=2,
    steps=4,
    batch_size=8,
    learning_rate=0.01,
    regularizers=(WeightAveraging(0.9), Dropout(input_rate=0.2, hidden_rate=0.5)),
)
STUDY = FewLabelsStudy(SETTINGS, Policy(rotation=20, translation=0.1), "cpu", (0, 1, 2))
PROPAGATION = LabelPropagation(n_neighbors=4, alpha=0.6, unlabelled_batch_size=5)


@pytest.fixture(scope="module")
def case():
    """Six labelled and thirty unlabelled images of three classes that differ somewhat in brightness."""
    random, sizes = np.random.default_rng(0), {"labelled": 6, "unlabelled": 30, "validation": 12, "test": 12}
    labels = {part: np.arange(size) % 3 for part, size in sizes.items()}
    inputs = {
        part: (random.random((size, 1, 4, 4)) + 0.2 * labels[part][:, None, None, None]).astype(np.float32) / 1.4
        for part, size in sizes.items()
    }
    return Split(inputs, labels, {part: np.arange(size) for part, size in sizes.items()}, classes=3)


@pytest.fixture(scope="module")
def pretext(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretext")
    (folder / "weights").mkdir()
    moved = {
        f"backbone.{name}": of + 0.1
        for name, of in build(SETTINGS.model, (1, 4, 4), 3, 0).backbone.state_dict().items()
    }
    save_file(moved, folder / "weights" / "seed-0.safetensors")
    return folder


def fitted(pretext, case, folder, study=STUDY, **changes):
    """The learner of `contrastive_propagated` after its training, and the guesses of each epoch."""
    folder.mkdir(parents=True, exist_ok=True)
    entry = Transfer("contrastive", **{"label_propagation": PROPAGATION} | changes)
    learner, batches, parts = prepare_training(TransferMethod(entry, pretext), study, case, seed=0)
    fit(learner, batches, measured_parts(parts), folder, study.training, every=0.0)
    return learner


def same(one, other) -> bool:
    """Whether two learners have networks with the same weights to the last bit."""
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    return all(torch.equal(*pair) for pair in pairs)


def test_the_fixed_point_is_that_of_closed_form():
    """F = (I - alpha S)^-1 (1 - alpha) Y, each row divided by its sum: Zhou et al., 2004, eq. 4."""
    random, alpha, classes = np.random.default_rng(0), 0.7, 3
    points = random.normal(size=(40, 5))
    known = np.arange(12) % classes
    graph = kneighbors_graph(points, 8, include_self=True).toarray()
    np.fill_diagonal(graph, 0)
    degrees = np.sqrt(graph.sum(0))
    given = np.eye(classes)[known]
    given = np.vstack([given, np.zeros((28, classes))])
    fixed = np.linalg.solve(np.eye(40) - alpha * graph / np.outer(degrees, degrees), (1 - alpha) * given)
    spread = spread_labels(points, known, n_neighbors=8, alpha=alpha, classes=classes)
    np.testing.assert_allclose(spread.probabilities, fixed / fixed.sum(1, keepdims=True), rtol=0, atol=2e-3)


def test_certainty_is_one_less_the_entropy_in_units_of_the_logarithm_of_the_classes():
    rows = torch.softmax(3 * torch.randn(20, 4, generator=generator("rows"), dtype=torch.float64), 1)
    expected = 1 - stats.entropy(rows.numpy(), base=4, axis=1)
    np.testing.assert_allclose(certainty(rows).numpy(), expected, rtol=0, atol=1e-12)
    ends = torch.tensor([[1.0, 0.0], [0.5, 0.5]], dtype=torch.float64)
    assert certainty(ends).tolist() == [1.0, 0.0]


def test_guesses_are_those_of_scikit_learns_label_spreading_on_the_features_of_the_pretext(case, pretext):
    method = TransferMethod(Transfer("contrastive", label_propagation=PROPAGATION), pretext)
    learner, batches, _ = prepare_training(method, STUDY, case, seed=0)
    assert isinstance(learner, PropagationLearner) and learner.certainties.sum() == 0
    learner.propagate(batches.labelled.examples, batches.unlabelled.examples)
    learner.network.eval()
    with torch.no_grad():
        points = [learner.network.backbone(torch.as_tensor(case.inputs[part])) for part in ("labelled", "unlabelled")]
    theirs = sklearns.LabelSpreading(kernel="knn", n_neighbors=4, alpha=0.6, max_iter=1000)
    theirs.fit(torch.cat(points).flatten(1).double().numpy(), np.concatenate([case.labels["labelled"], [-1] * 30]))
    assert (learner.guesses.argmax(1).numpy() == theirs.transduction_[6:]).all()
    expected = 1 - stats.entropy(theirs.label_distributions_[6:], base=3, axis=1)
    np.testing.assert_allclose(learner.certainties.numpy(), expected, rtol=0, atol=1e-6)


def test_the_loss_of_unlabelled_examples_is_a_loop_over_views_and_guesses(case, pretext):
    method = TransferMethod(Transfer("contrastive", label_propagation=PROPAGATION), pretext)
    learner, batches, _ = prepare_training(method, replace(STUDY, settings=replace(SETTINGS, regularizers=())), case, 0)
    learner.propagate(batches.labelled.examples, batches.unlabelled.examples)
    batch = next(iter(batches)).unlabelled
    scores = learner.network(learner.view(batch, "student")).double().log_softmax(1).tolist()
    weights = [learner.certainties[index].item() for index in batch.indices]
    losses = [-row[learner.guesses[index].argmax()] for row, index in zip(scores, batch.indices, strict=True)]
    expected = sum(weight * loss for weight, loss in zip(weights, losses, strict=True)) / sum(weights)
    assert len(set(weights)) > 1 and learner.unlabelled_loss(batch).item() == pytest.approx(expected, rel=1e-5)


def test_weight_0_is_transfer_without_propagation_bit_for_bit_and_another_weight_is_not(case, pretext, tmp_path):
    plain = fitted(pretext, case, tmp_path / "plain", label_propagation=None)
    without = fitted(pretext, case, tmp_path / "0", label_propagation=replace(PROPAGATION, weight=0.0))
    assert same(without, plain) and not same(fitted(pretext, case, tmp_path / "1"), plain)


def test_labels_spread_anew_in_every_epoch_from_the_features_as_they_are_then(case, pretext, tmp_path, monkeypatch):
    seen, spread = [], PropagationLearner.propagate

    def propagate(learner, *batches):
        seen.append(learner.network.backbone[0][0].weight.detach().clone())
        spread(learner, *batches)

    monkeypatch.setattr(PropagationLearner, "propagate", propagate)
    fitted(pretext, case, tmp_path)
    start = build(SETTINGS.model, (1, 4, 4), 3, 0).backbone[0][0].weight
    assert len(seen) == SETTINGS.epochs
    assert torch.equal(seen[0], start + 0.1) and not torch.equal(seen[1], seen[0])


def test_a_training_that_was_stopped_goes_on_to_the_same_bits(case, pretext, tmp_path):
    whole = fitted(pretext, case, tmp_path / "whole")
    stopped = fitted(pretext, case, tmp_path / "parts", replace(STUDY, settings=replace(SETTINGS, epochs=1)))
    assert not same(stopped, whole) and same(fitted(pretext, case, tmp_path / "parts"), whole)


def test_labels_of_unlabelled_validation_and_test_examples_change_no_weight(case, pretext, tmp_path):
    wrong = {part: of if part == "labelled" else 2 - of for part, of in case.labels.items()}
    other = replace(case, labels=wrong)
    assert same(fitted(pretext, case, tmp_path / "a"), fitted(pretext, other, tmp_path / "b"))


def test_a_frozen_backbone_stays_and_unaugmented_images_are_seen_as_they_are(case, pretext, tmp_path):
    learner = fitted(pretext, case, tmp_path, backbone="frozen", augment=False)
    start = build(SETTINGS.model, (1, 4, 4), 3, 0).backbone[0][0].weight
    assert torch.equal(learner.network.backbone[0][0].weight, start + 0.1)
    assert learner.vary.policy == Policy()


def test_an_entry_with_propagation_is_no_reference_and_needs_classes():
    plain, other = Transfer("scratch"), Transfer("scratch", label_propagation=PROPAGATION)
    assert reference_of(other, {"other": other, "plain": plain}) == "plain"
    assert "needs classes" in not_applicable(other.needs, Facts((1, 4, 4), "regression"), SimpleNamespace())
    assert not not_applicable(other.needs, Facts((1, 4, 4)), SimpleNamespace())


def test_settings_out_of_range_are_reported_by_their_keys():
    problems = Problems("params.yaml")
    given = {"start": "contrastive", "label_propagation": {"alpha": 1.0, "n_neighbours": 3}}
    assert checked(Transfer, given, ("transfer", "mine"), problems) is None
    lines = "\n".join(problems.lines)
    assert "transfer.mine.label_propagation.alpha: found 1.0; allowed: a number above 0 and below 1" in lines
    assert "did you mean n_neighbors?" in lines
