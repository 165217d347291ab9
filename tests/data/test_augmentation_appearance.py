"""Colours against Pillow, noise and rectangles against their laws."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from reglab.core.checks import standard_errors
from reglab.core.streams import generator
from reglab.data.augmentation.appearance import recolor, rectangles
from reglab.data.augmentation.corruption import add_noise

KINDS = {"brightness": ImageEnhance.Brightness, "contrast": ImageEnhance.Contrast, "saturation": ImageEnhance.Color}


def images_of(channels=3):
    return torch.rand(4, channels, 10, 12, generator=generator("colours"))


def factors(**given):
    return {kind: torch.full((4,), given.get(kind, 1.0)) for kind in KINDS}


@pytest.mark.parametrize("factor", [0.0, 0.6, 1.7])
@pytest.mark.parametrize("kind", KINDS)
def test_colours_change_as_in_pillow(kind, factor):
    bytes_ = (images_of() * 255).round().byte()
    result = recolor(bytes_ / 255, **factors(**{kind: factor}))
    for image, mine in zip(bytes_, result, strict=True):
        theirs = KINDS[kind](Image.fromarray(image.permute(1, 2, 0).numpy())).enhance(factor)
        gap = np.abs(np.asarray(theirs, float) / 255 - mine.permute(1, 2, 0).numpy())
        assert gap.max() < 2 / 255  # Pillow rounds greys, their mean and the result to bytes


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_factors_of_one_change_no_bit(channels):
    assert torch.equal(recolor(images_of(channels), **factors()), images_of(channels))


def test_an_image_without_colours_has_no_saturation_to_change():
    assert torch.equal(recolor(images_of(1), **factors(saturation=0.3)), images_of(1))


def test_each_example_has_factors_of_its_own():
    brightness = torch.tensor([0.0, 0.5, 1.0, 2.0])
    result = recolor(images_of(), **factors() | {"brightness": brightness})
    for image, mine, factor in zip(images_of(), result, brightness, strict=True):
        assert torch.allclose(mine, (image * factor).clamp(0, 1), atol=1e-6)


def test_noise_has_its_mean_and_deviation_and_is_not_cut():
    noise = add_noise(torch.zeros(50, 3, 20, 20), 0.4, generator("noise")).flatten()
    assert standard_errors(noise, 0.0) < 4 and standard_errors(noise**2, 0.16) < 4
    assert noise.min() < 0


def drawn(count, height, width, least=0.1):
    share, aspect, x, y = torch.rand(4, count, generator=generator("rectangles"))
    share = least + (1 - least) * share
    return share, rectangles(share, 9**aspect / 3, x, y, height, width)


@pytest.mark.parametrize("size", [(8, 8), (5, 40), (40, 5)])
def test_a_rectangle_is_one_of_whole_pixels_with_the_area_asked_for(size):
    share, masks = drawn(3000, *size)
    high, wide = (masks[:, 0].any(other).sum(1) for other in (2, 1))
    area = masks.sum((1, 2, 3))
    assert torch.equal(area, high * wide)
    assert ((area - share * size[0] * size[1]).abs() <= high / 2 + 1e-3).all()


def test_nothing_and_everything_can_be_asked_for():
    half = torch.full((6,), 0.5)
    aspect = torch.tensor([0.1, 0.3, 1, 3, 10, 100])
    assert not rectangles(0 * half, aspect, half, half, 6, 9).any()
    assert rectangles(2 * half, aspect, half, half, 6, 9).all()


def test_rectangles_reach_every_border_and_every_pixel_alike_but_for_the_borders():
    one = torch.ones(1)
    for x, y in ((0.0, 0.0), (0.999, 0.999)):
        mask = rectangles(one / 4, one, x * one, y * one, 8, 8)[0, 0]
        assert mask[-4:, -4:].all() if x else mask[:4, :4].all()
    _, masks = drawn(4000, 6, 6)
    assert (masks.float().mean(0) > 0.1).all()


def test_a_higher_aspect_is_a_higher_rectangle():
    share, half = torch.full((3,), 0.2), torch.full((3,), 0.5)
    masks = rectangles(share, torch.tensor([1 / 3, 1, 3]), half, half, 30, 30)[:, 0]
    high, wide = masks.any(2).sum(1), masks.any(1).sum(1)
    assert torch.allclose(high / wide, torch.tensor([1 / 3, 1, 3]), rtol=0.15)
