"""Counts the square patches of an image, and those of them that are hidden."""

from collections.abc import Sequence


def patch_grid(size: Sequence[int], patch: int) -> tuple[int, int]:
    """The rows and columns of patches, `patch` pixels wide and high, of an image (height, width).

    Those at the right and lower edge are smaller where the patches do not divide the image.
    """
    down, across = (-(-side // patch) for side in size)
    return down, across


def hidden_count(size: Sequence[int], patch: int, share: float) -> int:
    """The number of hidden patches of an image: this `share` of all, to the nearest whole number."""
    down, across = patch_grid(size, patch)
    return round(share * down * across)
