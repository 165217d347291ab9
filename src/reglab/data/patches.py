"""Images cut into square patches, some of which are hidden: how many there are."""

from collections.abc import Sequence


def patch_grid(size: Sequence[int], patch: int) -> tuple[int, int]:
    """How many patches, `patch` pixels wide and high, lie below and beside each other in an image (height, width).

    Those at the right and lower edge are less wide or high where the size asks for it.
    """
    down, across = (-(-side // patch) for side in size)
    return down, across


def hidden_count(size: Sequence[int], patch: int, share: float) -> int:
    """How many patches of an image `share` of them are, to the nearest whole number."""
    down, across = patch_grid(size, patch)
    return round(share * down * across)
