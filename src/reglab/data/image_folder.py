"""Writes a table of pixels as the folder of images that the source `images` reads."""

import io
import os
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from reglab.core.errors import UserError
from reglab.data.tables.table_bytes import read_bytes


def write_images(file: str, folder: str, size: tuple[int, int]) -> int:
    """Write each row of a csv without names as folder/<class>/<row>.png; returns the number of rows.

    A row has the height x width grey values of an image, from 0 to 255, row by row, and its class, a whole number. The file
    may be compressed. The folder is there as a whole or not at all. UserError where it is there already, or for other rows.
    """
    target, (height, width) = Path(folder), size
    if target.exists():
        raise UserError(
            f"{folder}: found a file or a folder of this name; allowed: a new one; remove it, or name another"
        )
    images, labels = read_images(file, height, width)
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # as a kill may have left it
    for label in np.unique(labels):
        (partial / str(label)).mkdir(parents=True)
    digits = len(str(len(images)))
    for row, (image, label) in enumerate(zip(images, labels, strict=True), 1):
        Image.fromarray(image).save(partial / str(label) / f"{row:0{digits}}.png")
    os.replace(partial, target)
    return len(images)


def read_images(file: str, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, height, width) uint8 and labels (n,) int64 of a csv without names; UserError for other rows."""
    table = read_numbers(file)
    if table.shape[1] != height * width + 1:
        allowed = f"{height * width + 1:,}, for {height} x {width} pixels and the class"
        raise UserError(f"{file}: found {table.shape[1]:,} columns; allowed: {allowed}")
    pixels, labels = table[:, :-1], table[:, -1]
    if len(odd := np.flatnonzero((pixels < 0).any(1) | (pixels > 255).any(1))):
        found = f"values from {pixels[odd[0]].min()} to {pixels[odd[0]].max()}"
        raise UserError(f"{file}, row {odd[0] + 1}: found {found}; allowed: 0 to 255")
    return pixels.astype(np.uint8).reshape(-1, height, width), labels


def read_numbers(file: str) -> np.ndarray:
    """The whole numbers of a csv without names (rows, columns); UserError where it has anything else."""
    if not Path(file).is_file():
        raise UserError(f"{file}: found no such file; allowed: a csv file, possibly compressed")
    try:
        return np.loadtxt(io.BytesIO(read_bytes(Path(file))), np.int64, delimiter=",", ndmin=2)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{file}: found what is no table of whole numbers ({reason}); allowed: numbers with commas"
        ) from None
