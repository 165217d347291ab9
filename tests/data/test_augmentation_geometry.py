"""Affine maps against products of matrices, and what is seen through them against scipy and torch."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.nn.functional import grid_sample, interpolate

from reglab.core.errors import UserError
from reglab.core.streams import generator
from reglab.data.augmentation.geometry import affine, crop, mirror, nearest_pixels, places, sides, warp

BATCH = 5
RANGES = {"rotation": 3.0, "zoom": 0.5, "shear": 0.5, "right": 4.0, "down": 4.0}


@pytest.fixture
def parameters():
    draws = 2 * torch.rand(len(RANGES), BATCH, generator=generator("parameters"), dtype=torch.float64) - 1
    result = {name: most * row for (name, most), row in zip(RANGES.items(), draws, strict=True)}
    return result | {"zoom": result["zoom"].exp()}


def images_of(height, width, dtype=torch.float64):
    return torch.rand(BATCH, 2, height, width, generator=generator("images", height, width), dtype=dtype)


def maps_of(dtype=torch.float64, **settings):
    """The same map for each example; what is not given changes nothing."""
    still = {"rotation": 0.0, "zoom": 1.0, "shear": 0.0, "right": 0.0, "down": 0.0}
    return affine(**{name: torch.full((BATCH,), value, dtype=dtype) for name, value in (still | settings).items()})


def seen(maps, images, **how):
    return warp(images, places(maps, *images.shape[2:]), **how)


def test_a_map_undoes_growing_then_shearing_then_rotating_then_shifting(parameters):
    result = affine(**parameters)
    for row, values in enumerate(zip(*parameters.values(), strict=True)):
        rotation, zoom, shear, right, down = map(float, values)
        cos, sin = np.cos(rotation), np.sin(rotation)  # counter-clockwise where y points down
        linear = np.array([[cos, sin], [-sin, cos]]) @ [[1, -np.tan(shear)], [0, 1]] * zoom
        forward = np.vstack([np.c_[linear, [right, down]], [0, 0, 1]])
        assert np.abs(np.linalg.inv(forward)[:2] - result[row].numpy()).max() < 1e-12


@pytest.mark.parametrize(("nearest", "order"), [(False, 1), (True, 0)])
@pytest.mark.parametrize("size", [(9, 9), (8, 13)])
def test_images_are_seen_as_scipy_transforms_them(parameters, size, nearest, order):
    images, maps = images_of(*size), affine(**parameters)
    result = seen(maps, images, nearest=nearest).numpy()
    middle = (np.array(size) - 1) / 2
    for example in range(BATCH):
        linear, shift = maps[example, :, :2].numpy()[::-1, ::-1], maps[example, :, 2].numpy()[::-1]
        offset = middle + shift - linear @ middle
        for channel in range(2):
            source = images[example, channel].numpy()
            wanted = ndimage.affine_transform(source, linear, offset, order=order, mode="grid-constant")
            assert np.abs(wanted - result[example, channel]).max() < 1e-12


@pytest.mark.parametrize("quarters", [1, 2, 3, -1])
@pytest.mark.parametrize("size", [8, 9])
def test_a_rotation_by_quarters_is_rot90(size, quarters):
    images = images_of(size, size, torch.float32)
    turned = seen(maps_of(torch.float32, rotation=quarters * np.pi / 2), images)
    assert (turned - images.rot90(quarters, (2, 3))).abs().max() < 1e-5


def test_the_middle_of_a_wide_image_turns_as_a_square_does():
    images = images_of(6, 12)
    turned, middle = seen(maps_of(rotation=np.pi / 2), images), (..., slice(3, 9))
    assert (turned[middle] - images[middle].rot90(1, (2, 3))).abs().max() < 1e-12


@pytest.mark.parametrize("size", [(8, 8), (32, 64)])
def test_no_change_whole_shifts_and_mirrors_are_bit_for_bit(size):
    images = images_of(*size, torch.float32)
    assert torch.equal(seen(maps_of(torch.float32), images), images)
    shifted = seen(maps_of(torch.float32, right=2.0, down=-3.0), images)
    assert torch.equal(shifted[:, :, :-3, 2:], images[:, :, 3:, :-2])
    assert (shifted[:, :, -3:] == 0).all() and (shifted[..., :2] == 0).all()
    which = torch.tensor([True, False, True, True, False])
    mirrored = seen(mirror(maps_of(torch.float32), which), images)
    assert torch.equal(mirrored[which], images[which].flip(3)) and torch.equal(mirrored[~which], images[~which])


def test_where_sides_are_no_powers_of_two_no_change_is_one_up_to_rounding():
    images = images_of(7, 11, torch.float32)
    assert (seen(maps_of(torch.float32), images) - images).abs().max() < 1e-5


def test_a_crop_of_everything_is_no_crop():
    maps, one = affine(*torch.rand(5, BATCH, generator=generator("maps"), dtype=torch.float64)), torch.ones(BATCH)
    assert torch.equal(crop(maps, one, one, -one, 8, 10), maps)


@pytest.mark.parametrize(("x", "y", "left", "top"), [(-1, -1, 0, 0), (1, -1, 8, 0), (0, 1, 4, 6)])
def test_a_crop_of_a_quarter_is_that_part_at_twice_its_size(x, y, left, top):
    images, one = images_of(12, 16), torch.ones(BATCH, dtype=torch.float64)
    cropped = seen(crop(maps_of(), one / 4, x * one, y * one, 12, 16), images)
    wanted = interpolate(images[:, :, top : top + 6, left : left + 8], scale_factor=2, mode="bilinear")
    assert (cropped - wanted)[..., 1:-1, 1:-1].abs().max() < 1e-12  # at its border a crop still sees its neighbours


def test_outside_lie_zeros_or_the_border_or_the_reflection():
    row = torch.arange(1.0, 5).expand(BATCH, 1, 1, 4)
    maps = maps_of(torch.float32, right=2.0)
    for mode, wanted in {"zeros": [0, 0, 1, 2], "border": [1, 1, 1, 2], "reflection": [2, 1, 1, 2]}.items():
        assert torch.equal(seen(maps, row, padding_mode=mode)[0, 0, 0], torch.tensor(wanted).float())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float64])
def test_the_nearest_pixel_makes_no_new_value_and_the_type_stays(parameters, dtype):
    masks = torch.randint(1, 200, (BATCH, 9, 12), generator=generator("masks")).to(dtype)
    maps = affine(**parameters).float()
    for mode, more in {"zeros": {0}, "border": set(), "reflection": set()}.items():
        result = warp(masks, places(maps, 9, 12), nearest=True, padding_mode=mode)
        assert result.dtype == dtype and result.shape == masks.shape and not torch.equal(result, masks)
        for old, new in zip(masks, result, strict=True):
            assert set(new.unique().tolist()) <= set(old.unique().tolist()) | more


def test_what_is_no_image_is_told_so():
    with pytest.raises(UserError, match=r"examples of 64 numbers; allowed: images"):
        sides(torch.zeros(3, 64))


@pytest.mark.parametrize(
    "labels",
    [
        torch.tensor([2**24, 2**24 + 1, 2**31 - 1, 2**53 + 1, -(2**62) - 1]),
        torch.tensor([2**24 + 1, 2**31 - 1, 7], dtype=torch.int32),
        torch.tensor([1 + 1e-12, 0.1, 1e300], dtype=torch.float64),
        torch.tensor([True, True]),
    ],
    ids=lambda labels: str(labels.dtype),
)
@pytest.mark.parametrize("mode", ["zeros", "border", "reflection"])
def test_labels_beyond_single_precision_are_seen_as_they_are_where_small_ones_are(labels, mode):
    """What a pixel shows is decided by its place alone: the numbers 1, 2, ... go where the labels of these numbers go."""
    random = generator("labels")
    numbers = torch.randint(1, len(labels) + 1, (4, 9, 12), generator=random)
    one = torch.ones(4)
    maps = affine(0.4 * one, 1.2 * one, 0.1 * one, 2.3 * one, -1.7 * one)
    shown = warp(numbers, places(maps, 9, 12), nearest=True, padding_mode=mode)
    seen = warp(labels[numbers - 1], places(maps, 9, 12), nearest=True, padding_mode=mode)
    expected = torch.cat([labels.new_zeros(1), labels])[shown]
    assert seen.dtype == labels.dtype and torch.equal(seen, expected)
    assert (shown == 0).any() == (mode == "zeros")


def test_masks_with_channels_are_picked_channel_by_channel():
    masks = torch.arange(2 * 3 * 5 * 4).view(2, 3, 5, 4) + 2**40
    still = affine(*(torch.full((2,), value) for value in (0.0, 1.0, 0.0, 1.0, 0.0)))
    seen = warp(masks, places(still, 5, 4), nearest=True)
    assert torch.equal(seen[..., 1:], masks[..., :-1]) and (seen[..., 0] == 0).all()


def test_the_last_pixel_of_an_image_of_more_than_2_to_the_24_has_its_own_number():
    """A row of 2^24 + 5 pixels, looked at in single precision 2^-24 before its end: that number it does not have."""
    at = torch.tensor([[[[1 - 2.0**-24, 0.0]]]])
    assert nearest_pixels(at, 1, 2**24 + 5, "zeros").item() == 2**24 + 5


def test_a_smaller_image_is_looked_at_in_the_precision_of_its_places():
    """On the border between two pixels, where double precision sees the other one of some."""
    at = ((torch.arange(99) + 1) / 50 - 1).expand(1, 1, 99)
    at = torch.stack([at, torch.zeros_like(at)], 3)
    numbers = torch.arange(1.0, 101).view(1, 1, 1, 100)
    theirs, finer = (
        grid_sample(numbers.to(places.dtype), places, "nearest", "zeros", align_corners=False)[:, 0].long()
        for places in (at, at.double())
    )
    assert torch.equal(nearest_pixels(at, 1, 100, "zeros"), theirs) and not torch.equal(theirs, finer)
