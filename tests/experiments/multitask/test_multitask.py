"""Several tasks against their twins, bit for bit, and metrics against loops."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pytorch_lightning import Trainer
from torch import nn
from torchmetrics.functional.classification import multiclass_jaccard_index

from reglab.core.figures import svg
from reglab.core.streams import generator
from reglab.data.loader import Repeated, Whole
from reglab.data.sources.scenes import render
from reglab.experiments.multitask.base import SceneBatch, overlap, task_losses, task_metrics, whole
from reglab.experiments.multitask.methods.depth_only import DepthOnly
from reglab.experiments.multitask.methods.joint import Joint
from reglab.experiments.multitask.methods.segmentation_only import SegmentationOnly
from reglab.experiments.multitask.methods.soft_tied import SoftTied
from reglab.experiments.multitask.methods.uncertainty_weighting import UncertaintyWeighting, weight_losses
from reglab.experiments.multitask.prediction_grid import picture
from reglab.training.trainer import silence_lightning

RENDERED = render(12, size=16)
SCENES = whole(RENDERED.images.astype(np.float32) / 255, RENDERED.masks, RENDERED.depth)
TRAINING = SimpleNamespace(learning_rate=0.01, optimizer="adam", momentum=0.0)


def trained(entry, steps=6, epochs=2):
    silence_lightning()
    torch.set_num_threads(1)
    learner = entry.learner((3, 16, 16), 4, 0, TRAINING)
    trainer = Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(learner, Repeated(SCENES, 4, 0, steps // epochs), Whole(SCENES))
    learner.measured = {name: value.item() for name, value in trainer.callback_metrics.items()}
    return learner


@pytest.fixture(scope="module")
def twins():
    return {"segmentation": trained(SegmentationOnly()), "depth": trained(DepthOnly())}


def same(one: nn.Module, other: nn.Module) -> bool:
    one, other = one.state_dict(), other.state_dict()
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize(("task", "weights"), [("segmentation", (1.0, 0.0)), ("depth", (0.0, 1.0))])
def test_joint_training_with_one_weight_zero_is_the_other_task_alone_bit_for_bit(twins, task, weights):
    joint, alone = trained(Joint(*weights)).network, twins[task].network
    assert same(joint.trunk, alone.trunk) and same(joint.heads[task], alone.heads[task])
    start = Joint().network((3, 16, 16), 4, 0)
    other = {"segmentation": "depth", "depth": "segmentation"}[task]
    assert same(joint.heads[other], start.heads[other]) and not same(joint.trunk, start.trunk)


def test_tied_with_strength_zero_are_the_two_tasks_alone_bit_for_bit(twins):
    tied = trained(SoftTied(0.0)).network
    assert all(same(tied[task], twins[task].network) for task in twins)
    assert not same(trained(SoftTied(0.1)).network["depth"], twins["depth"].network)


def test_the_more_strongly_trunks_are_tied_the_closer_they_stay():
    """Adam's steps have a size of their own, whatever the strength: what they leave is gone when the learning rate is."""
    apart = []
    for strength in (0.0, 0.01, 10.0):
        trunks = (network.trunk for network in trained(SoftTied(strength), steps=24).network.values())
        one, other = (torch.cat([p.flatten() for p in trunk.parameters() if p.ndim > 1]) for trunk in trunks)
        apart.append((one - other).norm().item())
    assert apart[0] > 2 * apart[1] > 2 * apart[2] and apart[2] < 0.1 * apart[0]


def test_both_tasks_start_from_the_trunk_and_heads_of_the_single_ones_and_another_seed_from_others():
    joint, tied = (entry.network((3, 16, 16), 4, 0) for entry in (Joint(), SoftTied()))
    for task, entry in (("segmentation", SegmentationOnly()), ("depth", DepthOnly())):
        alone = entry.network((3, 16, 16), 4, 0)
        assert same(joint.trunk, alone.trunk) and same(joint.heads[task], alone.heads[task]) and same(tied[task], alone)
        assert not same(alone, entry.network((3, 16, 16), 4, 1))


def test_learned_weights_at_their_best_are_in_inverse_proportion_to_the_losses():
    """At the best scales the gradient of the objective is that of log(cross-entropy) / 2 + log(absolute error)."""
    parameter = torch.tensor([0.3, -0.7], dtype=torch.float64, requires_grad=True)
    losses = {"segmentation": (parameter - 1).square().sum(), "depth": (2 * parameter + 1).abs().sum()}
    best = {"segmentation": (2 * losses["segmentation"]).log().detach(), "depth": losses["depth"].log().detach()}
    scales = {task: value.requires_grad_() for task, value in best.items()}
    objective, weights = weight_losses(losses, scales)
    assert weights["segmentation"].item() == pytest.approx(0.5 / losses["segmentation"].item(), rel=1e-12)
    assert weights["depth"].item() == pytest.approx(1 / losses["depth"].item(), rel=1e-12)
    *flat, slope = torch.autograd.grad(objective, [*scales.values(), parameter], retain_graph=True)
    assert all(abs(gradient) < 1e-12 for gradient in flat)
    profile = losses["segmentation"].log() / 2 + losses["depth"].log()
    assert torch.allclose(slope, torch.autograd.grad(profile, parameter)[0], rtol=1e-12, atol=0)


