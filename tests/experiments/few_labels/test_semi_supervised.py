"""Semi-supervised methods: losses against loops and closed forms, and nothing but the labels when the weight is 0."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn import semi_supervised as sklearns
from torch.distributions import Categorical, kl_divergence

from reglab.core.losses import consistency
from reglab.core.streams import generator
from reglab.data.augmentation.policy import Policy
from reglab.data.prepared import Split
from reglab.experiments.few_labels import run as few_labels
from reglab.experiments.few_labels.methods.autoencoder_classifier import AutoencoderClassifier, reconstruction_error
from reglab.experiments.few_labels.methods.label_spreading import LabelSpreading
from reglab.experiments.few_labels.methods.mean_teacher import MeanTeacher, MeanTeacherLearner, follow
from reglab.experiments.few_labels.methods.pseudo_label import PseudoLabel, pseudo_label_loss
from reglab.experiments.few_labels.run import FewLabelsStudy, prepare_training
from reglab.experiments.few_labels.settings import FewLabels
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP
from reglab.regularizers.dropout import Dropout
from reglab.regularizers.label_smoothing import LabelSmoothing
from reglab.regularizers.weight_averaging import WeightAveraging
from reglab.training.network import build
from reglab.training.one_seed import finished_seed, fit, measured_parts
from reglab.training.supervised import Supervised

SHARED = (LabelSmoothing(0.1), WeightAveraging(0.9), Dropout(input_rate=0.2, hidden_rate=0.5))
SETTINGS = FewLabels(
    model=ConvNet(width=4, depth=1), epochs=2, steps=4, batch_size=8, learning_rate=0.01, regularizers=SHARED
)
STUDY = FewLabelsStudy(SETTINGS, Policy(rotation=20, translation=0.1), "cpu", (0, 1, 2))
METHODS = [
    MeanTeacher(unlabelled_batch_size=5),
    PseudoLabel(threshold=0.0, unlabelled_batch_size=5),
    AutoencoderClassifier(width=6, unlabelled_batch_size=5),
]


def named(method) -> str:
    return type(method).__module__.rpartition(".")[2]


def scores(*shape: int) -> torch.Tensor:
    return 3 * torch.randn(*shape, generator=generator("scores"), dtype=torch.float64)


@pytest.fixture(scope="module")
def case():
    """Six labelled and thirty unlabelled images of three classes that differ in brightness."""
    random, sizes = np.random.default_rng(0), {"labelled": 6, "unlabelled": 30, "validation": 12, "test": 12}
    labels = {part: np.arange(size) % 3 for part, size in sizes.items()}
    inputs = {
        part: (random.random((size, 1, 4, 4)) + labels[part][:, None, None, None]).astype(np.float32) / 3
        for part, size in sizes.items()
    }
    return Split(inputs, labels, {part: np.arange(size) for part, size in sizes.items()}, classes=3)


def fitted(method, case, folder, study=STUDY):
    folder.mkdir(parents=True, exist_ok=True)
    learner, batches, parts = prepare_training(method, study, case, seed=0)
    fit(learner, batches, measured_parts(parts), folder, study.training, every=0.0)
    return learner


def same(one, other) -> bool:
    """Whether two networks have the same weights to the last bit."""
    return all(torch.equal(*pair) for pair in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@pytest.mark.parametrize("method", METHODS, ids=named)
def test_a_method_trains_with_the_settings_of_few_labels_and_batches_of_both_sizes(case, method):
    learner, batches, _ = prepare_training(method, STUDY, case, seed=0)
    optimizer = learner.configure_optimizers()
    assert isinstance(optimizer, torch.optim.Adam) and {group["lr"] for group in optimizer.param_groups} == {0.01}
    assert len(batches) == len(list(batches)) == 4
    for pair in batches:
        assert (len(pair.labelled.indices), len(pair.unlabelled.indices)) == (8, 5)


def test_the_teacher_is_the_average_of_closed_form():
    """a_T = sum_t (1 - d_t) d_(t+1) ... d_T w_t, with d_t = min(decay, t / (t + 9)) and d_0 = 0."""
    steps, decay = 60, 0.8
    walk = torch.randn(steps + 1, 3, 4, generator=generator("walk"), dtype=torch.float64)
    teacher, student = (build(MLP(depth=0), (4,), 3, seed=0).double().requires_grad_(False) for _ in range(2))
    teacher.head.weight.copy_(walk[0])
    for step, weight in enumerate(walk[1:], start=1):
        student.head.weight.copy_(weight)
        follow(teacher, student, decay, step)
    decays = torch.tensor([0.0, *(min(decay, step / (step + 9)) for step in range(1, steps + 1))], dtype=torch.float64)
    shares = torch.stack([(1 - decays[step]) * decays[step + 1 :].prod() for step in range(steps + 1)])
    torch.testing.assert_close(shares.sum().item(), 1.0, rtol=0, atol=1e-12)
    torch.testing.assert_close(teacher.head.weight, torch.einsum("t,tij->ij", shares, walk), rtol=0, atol=1e-12)
    assert teacher.head.bias.equal(student.head.bias), "an average of equal biases"


def test_the_teachers_running_averages_follow_those_of_the_student_as_its_weights_do():
    architecture, steps, decay = MLP(width=2, depth=1, normalization="batch"), 5, 0.8
    teacher, student = (build(architecture, (4,), 3, seed=0).double().requires_grad_(False) for _ in range(2))
    at = "backbone.0.2.running_mean"
    expected = teacher.get_buffer(at).clone()
    for step in range(1, steps + 1):
        student.get_buffer(at).add_(step)
        follow(teacher, student, decay, step)
        kept = min(decay, step / (step + 9))
        expected = kept * expected + (1 - kept) * student.get_buffer(at)
    torch.testing.assert_close(teacher.get_buffer(at), expected, rtol=0, atol=1e-12)
    assert not torch.equal(teacher.get_buffer(at), student.get_buffer(at))


def test_equal_scores_are_consistent_and_others_are_apart_by_the_divergence():
    student, teacher = scores(2, 5, 3)
    assert abs(consistency(student, student, temperature=1.0).item()) < 1e-12
    theirs = kl_divergence(Categorical(logits=teacher / 0.5), Categorical(logits=student)).mean()
    torch.testing.assert_close(consistency(student, teacher, 0.5), theirs, rtol=1e-12, atol=0)


def test_pseudo_label_loss_is_a_loop_over_the_sure_examples():
    logits, beliefs = scores(2, 20, 3)
    beliefs, total, sure = beliefs.softmax(1), 0.0, 0
    for example, belief in zip(logits.tolist(), beliefs.tolist(), strict=True):
        if max(belief) >= 0.8:
            guess = belief.index(max(belief))
            total += np.log(np.exp(example).sum()) - example[guess]
            sure += 1
    assert 0 < sure < 20
    torch.testing.assert_close(pseudo_label_loss(logits, beliefs, 0.8).item(), total / 20, rtol=1e-12, atol=0)


def test_reconstruction_error_is_the_mean_over_pixels():
    images = scores(3, 1, 2, 2)
    assert reconstruction_error(images.flatten(1) + 2, images).item() == pytest.approx(4.0, abs=1e-12)


def gradients(learner, loss) -> dict[str, torch.Tensor]:
    learner.zero_grad()
    loss.backward()
    return {name: of.grad.clone() for name, of in learner.network.named_parameters() if of.grad is not None}


def test_encoder_learns_from_labels_and_from_images_and_both_add_up(case):
    plain = FewLabelsStudy(replace(SETTINGS, regularizers=()), STUDY.policy, "cpu", STUDY.classes)
    learner, batches, _ = prepare_training(AutoencoderClassifier(weight=3.0), plain, case, seed=0)
    pair = next(iter(batches))
    both = gradients(learner, learner.training_step(pair))
    images = gradients(learner, learner.unlabelled_loss(pair.unlabelled))
    labels = gradients(learner, Supervised.training_step(learner, pair.labelled))
    assert set(images) == {name for name in labels if name.startswith("backbone")}
    for name, gradient in images.items():
        assert gradient.abs().max() > 0 and labels[name].abs().max() > 0, name
        torch.testing.assert_close(both[name], labels[name] + 3 * gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", METHODS, ids=named)
def test_weight_0_is_training_from_scratch_bit_for_bit_and_another_weight_is_not(method, case, tmp_path):
    twin = fitted(None, case, tmp_path / "twin")
    assert same(fitted(replace(method, weight=0.0), case, tmp_path / "none").network, twin.network)
    assert not same(fitted(method, case, tmp_path / "some").network, twin.network)


@pytest.mark.parametrize("method", METHODS, ids=named)
def test_a_training_that_was_stopped_goes_on_to_the_same_bits(method, case, tmp_path):
    whole = fitted(method, case, tmp_path / "whole")
    half = FewLabelsStudy(replace(SETTINGS, epochs=1), STUDY.policy, "cpu", STUDY.classes)
    stopped = fitted(method, case, tmp_path / "parts", half)
    assert not same(stopped, whole)
    assert same(fitted(method, case, tmp_path / "parts"), whole)


def test_the_teacher_is_what_is_judged_and_published(case, tmp_path):
    learner = fitted(METHODS[0], case, tmp_path / "fitted")
    few_labels.train_few(METHODS[0], STUDY, case, 0, tmp_path)
    outcome, published = finished_seed(tmp_path, 0)
    assert outcome["status"] == "finished"
    assert all(np.array_equal(published[f"weights/{key}"], of) for key, of in learner.teacher.state_dict().items())
    assert not torch.equal(learner.teacher.head.weight, learner.network.head.weight)


def test_views_are_the_policys_scaled_by_a_strength(case):
    learner, batches, _ = prepare_training(METHODS[0], STUDY, case, seed=0)
    batch = next(iter(batches)).unlabelled
    half = replace(learner.vary, policy=Policy(rotation=10, translation=0.05))
    assert torch.equal(learner.view(batch, "a", 0.5), half(batch, learner.moment, "unlabelled/a"))
    torch.testing.assert_close(learner.view(batch, "a", 0.0), batch.inputs, rtol=0, atol=1e-6)
    assert torch.equal(learner.view(batch, "a"), learner.vary(batch, learner.moment, "unlabelled/a"))
    assert not torch.equal(learner.view(batch, "a"), learner.view(batch, "b"))


def test_label_spreading_is_scikit_learns(case):
    predicted = LabelSpreading(n_neighbors=4, alpha=0.3).predict(case, classes=4)
    images = np.concatenate([case.inputs["labelled"], case.inputs["unlabelled"]]).reshape(36, 16)
    theirs = sklearns.LabelSpreading(kernel="knn", n_neighbors=4, alpha=0.3, max_iter=1000)
    theirs.fit(images.astype(np.float64), np.concatenate([case.labels["labelled"], [-1] * 30]))
    for part in ("labelled", "validation", "test"):
        expected = theirs.predict_proba(case.inputs[part].reshape(-1, 16).astype(np.float64))
        np.testing.assert_allclose(predicted[part][:, :3], expected, rtol=0, atol=1e-12)
        assert (predicted[part][:, 3] == 0).all(), "a class without a label"
    assert (predicted["test"].argmax(1) == case.labels["test"]).mean() > 0.8


def test_where_no_label_arrives_all_classes_are_equally_probable(case):
    far = replace(case, inputs=case.inputs | {"unlabelled": case.inputs["unlabelled"] + 100})
    far.inputs["test"] = far.inputs["test"] + 100
    predicted = LabelSpreading(n_neighbors=2).predict(far, classes=3)
    np.testing.assert_allclose(predicted["test"], 1 / 3, rtol=0, atol=1e-12)


def test_the_teacher_is_the_average_of_the_students_steps_and_no_optimizer_moves_it(case, tmp_path, monkeypatch):
    plain = FewLabelsStudy(replace(SETTINGS, regularizers=()), STUDY.policy, "cpu", STUDY.classes)
    walk, steps = [], MeanTeacherLearner.optimizer_step

    def stepped(learner, *arguments):
        steps(learner, *arguments)
        walk.append([of.detach().clone() for of in learner.network.parameters()])

    monkeypatch.setattr(MeanTeacherLearner, "optimizer_step", stepped)
    method = MeanTeacher(decay=0.8, unlabelled_batch_size=5)
    learner = fitted(method, case, tmp_path, plain)
    average = [of.detach().clone() for of in build(SETTINGS.model, (1, 4, 4), 3, 0).parameters()]
    for step, weights in enumerate(walk, start=1):
        decay = min(0.8, step / (step + 9))
        average = [decay * old + (1 - decay) * new for old, new in zip(average, weights, strict=True)]
    assert len(walk) == 8
    for parameter, expected in zip(learner.teacher.parameters(), average, strict=True):
        torch.testing.assert_close(parameter, expected, rtol=0, atol=1e-6)
        assert not parameter.requires_grad and parameter.grad is None
    moved = {id(of) for group in learner.configure_optimizers().param_groups for of in group["params"]}
    assert moved == {id(of) for of in learner.network.parameters()}


def test_the_decoder_is_learned_with_the_encoder(case, tmp_path):
    method = AutoencoderClassifier(width=6, unlabelled_batch_size=5)
    before = prepare_training(method, STUDY, case, seed=0)[0].decoder.state_dict()
    after = fitted(method, case, tmp_path).decoder.state_dict()
    assert all(not torch.equal(of, after[name]) for name, of in before.items())


@pytest.mark.parametrize("method", METHODS[:2], ids=named)
def test_the_view_that_is_guessed_from_and_the_view_that_is_learned_on_are_drawn_apart(method, case):
    learner, batches, _ = prepare_training(replace(method, weak_view_scale=1.0), STUDY, case, seed=0)
    seen, view = [], learner.view
    learner.view = lambda *arguments: seen.append(view(*arguments)) or seen[-1]
    learner.unlabelled_loss(next(iter(batches)).unlabelled)
    guessed, learned = seen
    assert guessed.shape == learned.shape and not torch.equal(guessed, learned)


@pytest.mark.parametrize("method", METHODS[:2], ids=named)
def test_what_is_guessed_is_guessed_as_the_network_is_judged_and_learned_as_it_trains(method, case):
    learner, batches, _ = prepare_training(method, STUDY, case, seed=0)
    modes = []
    for network in {learner.network, getattr(learner, "teacher", learner.network)}:
        network.train().register_forward_hook(lambda module, *_: modes.append(module.training))
    learner.unlabelled_loss(next(iter(batches)).unlabelled)
    assert modes == [False, True] and learner.network.training


@pytest.mark.parametrize("method", METHODS, ids=named)
def test_the_curve_of_the_unlabelled_loss_is_its_mean_over_the_steps_of_an_epoch(method, case):
    learner, batches, _ = prepare_training(method, STUDY, case, seed=0)
    losses, unlabelled_loss = [], learner.unlabelled_loss
    learner.unlabelled_loss = lambda batch: losses.append(unlabelled_loss(batch)) or losses[-1]
    for batch in batches:
        learner.training_step(batch)
    mean = torch.stack(losses).mean().item()
    assert len(losses) == 4 and learner.curves()["unlabelled_loss"] == pytest.approx(mean, rel=1e-5)
