"""Grey images in the rows of a csv without names: the values of the pixels, 0 to 255, then the class, a whole number."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le

from reglab.core.errors import UserError
from reglab.data.image_folder import read_numbers
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
        table = read_numbers(self.file)
        if table.shape[1] != self.height * self.width + 1:
            allowed = f"{self.height * self.width + 1:,}, for {self.height} x {self.width} pixels and the class"
            raise UserError(f"{self.file}: found {table.shape[1]:,} columns; allowed: {allowed}")
        pixels, labels = table[:, :-1], table[:, -1]
        if len(odd := np.flatnonzero((pixels < 0).any(1) | (pixels > 255).any(1))):
            found = f"values from {pixels[odd[0]].min()} to {pixels[odd[0]].max()}"
            raise UserError(f"{self.file}, row {odd[0] + 1}: found {found}; allowed: 0 to 255")
        names, targets = np.unique(labels, return_inverse=True)
        images = (pixels.astype(np.float32) / 255).reshape(-1, 1, self.height, self.width)
        return Examples(inputs=images, targets=targets.astype(np.int64), classes=tuple(map(str, names)))
