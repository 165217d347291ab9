"""Reads image files of one size into one array, which lies in a file that vanishes with it: memory does not limit how many.

Processes decode the files side by side and write each image to its place, so that the result does not depend on them.
"""

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from reglab.core.errors import UserError
from reglab.data.classes import at_most
from reglab.data.image_files import read_image
from reglab.data.stored_inputs import scratch_folder
from reglab.runtime.processes import run_all

FILES = 256  # that a process reads before it takes others
WHITE = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65_535}


@dataclass(frozen=True)
class Form:
    """The `channels` and the `size` (height, width) to which images are brought, or None, as in `read_image`; the `shape`
    and the type that they have in the array.
    """

    channels: int
    size: tuple[int, int] | None
    shape: tuple[int, ...]
    dtype: np.dtype


@dataclass
class Found:
    """What was wrong with some of the files: lines, shapes other than that of the form by place, 16 bits in place of 8."""

    lines: list[str] = field(default_factory=list)
    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    deep: bool = False


def read_stack(
    files: Sequence[str],
    channels: int,
    size: tuple[int, int] | None,
    place: str,
    study_size: tuple[int, int] | None = None,
) -> tuple[np.ndarray, int]:
    """The images (n, channels, height, width) as uint8, and the number that stands for white; read-only.

    If any has 16 bits, all are uint16, and 255 becomes 65,535. UserError with a line for each file that is no image, or for
    the sizes that differ, from each other or from `study_size` if there is one; `place` begins the line that counts what is
    not listed.
    """
    first = first_image(files, channels, size)
    form = Form(channels, size, (channels, *study_size) if study_size else first.shape, first.dtype)
    with tempfile.TemporaryFile(dir=scratch_folder()) as target:
        found = read_all(files, form, target.fileno())
        if lines := [line for each in found for line in each.lines]:
            raise UserError(*at_most(lines, place))
        if shapes := {place: shape for each in found for place, shape in each.shapes.items()}:
            raise size_error(files, shapes, form, study_size)
        if any(each.deep for each in found):
            form = Form(channels, size, form.shape, np.dtype(np.uint16))
            read_all(files, form, target.fileno())
        array = np.memmap(target, form.dtype, "r", shape=(len(files), *form.shape))
    return array.view(np.ndarray), WHITE[form.dtype]


def first_image(files: Sequence[str], channels: int, size: tuple[int, int] | None) -> np.ndarray:
    """The first image that can be read; one without pixels where there is none."""
    for file in files:
        try:
            return read_image(Path(file), channels, size)
        except UserError:
            pass
    return np.zeros((channels, 0, 0), np.uint8)


def read_all(files: Sequence[str], form: Form, target: int) -> list[Found]:
    """Write each image to its place in the file with the descriptor `target`; in processes, where these can inherit it."""
    jobs = [(read_some, files[start : start + FILES], start, form, target) for start in range(0, len(files), FILES)]
    if len(jobs) == 1 or sys.platform != "linux":
        return [job(*arguments) for job, *arguments in jobs]
    return run_all(jobs, processes=None, with_torch=False)


def read_some(files: Sequence[str], start: int, form: Form, target: int) -> Found:
    """Write the images that stand in all at the places from `start` on; what is not of the form is not written."""
    found = Found()
    for place, file in enumerate(files, start):
        try:
            image = read_image(Path(file), form.channels, form.size)
        except UserError as error:
            found.lines += error.lines
            continue
        if image.shape != form.shape:
            found.shapes[place] = image.shape
        elif image.dtype.itemsize > form.dtype.itemsize:
            found.deep = True
        else:
            factor = WHITE[form.dtype] // WHITE[image.dtype]
            content = memoryview(np.ascontiguousarray(image.astype(form.dtype) * form.dtype.type(factor))).cast("B")
            written, offset = 0, place * len(content)
            while written < len(content):
                written += os.pwrite(target, content[written:], offset + written)
    return found


def size_error(
    files: Sequence[str], shapes: dict[int, tuple[int, ...]], form: Form, study_size: tuple[int, int] | None
) -> UserError:
    """The line on images whose size is not that of most, or not `study_size`; `shapes` are those, by place, that are not that
    of the form.
    """
    if study_size:
        file, shape = files[min(shapes)], shapes[min(shapes)]
        others = f", and other sizes than the study in {len(shapes) - 1:,} more files" if len(shapes) > 1 else ""
        allowed = "{} x {}, as in the study".format(*study_size)
        return UserError(
            "{}: found {} x {} pixels (height x width){}; allowed: {}".format(file, *shape[1:], others, allowed)
        )
    of_all = [shapes.get(place, form.shape) for place in range(len(files))]
    counts = Counter(of_all)
    usual = max(counts, key=counts.get)
    odd = [place for place, shape in enumerate(of_all) if shape != usual]
    found = "{1} x {2} pixels (height x width)".format(*of_all[odd[0]])
    others = f", and other sizes than most in {len(odd) - 1:,} more files" if len(odd) > 1 else ""
    allowed = "{1} x {2}, as most have, or data.size, to which all are brought".format(*usual)
    return UserError(f"{files[odd[0]]}: found {found}{others}; allowed: {allowed}")
