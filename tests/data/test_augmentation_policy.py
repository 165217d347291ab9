"""A policy draws by (seed, stream, epoch, example), keeps to its settings, and moves masks and depth along."""

from dataclasses import fields, replace

import pytest
import torch

from reglab.config.problems import Problems, checked
from reglab.core.checks import standard_errors
from reglab.core.errors import UserError
from reglab.core.streams import Moment, generator
from reglab.data.augmentation.corruption import swap
from reglab.data.augmentation.policy import Policy
from reglab.experiments.augmentation.exact_checks import checks

EXAMPLES = 12
MOMENT = Moment(seed=1, epoch=2, step=40)
STRENGTHS = {"rotation": 20, "translation": 0.2, "scale": 0.2, "shear": 10, "flip": 0.5, "crop": 0.5, "erasing": 0.2}
STRENGTHS |= {"brightness": 0.5, "contrast": 0.5, "saturation": 0.5}


@pytest.fixture
def images():
    return torch.rand(EXAMPLES, 3, 16, 16, generator=generator("policy"))


def every(images):
    return torch.arange(len(images))


def test_the_exact_checks_pass_and_do_not_depend_on_what_was_drawn_before():
    first = checks()
    assert len({check.name for check in first}) == len(first)
    assert [check for check in first if not check.passed] == []
    torch.rand(7)
    assert checks() == first


def test_the_default_policy_hands_on_the_very_images(images):
    masks = torch.ones(EXAMPLES, 16, 16)
    assert Policy()(images, MOMENT, every(images), EXAMPLES) is images
    assert Policy().augment(images, masks, None, MOMENT, every(images), EXAMPLES)[1] is masks


@pytest.mark.parametrize("name", STRENGTHS)
def test_each_setting_alone_changes_images_by_example_and_epoch_in_whatever_batch(images, name):
    policy, some = Policy(**{name: STRENGTHS[name]}), torch.tensor([9, 4, 4, 0])

    def shown(moment, indices, stream="augmentation"):
        return policy(images[indices], moment, indices, EXAMPLES, stream)

    first = shown(MOMENT, every(images))
    assert not torch.equal(first, images)
    assert torch.equal(shown(replace(MOMENT, step=41), some), first[some])
    for moment in (replace(MOMENT, epoch=3), replace(MOMENT, seed=2)):
        assert not torch.equal(shown(moment, every(images)), first)
    assert not torch.equal(shown(MOMENT, every(images), "another view"), first)
    alike = images[:1].expand_as(images)
    assert len(policy(alike, MOMENT, every(images), EXAMPLES).unique(dim=0)) > 1


def test_noise_is_keyed_by_step(images):
    shown = [Policy(noise=0.1)(images, replace(MOMENT, step=step), every(images), EXAMPLES) for step in (1, 1, 2)]
    assert torch.equal(shown[0], shown[1]) and not torch.equal(shown[0], shown[2])
    assert standard_errors(((shown[0] - images) ** 2).flatten(), 0.01) < 4


def test_one_setting_does_not_move_the_draws_of_another(images):
    images = torch.ones(EXAMPLES, 3, 16, 16)
    erased = Policy(erasing=0.2)(images, MOMENT, every(images), EXAMPLES) == 0
    both = Policy(erasing=0.2, brightness=0.2, rotation=5, padding_mode="border")(
        images, MOMENT, every(images), EXAMPLES
    )
    assert torch.equal(both == 0, erased)


def test_so_many_are_flipped(images):
    row = torch.arange(4.0).expand(2000, 1, 4, 4)
    flipped = Policy(flip=0.3)(row, MOMENT, every(row), len(row))[:, 0, 0, 0] == 3
    assert standard_errors(flipped.float(), 0.3) < 4


def test_a_crop_keeps_at_least_the_rest_and_reaches_both_borders():
    ramp = torch.arange(64.0).expand(2000, 1, 64, 64)
    shown = Policy(crop=0.75)(ramp, MOMENT, every(ramp), len(ramp))[:, 0, 30]
    side = (shown[:, 40] - shown[:, 20]) / 20  # places of the source that a pixel's width covers
    assert side.min() > 0.5 - 1e-4 and side.min() < 0.51 and side.max() < 1 + 1e-4
    assert standard_errors(side**2, 1 - 0.75 / 2) < 4
    assert shown[:, 1].min() > -1e-3 and shown[:, -2].max() < 63 + 1e-3
    assert shown[:, -1].max() > 62.5 and shown[:, 0].max() > 20


