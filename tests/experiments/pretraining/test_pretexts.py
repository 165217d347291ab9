"""Pretexts on images: losses against loops written out, labels that nothing gives away, and all of them beat chance."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from reglab.core import plain
from reglab.core.errors import UserError
from reglab.core.figures import shades
from reglab.core.streams import Moment, generator
from reglab.data import load_source, prepared
from reglab.data.augmentation.policy import Policy
from reglab.data.prepared import Split
from reglab.data.settings import Data
from reglab.data.sources.scenes import render
from reglab.experiments.pretraining import run as pretraining
from reglab.experiments.pretraining.base import Setting, convert_images
from reglab.experiments.pretraining.methods.contrastive import Contrastive, nt_xent
from reglab.experiments.pretraining.methods.denoising import Denoising
from reglab.experiments.pretraining.methods.masked import Masked, hidden_patches, masked_error
from reglab.experiments.pretraining.methods.orientation import Orientation, pairs, upside_down
from reglab.experiments.pretraining.methods.other_images import OtherImages
from reglab.experiments.pretraining.methods.scratch import Scratch
from reglab.experiments.pretraining.methods.supervised_base_classes import Classifier, SupervisedBaseClasses
from reglab.experiments.pretraining.probes import linear_probe, nearest, neighbour_probe
from reglab.models.convnet import ConvNet
from reglab.models.resnet import ResNet
from reglab.training.network import build
from reglab.training.one_seed import flops_of_step
from reglab.training.settings import Training

IMAGES = [Scratch(), Masked(), Denoising(), Orientation(), Contrastive(), SupervisedBaseClasses()]
SETTING = Setting(ConvNet(width=8, depth=2), Policy(rotation=10))


def draws(*shape, key="pretexts"):
    return torch.rand(*shape, generator=generator(key))


@pytest.fixture(scope="module")
def study():
    inputs, labels = load_source("digits")
    bounds = {"labelled": (0, 500), "unlabelled": (500, 600), "validation": (600, 800), "test": (800, 1000)}
    parts = {part: slice(*ends) for part, ends in bounds.items()}
    numbers = np.arange(len(labels))
    return Split(*({part: of[rows] for part, rows in parts.items()} for of in (inputs, labels, numbers)), classes=10)


@pytest.mark.parametrize("kind", [type(pretext) for pretext in IMAGES[1:]], ids=lambda kind: kind.__name__)
def test_the_settings_of_a_pretext_are_those_of_its_training(study, kind):
    pretext = kind(epochs=3, batch_size=34, learning_rate=0.007)
    expected = Training(epochs=3, batch_size=34, optimizer="adam", learning_rate=0.007, accelerator="auto")
    assert pretext.training("auto") == expected
    task = pretext.task(study, study, SETTING, seed=0)
    optimizer = task.learner.configure_optimizers()
    assert isinstance(optimizer, torch.optim.Adam) and {group["lr"] for group in optimizer.param_groups} == {0.007}
    assert task.learner.training_settings.epochs == 3 and len(next(iter(task.training)).indices) == 34


@pytest.mark.parametrize("pretext", IMAGES, ids=lambda pretext: type(pretext).__name__)
def test_training_steps_move_running_averages_and_metrics_and_probes_do_not(study, pretext):
    task = pretext.task(study, study, SETTING._replace(architecture=ResNet(width=2, depth=1, stages=2)), seed=0)
    learner = task.learner

    def averages():
        return [buffer.clone() for name, buffer in learner.network.named_buffers() if "running" in name]

    before = averages()
    if pretext.epochs:
        flops_of_step(learner, next(iter(task.training)))
        trained = averages()
        assert len(trained) == 2 * 5 and not any(map(torch.equal, before, trained))
    before = averages()
    pretraining.evaluate(task, bool(pretext.epochs))
    assert all(map(torch.equal, before, averages()))


def test_nt_xent_is_the_loop_over_all_views_to_1e_6():
    one, other, temperature = draws(5, 3, key="one") - 0.5, draws(5, 3, key="other") - 0.5, 0.3
    views = [*one, *other]
    total = 0.0
    for i, view in enumerate(views):
        similarity = [torch.dot(view, each) / (view.norm() * each.norm()) / temperature for each in views]
        twin = similarity[(i + 5) % 10]
        others = sum(torch.exp(similarity[k]) for k in range(10) if k != i)
        total += -torch.log(torch.exp(twin) / others)
    assert nt_xent(one, other, temperature).item() == pytest.approx((total / 10).item(), abs=1e-6)


def test_nt_xent_of_twins_that_are_equal_and_apart_from_all_others_is_the_log_of_the_sum():
    views = torch.eye(4)
    expected = -1 / 0.5 + np.log(np.exp(1 / 0.5) + 6)
    assert nt_xent(views, views, 0.5).item() == pytest.approx(expected, abs=1e-6)


def test_the_masked_loss_does_not_move_with_a_visible_target_pixel():
    images, filled = draws(3, 2, 6, 6, key="images"), draws(3, 2, 6, 6, key="filled")
    hidden = hidden_patches(draws(3, 9, key="ranks"), 0.5, 2, (6, 6))
    loss = masked_error(filled, images, hidden)
    visible, masked = (hidden[0, 0] == value for value in (0, 1))
    for place, moves in ((visible.nonzero()[0], False), (masked.nonzero()[0], True)):
        other = images.clone()
        other[0, 1, place[0], place[1]] += 0.5
        assert (masked_error(filled, other, hidden) != loss).item() is moves


def test_the_masked_loss_is_the_mean_over_hidden_pixels():
    images, filled = draws(2, 3, 4, 4, key="images"), draws(2, 3, 4, 4, key="filled")
    hidden = hidden_patches(draws(2, 4, key="ranks"), 0.25, 2, (4, 4))
    chosen = hidden.bool().expand_as(images)
    assert masked_error(filled, images, hidden).item() == pytest.approx(
        functional.mse_loss(filled[chosen], images[chosen]).item(), abs=1e-6
    )


@pytest.mark.parametrize(("size", "patch", "patches"), [((8, 8), 2, 16), ((7, 5), 2, 12), ((8, 8), 3, 9)])
def test_every_image_hides_its_share_of_whole_patches(size, patch, patches):
    hidden = hidden_patches(draws(20, patches), 0.5, patch, size)
    assert hidden.shape == (20, 1, *size) and set(hidden.unique().tolist()) == {0.0, 1.0}
    corners = hidden[:, 0, ::patch, ::patch]
    assert (corners.flatten(1).sum(1) == round(0.5 * patches)).all()
    again = corners.repeat_interleave(patch, 1).repeat_interleave(patch, 2)[:, : size[0], : size[1]]
    assert torch.equal(again, hidden[:, 0])


def test_what_the_network_sees_has_nothing_of_the_hidden_pixels(study):
    learner = Masked().task(study, study, SETTING, 0).learner
    images = torch.as_tensor(study.inputs["test"][:8])
    hidden = learner.hide(images, generator("hide"))
    other = torch.where(hidden.bool(), draws(*images.shape), images)
    assert torch.equal(learner.fill(images, hidden), learner.fill(other, hidden))


@pytest.mark.parametrize("count", [10, 11])
def test_half_of_the_pairs_have_the_upright_image_first(count):
    images = draws(count, 1, 8, 8)
    first, second, upright = pairs(images, generator("pairs", count))
    assert upright.sum().item() in (count // 2, -(-count // 2))
    for image, one, other, right in zip(images, first, second, upright, strict=True):
        whole, turned = (one, other) if right else (other, one)
        assert torch.equal(whole, image) and torch.equal(turned, upside_down(image))


def test_an_odd_pair_goes_either_way():
    rates = [pairs(draws(3, 1, 4, 4), generator("odd", number))[2].sum().item() for number in range(200)]
    assert set(rates) == {1.0, 2.0} and 60 < rates.count(1.0) < 140


def test_exchanging_the_two_turns_the_answer_around(study):
    learner = Orientation().task(study, study, SETTING, 0).learner
    first, second = (torch.as_tensor(study.inputs[part][:8]) for part in ("test", "validation"))
    assert torch.allclose(learner.choice(first, second), -learner.choice(second, first), atol=1e-6)


def test_the_linear_probe_is_scikit_learns_ridge_classifier():
    from sklearn.linear_model import RidgeClassifier
    from sklearn.preprocessing import StandardScaler

    features, labels = draws(200, 6).double(), (draws(200, key="labels") * 4).long()
    features[:, 0] += labels
    scale = StandardScaler().fit(features[:150])
    known, asked = scale.transform(features[:150]), scale.transform(features[150:])
    theirs = RidgeClassifier(alpha=0.1 * 150).fit(known, labels[:150]).score(asked, labels[150:])
    assert linear_probe(features[:150], labels[:150], features[150:], labels[150:]) == pytest.approx(theirs)


def test_the_neighbour_probe_is_scikit_learns_by_cosine():
    from sklearn.neighbors import KNeighborsClassifier

    features, labels = draws(200, 6) - 0.5, (draws(200, key="labels") * 4).long()
    features[:, 0] += labels
    theirs = KNeighborsClassifier(5, metric="cosine").fit(features[:150], labels[:150])
    near = nearest(features[:150], features[150:], 5)
    result = theirs.kneighbors(features[150:], return_distance=False)
    assert (near.sort(1).values.numpy() == np.sort(result, 1)).all()
    score = theirs.score(features[150:], labels[150:])
    assert neighbour_probe(features[:150], labels[:150], features[150:], labels[150:]) == pytest.approx(score)


def test_a_probe_leaves_the_network_in_its_mode_and_without_gradients(study):
    task = Denoising().task(study, study, SETTING, 0)
    assert task.learner.network.training
    task.learner.probed(task.probes[0])
    assert task.learner.network.training
    assert all(parameter.grad is None for parameter in task.learner.network.parameters())


@pytest.mark.parametrize("pretext", IMAGES, ids=plain.entry_name)
def test_every_pretext_begins_with_the_same_backbone(study, pretext):
    backbones = [each.task(study, study, SETTING, 3).learner.network.backbone for each in (pretext, Scratch())]
    one, other = (backbone.state_dict() for backbone in backbones)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("pretext", IMAGES[1:-1], ids=plain.entry_name)
def test_no_label_and_no_test_image_reaches_the_training(study, pretext):
    task = pretext.task(study, study, SETTING, 0)
    assert task.training.examples.targets.shape == (600, 0)
    pool = torch.cat([torch.as_tensor(study.inputs[part]) for part in ("labelled", "unlabelled")])
    assert torch.equal(task.training.examples.inputs, pool)


def test_other_classes_shows_only_the_classes_below(study):
    task = SupervisedBaseClasses(classes=4).task(study, study, SETTING, 0)
    assert task.training.examples.targets.shape[1] == 4
    assert len(task.training.examples.indices) == (study.labels["labelled"] < 4).sum()


def test_images_of_another_kind_keep_their_mean():
    images = draws(3, 3, 32, 32)
    small = convert_images(images, (1, 8, 8))
    assert small.shape == (3, 1, 8, 8) and torch.allclose(small.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=1e-6)
    assert torch.equal(convert_images(images, (3, 32, 32)), images)


def test_measures_are_the_same_each_time_and_do_not_depend_on_the_epoch(study):
    for pretext in IMAGES[1:]:
        task = pretext.task(study, study, SETTING, 0)
        first = task.learner.eval().metrics(task.validation)
        again = pretext.task(study, study, SETTING, 0)
        assert again.learner.eval().metrics(again.validation) == first


def test_views_of_the_two_streams_differ_and_are_keyed_by_the_moment(study):
    task = Contrastive().task(study, study, SETTING, 0)
    batch = next(iter(task.training))
    one, other = (task.learner.vary(batch, Moment(0, 0, 0), f"view/{number}") for number in range(2))
    assert not torch.equal(one, other)
    assert torch.equal(one, task.learner.vary(batch, Moment(0, 0, 5), "view/0"))


@pytest.mark.parametrize(
    "pretext",
    [
        Orientation(epochs=4, batch_size=64),
        Contrastive(epochs=2, batch_size=64),
        SupervisedBaseClasses(epochs=4, batch_size=64),
    ],
    ids=plain.entry_name,
)
def test_a_choice_beats_chance_on_held_out_images(tmp_path, study, pretext):
    pretraining.pretrain_seed(pretext, SETTING, study, study, 0, tmp_path)
    measured = pretraining.finished_seed(tmp_path, 0)[0]["metrics"]
    count, chance = 200, measured["test_pretext_chance"]
    assert measured["test_pretext_accuracy"] > chance + 4 * (chance * (1 - chance) / count) ** 0.5


@pytest.mark.parametrize("kind", [Masked, Denoising], ids=lambda kind: kind.__name__)
def test_a_reconstruction_beats_the_mean_image_on_held_out_images(tmp_path, study, kind):
    pretext = kind(epochs=10, batch_size=32, learning_rate=0.005)
    pretraining.pretrain_seed(pretext, SETTING, study, study, 0, tmp_path)
    mean = study.inputs["labelled"].mean(0)
    guessed = float(np.square(study.inputs["test"] - mean).mean())
    assert pretraining.finished_seed(tmp_path, 0)[0]["metrics"]["test_pretext_loss"] < guessed


def test_the_two_views_of_an_image_are_drawn_apart(study):
    task = Contrastive().task(study, study, SETTING, 0)
    seen = []
    task.learner.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    task.learner.training_step(next(iter(task.training)))
    one, other = seen[0].chunk(2)
    assert (one != other).flatten(1).any(1).all(), "no image looks the same twice"


def test_the_masked_loss_of_a_single_hidden_pixel_is_its_squared_error_and_of_none_zero():
    images, hidden = torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)
    filled = torch.tensor([[[[3.0, 5.0], [7.0, 11.0]]]])
    assert masked_error(filled, images, hidden).item() == 0.0
    hidden[0, 0, 1, 0] = 1
    assert masked_error(filled, images, hidden).item() == 49.0


def test_other_images_teach_the_classes_of_scenes_in_the_shape_of_the_study(study):
    scenes = render(40, size=16)
    source = {part: (scenes.images[rows] / np.float32(255), scenes.classes[rows]) for part, rows in OF_SCENES.items()}
    source = Split(*({part: each[of] for part, each in source.items()} for of in (0, 1)), {}, classes=3)
    task = OtherImages(epochs=1).task(source, study, SETTING, 0)
    for batch, part in ((task.training.examples, "labelled"), (task.validation, "validation"), (task.test, "test")):
        images = torch.as_tensor(source.inputs[part]).mean(1, keepdim=True)
        assert torch.allclose(batch.inputs, functional.avg_pool2d(images, 2), atol=1e-6)
        assert batch.targets.argmax(1).tolist() == source.labels[part].tolist() and batch.targets.shape[1] == 4
    assert task.learner.network(task.test.inputs).shape == (len(task.test.inputs), 4)
    assert type(task.learner) is Classifier and task.learner.vary.examples == 24
    assert torch.equal(task.probes[1].held_out_inputs, torch.as_tensor(study.inputs["test"]))


OF_SCENES = {"labelled": slice(0, 24), "validation": slice(24, 32), "test": slice(32, 40)}


def test_a_pretext_costs_all_its_examples_in_every_epoch(tmp_path, study):
    """With a linear map in the place of everything, forward and backward passes of 600 examples an epoch."""
    pretext = Orientation(epochs=2, batch_size=64)
    task = pretext.task(study, study, SETTING, 0)
    batch = next(iter(task.training))
    step = flops_of_step(task.learner, batch)
    assert pretraining.flops_of_epoch(task) == step * 600 / 64 > 0
    pretraining.pretrain_seed(pretext, SETTING, study, study, 0, tmp_path)
    outcome, weights = pretraining.finished_seed(tmp_path, 0)
    assert outcome["flops"] == 2 * step * 600 / 64 and outcome["status"] == "finished" and outcome["epochs"] == 2
    task.learner.network.load_state_dict(
        {name.removeprefix("weights/"): torch.as_tensor(of) for name, of in weights.items()}
    )
    assert outcome["metrics"] == pretraining.evaluate(task, trained=True) and len(outcome["metrics"]) == 10
    assert not any("pretext" in name for name in pretraining.evaluate(task, trained=False))


def test_a_pretext_without_epochs_costs_nothing_and_is_the_network_of_its_seed(tmp_path, study):
    pretraining.pretrain_seed(Scratch(), SETTING, study, study, 3, tmp_path)
    outcome, weights = pretraining.finished_seed(tmp_path, 3)
    assert outcome.keys() == {"status", "metrics", "flops"} and outcome["flops"] == 0
    assert outcome["metrics"].keys() == {
        f"{part}_{probe}" for part in ("validation", "test") for probe in ("linear_probe", "neighbour_probe")
    }
    start = build(SETTING.architecture, (1, 8, 8), 10, 3).backbone.state_dict()
    assert all(np.array_equal(weights[f"weights/backbone.{name}"], of.numpy()) for name, of in start.items())


def test_a_pretext_reads_the_folder_of_its_source(tmp_path):
    sizes = Data("digits", train_size=9, validation_size=6, test_size=6)
    images = np.arange(120, dtype=np.float32).reshape(30, 1, 2, 2)
    prepared.write(tmp_path / "scenes", sizes, images, np.arange(30) % 3, 1)
    assert OtherImages().read(tmp_path).name == "digits"
    with pytest.raises(UserError, match="study: no prepared data"):
        Masked().read(tmp_path)


def test_what_is_measured_is_drawn_from_streams_of_its_own(study):
    """Of the seed alone, so that every epoch is measured on the same views, masks, noise and pairs."""
    tasks = {type(pretext): pretext.task(study, study, SETTING, 2) for pretext in IMAGES[1:5]}
    learners = {kind: task.learner.eval() for kind, task in tasks.items()}
    batch = tasks[Masked].validation
    contrastive, orientation = learners[Contrastive], learners[Orientation]
    first, second, upright = pairs(batch.inputs, generator(2, "validation_pairs"))
    expected = {
        Masked: learners[Masked].error(batch.inputs, generator(2, "validation_masks")),
        Denoising: learners[Denoising].error(batch.inputs, generator(2, "validation_noise")),
        Orientation: functional.binary_cross_entropy_with_logits(orientation.choice(first, second), upright),
        Contrastive: nt_xent(*contrastive.projections(batch, Moment(2, -1, -1)), contrastive.temperature),
    }
    for kind, learner in learners.items():
        assert learner.metrics(batch)["loss"].item() == expected[kind].item(), kind
    assert contrastive.metrics(batch)["chance"].item() == pytest.approx(1 / 399)


def test_an_image_of_one_channel_is_drawn_as_shades_and_one_of_three_in_colours():
    image = torch.arange(60.0).view(3, 4, 5) / 40 - 0.1
    assert np.array_equal(shades(image[:1].numpy()), image[0].clamp(0, 1).numpy())
    assert np.array_equal(shades(image.numpy()), image.clamp(0, 1).permute(1, 2, 0).numpy())


def test_a_row_of_a_table_is_drawn_as_a_strip_of_shades_from_minus_three_to_three():
    assert shades(np.array([-9, -3, 0, 1.5, 3, 4.0])).tolist() == [[0, 0, 0.5, 0.75, 1, 1]]


@pytest.mark.parametrize("pretext", IMAGES, ids=plain.entry_name)
def test_the_curves_probe_the_validation_part_every_few_epochs_and_in_the_last(study, pretext, monkeypatch):
    task, probed = pretext.task(study, study, SETTING, 0), []
    assert task.learner.probe is task.probes[0]
    monkeypatch.setattr(task.learner, "probed", lambda probe: probed.append(probe) or {"linear_probe": 0.5})
    values = []
    for epoch in range(12):
        monkeypatch.setattr(type(task.learner), "current_epoch", epoch)
        task.learner.training_settings = Training(epochs=12)
        values.append(task.learner.curves().get("validation_linear_probe"))
    assert [epoch for epoch, value in enumerate(values) if value == 0.5] == [0, 5, 10, 11]
    assert set(values) == {None, 0.5} and all(probe is task.probes[0] for probe in probed)


def test_which_of_the_pairs_are_upright_follows_from_the_stream_as_it_was_published():
    assert pairs(draws(7, 1, 2, 2), generator("pinned"))[2].tolist() == [1, 1, 1, 0, 0, 0, 0]


def test_a_linear_probe_of_few_examples_is_scikit_learns_too():
    """Of nine examples, where a spread with one degree of freedom less gives another answer."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.preprocessing import StandardScaler

    random, labels, asked = torch.Generator().manual_seed(8), torch.arange(9) % 3, torch.arange(60) % 3
    features = torch.randn(9, 2, generator=random)
    features[:, 0] += 0.5 * labels
    held_out = torch.randn(60, 2, generator=random)
    scale = StandardScaler().fit(features)
    theirs = RidgeClassifier(alpha=0.1 * 9).fit(scale.transform(features), labels)
    assert linear_probe(features, labels, held_out, asked) == theirs.score(scale.transform(held_out), asked)
