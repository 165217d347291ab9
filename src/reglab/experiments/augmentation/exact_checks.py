"""Exact checks of augmentation, each against an operation of torch or a statistical law."""

from dataclasses import fields, replace
from math import pi

import torch
from torch import Tensor

from reglab.core.checks import Check, distance, standard_errors
from reglab.core.streams import Moment, generator
from reglab.data.augmentation.appearance import rectangles
from reglab.data.augmentation.corruption import add_noise, swap
from reglab.data.augmentation.geometry import affine, crop, mirror, places, warp
from reglab.data.augmentation.policy import Policy

SIZE, BATCH = 16, 8


def warp_by(maps: Tensor, images: Tensor) -> Tensor:
    """The images warped by these maps, in their own precision."""
    return warp(images, places(maps, *images.shape[2:]))


def checks() -> list[Check]:
    """Geometry, appearance, and how a policy draws; deterministic."""
    images = torch.rand(BATCH, 3, SIZE, SIZE, generator=generator("augmentation/checks"))
    return [*geometry(images), *targets(images), *appearance(), *drawing(images)]


def geometry(images: Tensor) -> list[Check]:
    one, nothing = images.new_ones(BATCH), images.new_zeros(BATCH)
    still = affine(nothing, one, nothing, nothing, nothing)
    quarter = affine(pi / 2 * one, one, nothing, nothing, nothing)
    shifted = affine(nothing, one, nothing, 3 * one, -2 * one)
    moved = torch.zeros_like(images)
    moved[:, :, :-2, 3:] = images[:, :, 2:, :-3]
    corner = crop(still, one / 4, one, -one, SIZE, SIZE)  # a quarter of the area, at the upper right
    enlarged = images[:, :, : SIZE // 2, SIZE // 2 :].repeat_interleave(2, 2).repeat_interleave(2, 3)
    return [
        Check("strength 0 changes no bit", distance(warp_by(still, images), images), 0.0),
        Check("a rotation by 90° = torch.rot90", distance(warp_by(quarter, images), images.rot90(1, (2, 3))), 1e-5),
        Check("a translation by whole pixels = a shift, bit for bit", distance(warp_by(shifted, images), moved), 0.0),
        Check(
            "a flip = torch.flip, bit for bit",
            distance(warp_by(mirror(still, one.bool()), images), images.flip(3)),
            0.0,
        ),
        Check(
            "a crop of a quarter, to the nearest pixel = each of its pixels twice",
            distance(warp(images, places(corner, SIZE, SIZE), nearest=True), enlarged),
            0.0,
        ),
        Check("two rotations = the rotation by their sum", two_rotations(), 1e-12),
    ]


def two_rotations() -> float:
    """Two rotations against one, on linear ramps, which interpolation reproduces exactly, and without the border."""
    slopes = torch.rand(BATCH, 2, 1, 1, 1, generator=generator("augmentation/slopes"), dtype=torch.float64)
    ramp = torch.arange(SIZE, dtype=torch.float64)
    images = slopes[:, 0] * ramp + slopes[:, 1] * ramp[:, None]
    one = torch.ones(BATCH, dtype=torch.float64)

    def turned(images: Tensor, degrees: float) -> Tensor:
        return warp_by(affine(degrees * pi / 180 * one, one, 0 * one, 0 * one, 0 * one), images)

    middle = slice(SIZE // 3, -(SIZE // 3))
    twice, once = turned(turned(images, 25), 40), turned(images, 65)
    return distance(twice[..., middle, middle], once[..., middle, middle])


def targets(images: Tensor) -> list[Check]:
    """Masks and depth are warped like their image."""
    masks = torch.randint(0, 5, (BATCH, SIZE, SIZE), generator=generator("augmentation/masks")) * 7 + 3
    moment, indices = Moment(seed=0, epoch=2, step=9), torch.arange(BATCH)
    policy = Policy(rotation=30, translation=0.2, scale=0.3, shear=15, flip=0.5, crop=0.3, padding_mode="reflection")
    _, seen, depth = policy.augment(images, masks, masks / 2, moment, indices, BATCH)
    flips = Policy(flip=0.5)
    as_images, as_masks, _ = flips.augment(masks[:, None].float(), masks, None, moment, indices, BATCH)
    new = set(seen.unique().tolist()) - set(masks.unique().tolist())
    return [
        Check("masks keep their set of labels", float(len(new)), 0.0),
        Check("depth goes where the mask goes, bit for bit", distance(depth, seen / 2), 0.0),
        Check("an image that is the mask is flipped as the mask is", distance(as_images[:, 0], as_masks), 0.0),
        Check("a wave is seen alike as image and as depth, within half a pixel", half_pixel(policy), pi / 63),
    ]


def half_pixel(policy: Policy) -> float:
    """The largest difference between a wave as image and as depth: half a pixel off each way, each way pi / 63 steep."""
    wave = torch.linspace(0, pi, 64).sin()
    images = (wave * wave[:, None]).expand(BATCH, 1, 64, 64)
    shown, _, depth = policy.augment(images, None, images, Moment(0, 2, 9), torch.arange(BATCH), BATCH)
    return distance(shown, depth)


def appearance() -> list[Check]:
    blank = torch.zeros(200, 3, SIZE, SIZE)
    noise = add_noise(blank, 0.3, generator("augmentation/noise")).flatten()
    share, aspect, x, y = torch.rand(4, 4000, generator=generator("augmentation/rectangles"))
    share = 0.1 + 0.9 * share  # smaller ones may cover no pixel, and then have no height
    erased = rectangles(share, 9**aspect / 3, x, y, 12, SIZE).float()
    height = erased.amax(3).sum((1, 2))
    excess = ((erased.sum((1, 2, 3)) - share * 12 * SIZE).abs() - height / 2).clamp(min=0).max().item()
    area = erased.mean((1, 2, 3)) - share
    table = torch.rand(500, 8, generator=generator("augmentation/table")) + torch.arange(8.0)
    swapped = swap(table, 0.3, generator("augmentation/swap"))
    strange = (swapped[:, None] - table).abs().amin(1).max().item()  # from the nearest number of the same column
    kept = (swapped == table).float().flatten()
    return [
        Check("noise has mean 0, in standard errors", standard_errors(noise, 0.0), 4.0),
        Check("noise has the deviation asked for, in standard errors", standard_errors(noise**2, 0.3**2), 4.0),
        Check("each erased area = the share asked for, within half its height in pixels", excess, 1e-3),
        Check("the mean erased area = the share asked for", area.mean().abs().item(), 2e-3),
        Check("a swapped number stands in the same column of another example", strange, 0.0),
        Check(
            "the share of numbers kept = 1 - rate (1 - 1/n), in standard errors",
            standard_errors(kept, 1 - 0.3 * (1 - 1 / len(table))),
            4.0,
        ),
    ]


def drawing(images: Tensor) -> list[Check]:
    """A policy with everything but noise and swaps, which are keyed by step."""
    everything = Policy(20, 0.1, 0.2, 10, 0.5, 0.3, 0.3, 0.3, 0.3, 0, 0.2)
    moment, indices = Moment(seed=4, epoch=3, step=30), torch.tensor([7, 2, 5])
    together = everything(images[indices], moment, indices, BATCH)
    among = everything(images, replace(moment, step=31), torch.arange(BATCH), BATCH)[indices]
    later = everything(images[indices], replace(moment, epoch=4), indices, BATCH)
    same = (together == later).flatten(1).all(1).float().mean().item()
    off = Policy(**{field.name: 0.0 for field in fields(Policy) if field.name != "padding_mode"})
    return [
        Check(
            "a policy of zeros changes no bit", distance(off(images, moment, torch.arange(BATCH), BATCH), images), 0.0
        ),
        Check("an example is changed alike in whatever batch it sits", distance(together, among), 0.0),
        Check("and differently in the next epoch", same, 0.0),
    ]
