"""Grey images in the rows of a csv without names: the values of the pixels, 0 to 255, then the class, a whole number."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le

from reglab.data.image_folder import read_images
from reglab.data.source import Examples, Source

Side = Annotated[int, Ge(2), Le(512)]


@dataclass(frozen=True)
class ImageRows(Source):
    """A row of `file`, which may be compressed, is an image of `height` x `width` pixels, row by row, and its class."""

    paths: ClassVar[tuple[str, ...]] = ("file",)

    file: str
    height: Side
    width: Side

    def load(self) -> Examples:
        """Images (n, 1, height, width) float32 in [0, 1], and their classes."""
        images, labels = read_images(self.file, self.height, self.width)
        names, targets = np.unique(labels, return_inverse=True)
        inputs = images[:, None].astype(np.float32) / 255
        return Examples(inputs=inputs, targets=targets.astype(np.int64), classes=tuple(map(str, names)))
