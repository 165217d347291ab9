"""Affine maps, one an example, and images seen through them.

A map says for each place of the result where in the source to look. Places are in pixels from the centre of the image,
x to the right and y down, so that a rotation keeps shapes also where an image is wider than high.
"""

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, pad

from reglab.core.errors import UserError


def sides(images: Tensor) -> tuple[int, int]:
    """Height and width of images (batch, channels, height, width); UserError if they are not images."""
    if images.ndim != 4:
        found = " x ".join(map(str, images.shape[1:]))
        raise UserError(
            f"augmentation: found examples of {found} numbers; allowed: images, channels x height x width; "
            "without them take out what moves pixels: affine, erasing, cutmix, a policy"
        )
    return images.shape[2], images.shape[3]


def affine(
    rotation: Tensor,  # (batch,), as all the others: radians, counter-clockwise as one sees it
    zoom: Tensor,  # by what everything grows, > 0
    shear: Tensor,  # radians by which vertical lines lean to the right
    right: Tensor,  # pixels
    down: Tensor,  # pixels
) -> Tensor:
    """Maps (batch, 2, 3): source = shear^-1 rotation^-1 (result - shift) / zoom.

    So the source is grown first, then sheared, rotated and shifted.
    """
    cos, sin, slope = rotation.cos() / zoom, rotation.sin() / zoom, shear.tan()
    first, second = cos + slope * sin, slope * cos - sin
    x, y = first * right + second * down, sin * right + cos * down
    return torch.stack((first, second, -x, sin, cos, -y), 1).view(-1, 2, 3)


def mirror(maps: Tensor, which: Tensor) -> Tensor:
    """The maps of sources whose left and right are swapped first, where `which` (batch,) is true."""
    return torch.where(which[:, None, None], maps * maps.new_tensor([[-1], [1]]), maps)


def crop(maps: Tensor, share: Tensor, x: Tensor, y: Tensor, height: int, width: int) -> Tensor:
    """The maps of rectangles of the sources, which are enlarged first: `share` (batch,) of the area, shaped as the image.

    x and y (batch,) in [-1, 1] place them: at -1 and 1 they touch a border.
    """
    side = share.sqrt()
    centre = torch.stack((x * width, y * height), 1) * ((1 - side) / 2)[:, None]
    return maps * side[:, None, None] + pad(centre[:, :, None], (2, 0))


def places(maps: Tensor, height: int, width: int) -> Tensor:
    """The source place of each pixel: (batch, height, width, 2), in grid_sample's unit, where an image reaches from -1 to 1.

    torch's affine_grid starts from rounded coordinates; these are exact, so mirrors, whole shifts and the identity are
    exact where the sides are powers of two. On larger images they take a third of the time.
    """
    x = torch.arange(width, dtype=maps.dtype, device=maps.device) - (width - 1) / 2
    y = torch.arange(height, dtype=maps.dtype, device=maps.device)[:, None, None] - (height - 1) / 2
    maps = maps * maps.new_tensor([[2 / width], [2 / height]])
    right, down, offset = maps[:, None, None].unbind(-1)
    return right * x[:, None] + (down * y + offset)


def warp(images: Tensor, places: Tensor, *, nearest: bool = False, padding_mode: str = "zeros") -> Tensor:
    """Images (batch, channels, height, width), or maps without channels, as seen at `places`; the type stays.

    `nearest` takes the value of the nearest pixel, whatever type it has, so that no new label
    or depth arises; else the four around are mixed. `padding_mode` is that of PyTorch's grid_sample.
    """
    # Written here rather than taken from kornia, which takes 1.3 to 4.5 times as long: benchmarks/augmentation.py.
    channels = images if images.ndim == 4 else images[:, None]
    if nearest:
        return take_pixels(channels, nearest_pixels(places, *channels.shape[2:], padding_mode)).view(images.shape)
    seen = grid_sample(channels.to(places.dtype), places, "bilinear", padding_mode, align_corners=False)
    return seen.view(images.shape).to(images.dtype)


def nearest_pixels(places: Tensor, height: int, width: int, padding_mode: str) -> Tensor:
    """Numbers (batch, height, width) of the pixels seen at `places`, row by row from 1; 0 where zeros lie outside."""
    exact = places.double() if height * width >= 2**24 else places  # up to there single precision counts
    numbers = torch.arange(1, height * width + 1, dtype=exact.dtype, device=places.device).view(1, 1, height, width)
    seen = grid_sample(numbers.expand(len(places), -1, -1, -1), exact, "nearest", padding_mode, align_corners=False)
    return seen[:, 0].long()


def take_pixels(maps: Tensor, numbers: Tensor) -> Tensor:
    """The values of maps (batch, channels, height, width) at pixels `numbers`, as they are; 0 at number 0."""
    flat = pad(maps.flatten(2), (1, 0))
    return flat.gather(2, numbers.flatten(1)[:, None].expand(-1, maps.shape[1], -1)).view(maps.shape)
