"""Changes of images that move no pixel: colours and erased rectangles."""

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # how bright red, green and blue look: ITU-R BT.601


def grey(images: Tensor) -> Tensor:
    """Brightness (batch, 1, height, width): the luma of three channels, the mean of any other number."""
    if images.shape[1] == 3:
        return (images * images.new_tensor(LUMA).view(3, 1, 1)).sum(1, keepdim=True)
    return images.mean(1, keepdim=True)


def recolor(images: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor) -> Tensor:
    """Images (batch, channels, height, width) in [0, 1] with three factors (batch,), of which 1 changes nothing.

    Brightness: x <- b x. Contrast: away from the image's mean grey m, x <- m + c (x - m). Saturation: away from each
    pixel's grey g, x <- g + s (x - g). What leaves [0, 1] is cut.
    """
    brightness, contrast, saturation = (factor.view(-1, 1, 1, 1) for factor in (brightness, contrast, saturation))
    images = images * brightness
    images = torch.lerp(grey(images).mean((2, 3), keepdim=True), images, contrast)
    return torch.lerp(grey(images), images, saturation).clamp(0, 1)


def rectangles(share: Tensor, aspect: Tensor, x: Tensor, y: Tensor, height: int, width: int) -> Tensor:
    """Masks (batch, 1, height, width), true in a rectangle of whole pixels that takes this share of the image.

    share (batch,) in [0, 1] of the area; aspect (batch,): height over width, in shares of the sides, cut where the image
    is too narrow for it; x and y (batch,) in [0, 1): where, from touching the left and upper border on. The area differs
    from `share` by at most half the rectangle's height.
    """
    lowest = (share * height).ceil().clamp(min=1)  # any lower and it would be wider than the image
    high = ((share * aspect).sqrt() * height).round().clamp(max=height).maximum(lowest)
    wide = (share * height * width / high).round()
    top, left = (y * (height - high + 1)).floor(), (x * (width - wide + 1)).floor()
    rows, columns = (torch.arange(side, device=share.device) for side in (height, width))
    inside_rows = (rows >= top[:, None]) & (rows < (top + high)[:, None])
    inside_columns = (columns >= left[:, None]) & (columns < (left + wide)[:, None])
    return (inside_rows[:, :, None] & inside_columns[:, None, :])[:, None]