def test_learned_weights_descend_to_their_best():
    scales = {task: torch.zeros((), requires_grad=True) for task in ("segmentation", "depth")}
    losses = {"segmentation": torch.tensor(0.8), "depth": torch.tensor(0.05)}
    optimizer = torch.optim.Adam(scales.values(), UncertaintyWeighting().rate)
    for _ in range(300):
        optimizer.zero_grad()
        loss, weights = weight_losses(losses, scales)
        loss.backward()
        optimizer.step()
    assert weights["segmentation"].item() == pytest.approx(1 / 1.6, rel=0.01)
    assert weights["depth"].item() == pytest.approx(20, rel=0.01)


def test_learned_weights_are_trained_with_the_rest():
    learner = trained(UncertaintyWeighting())
    scales = {task: scale.item() for task, scale in learner.network.log_scales.items()}
    assert scales["depth"] != 0 != scales["segmentation"]
    assert {"segmentation_weight", "depth_weight", "segmentation_loss", "depth_loss"} <= learner.curves().keys()


def test_metrics_are_those_of_loops_over_pixels():
    random = generator("multitask")
    scores, depth = torch.randn(5, 5, 8, 8, generator=random), torch.rand(5, 8, 8, generator=random)
    masks = torch.randint(0, 4, (5, 8, 8), generator=random)  # class 4 is predicted and never there
    predicted = torch.rand(5, 1, 8, 8, generator=random)
    result = task_metrics({"segmentation": scores, "depth": predicted}, masks, depth, classes=4)
    seen, overlaps = scores.argmax(1).numpy(), []
    for kind in range(5):
        both = np.logical_and(seen == kind, masks.numpy() == kind).sum()
        either = np.logical_or(seen == kind, masks.numpy() == kind).sum()
        overlaps.append(both / either)
    errors = [(p - d) for p, d in zip(predicted.flatten().tolist(), depth.flatten().tolist(), strict=True)]
    assert result["iou"] == pytest.approx(np.mean(overlaps), abs=1e-15)
    theirs = multiclass_jaccard_index(scores.argmax(1), masks, num_classes=5, average="macro").item()
    assert result["iou"] == pytest.approx(theirs, abs=1e-6)  # theirs is in single precision
    assert result["depth_rmse"] == pytest.approx(math.sqrt(sum(e * e for e in errors) / len(errors)), abs=1e-6)
    assert result["depth_mae"] == pytest.approx(sum(map(abs, errors)) / len(errors), abs=1e-6)


def test_losses_of_known_predictions():
    batch = SCENES
    sure = 50.0 * nn.functional.one_hot(batch.masks, 5).permute(0, 3, 1, 2)
    losses = task_losses({"segmentation": sure, "depth": batch.depth[:, None] + 0.25}, batch)
    assert losses["segmentation"].item() < 1e-6 and losses["depth"].item() == pytest.approx(0.25, abs=1e-6)
    even = task_losses({"segmentation": torch.zeros(12, 5, 16, 16)}, batch)
    assert even.keys() == {"segmentation"} and even["segmentation"].item() == pytest.approx(math.log(5), abs=1e-6)


def test_validation_measures_only_the_tasks_that_are_learned(twins):
    assert twins["segmentation"].measured.keys() == {"validation_loss", "validation_iou"}
    assert twins["depth"].measured.keys() == {"validation_loss", "validation_depth_rmse", "validation_depth_mae"}
    batch = SCENES
    again = task_metrics(twins["depth"].predict(batch.inputs), batch.masks, batch.depth, 4)
    assert again["depth_rmse"] == pytest.approx(twins["depth"].measured["validation_depth_rmse"], abs=1e-6)


def test_predicting_changes_nothing(twins):
    learner, before = (
        twins["depth"],
        {name: value.clone() for name, value in twins["depth"].network.state_dict().items()},
    )
    learner.network.train()
    one, other = (learner.predict(SCENES.inputs)["depth"] for _ in range(2))
    assert torch.equal(one, other) and learner.network.training
    assert all(torch.equal(value, before[name]) for name, value in learner.network.state_dict().items())


def test_the_picture_has_a_row_a_scene_and_a_column_a_prediction(twins):
    scenes = SceneBatch(*(part[:3] for part in SCENES))
    figure = picture({"joint": trained(Joint()), "depth_only": twins["depth"]}, scenes)
    titles = [panel.get_title() for panel in figure.axes if panel.get_title()]
    assert titles == ["image", "class", "joint", "depth", "joint", "depth\nonly"] and len(figure.axes) == 18
    assert "cylinder" in svg(figure)


def test_a_class_of_a_single_pixel_counts_as_the_others_do():
    """Background: 1 of 2 pixels; the class that is seen where there is none: 0 of 1; the third is nowhere."""
    assert overlap(torch.tensor([[[0, 1]]]), torch.tensor([[[0, 0]]]), labels=3) == 0.25


def test_the_curves_show_how_far_apart_the_trunks_are():
    learner = trained(SoftTied(0.01), steps=2, epochs=1)
    learner.curves()  # what they show from here on is new
    learner.training_step(SCENES)
    trunks = (network.trunk for network in learner.network.values())
    one, other = (torch.cat([p.flatten() for p in trunk.parameters() if p.ndim > 1]) for trunk in trunks)
    apart = (one - other).square().sum().item()
    assert learner.curves()["squared_distance"] == pytest.approx(apart, rel=1e-5) and apart > 0