def test_colours_stay_within_factors_of_the_setting():
    grey = torch.full((2000, 3, 2, 2), 0.5)
    shown = Policy(brightness=0.4)(grey, MOMENT, every(grey), len(grey))[:, 0, 0, 0]
    assert shown.min() >= 0.3 - 1e-6 and shown.max() <= 0.7 + 1e-6
    assert standard_errors(shown, 0.5) < 4 and standard_errors((shown - 0.5) ** 2, 0.2**2 / 3) < 4


def test_masks_and_depth_are_moved_as_the_images_are_and_neither_coloured_nor_erased(images):
    masks = torch.randint(0, 4, (EXAMPLES, 16, 16), generator=generator("masks"), dtype=torch.uint8)
    geometric = {name: STRENGTHS[name] for name in ("rotation", "translation", "scale", "shear", "flip", "crop")}
    bare, full = Policy(**geometric), Policy(**STRENGTHS, noise=0.1)
    shown, seen, depth = full.augment(images, masks, masks[:, None] / 4, MOMENT, every(images), EXAMPLES)
    assert torch.equal(shown, full(images, MOMENT, every(images), EXAMPLES))
    assert seen.dtype == torch.uint8 and torch.equal(depth[:, 0], seen / 4)
    assert torch.equal(seen, bare.augment(images, masks, None, MOMENT, every(images), EXAMPLES)[1])
    solid = (masks > 1).float()[:, None].repeat_interleave(4, 2).repeat_interleave(4, 3)  # 64 pixels: few lie at edges
    moved, labels, _ = bare.augment(solid, solid[:, 0], None, MOMENT, every(images), EXAMPLES)
    assert torch.equal(
        moved[:, 0][(moved[:, 0] == 0) | (moved[:, 0] == 1)], labels[(moved[:, 0] == 0) | (moved[:, 0] == 1)]
    )


def test_double_precision_goes_through(images):
    policy = Policy(**STRENGTHS, noise=0.1)
    assert policy(images.double(), MOMENT, every(images), EXAMPLES).dtype == torch.float64


@pytest.mark.parametrize("name", STRENGTHS)
def test_what_only_images_have_is_refused_of_a_table(name):
    with pytest.raises(UserError, match="allowed: images"):
        Policy(**{name: STRENGTHS[name]})(torch.zeros(3, 64), MOMENT, torch.arange(3), 3)


def test_a_row_of_a_table_can_have_noise_and_numbers_of_other_rows():
    table = torch.rand(EXAMPLES, 5, generator=generator("table")) + torch.arange(5.0)
    for name in Policy.of_any_shape:
        policy = Policy(**{name: 0.4})
        shown = policy(table, MOMENT, every(table), EXAMPLES)
        assert shown.shape == table.shape and 0 < (shown != table).sum() <= table.numel()
        assert torch.equal(policy(table, MOMENT, every(table), EXAMPLES), shown)
        assert not torch.equal(policy(table, replace(MOMENT, step=41), every(table), EXAMPLES), shown)
    assert {tuple(row) for row in shown.floor().tolist()} == {(0.0, 1.0, 2.0, 3.0, 4.0)}  # swapped within each column
    assert Policy()(table, MOMENT, every(table), EXAMPLES) is table


def test_every_number_is_swapped_with_the_rate_asked_for_and_from_every_other_row_alike():
    table = torch.arange(50.0)[:, None].expand(50, 400).contiguous()
    result = swap(table, 0.6, generator("swap"))
    assert standard_errors((result != table).float().flatten(), 0.6 * 49 / 50) < 4
    given = result[result != table].long().bincount(minlength=50).double()
    assert ((given - given.mean()) ** 2 / given.mean()).sum() < 95  # chi-squared, 49 degrees of freedom: p = 1e-4
    assert torch.equal(swap(table, 0.0, generator("swap")), table)


def test_settings_are_checked_as_those_of_params_yaml():
    problems = Problems("params.yaml")
    assert checked(Policy, {"rotation": 15, "flip": 0.5}, ("augmentation", "digits"), problems) == Policy(15, flip=0.5)
    for name, wrong in {"rotation": 181, "crop": 1, "padding_mode": "black", "flip": -1}.items():
        assert checked(Policy, {name: wrong}, ("augmentation", "digits"), problems) is None
    assert len(problems.lines) == 4
    assert {field.name for field in fields(Policy)} == {*STRENGTHS, "noise", "swap", "padding_mode"}
