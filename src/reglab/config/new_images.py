"""What `reglab new` understands of image files: classes, sizes and modes, and to which size and channels all are brought."""

import os
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from statistics import median

from PIL.Image import open as open_image

from reglab.config.candidates import named_candidates
from reglab.config.new_rows import named_columns, without_columns
from reglab.config.new_study import NewStudy, class_counts, declared_split, setting_lines, usable
from reglab.config.packaged import resolved
from reglab.core.errors import UserError
from reglab.data.class_folders import class_files
from reglab.data.image_files import FORMATS
from reglab.data.sources.images import Images

OPTIONS = ("target", "path", "folder", "group", "time")
GREY = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N", "F"}  # modes of Pillow
LARGEST_SIDE = 64  # pixels to which images are brought; a network for more takes long on the processors of a desk
TURNED = (5, 6, 7, 8)  # EXIF orientations with height and width exchanged
ORIENTATION = 0x0112  # its tag


def understood(path: str, options: dict) -> NewStudy:
    """The images in a folder for each class, or those that a table names; UserError with all that is not clear.

    options: of a table path and target (columns), folder (that of the files; that of the table unless given), group, time.
    """
    distinct = {}
    if options.get("path"):
        named, distinct = named_columns(path, options, "path")
        folder = options.get("folder") or str(PurePath(path).parent)
        if folder == ".":
            allowed = "the folder from which the paths start, which a profile brings into its own"
            raise UserError(f"{path}: --folder: found the folder of the project; allowed: {allowed}")
        source = {"folder": folder} | named
    else:
        without_columns(path, options, OPTIONS)
        source = {"folder": path}
    located = {key: resolved(source[key]) for key in ("folder", "file") if key in source}
    unsized = Images(**(source | located), channels=1)
    files = [file for _, file in (unsized.rows()[0] if unsized.file else class_files(unsized.folder, "images"))]
    sizes, modes = scanned(files)
    channels = 1 if modes and all(mode in GREY for mode in modes) else 3
    size = common_size(sizes)
    settings = source | {"channels": channels} | ({"size": list(size)} if size else {})
    examples = replace(unsized, channels=channels, size=size).load()
    height, width = examples.inputs.values.shape[2:]
    roles = {"group", "time"} & settings.keys()
    shown = [*mode_notes(modes, channels), *size_notes(sizes, size)]
    candidates = (
        named_candidates(distinct, len(files), {"group", "time"} - roles) if unsized.file else folder_notes(path, files)
    )
    return NewStudy(
        name="images",
        settings=setting_lines(settings),
        noun="images",
        examples=len(examples.targets),
        usable=usable(len(examples.targets), examples.groups, examples.times),
        targets=class_counts(examples),
        columns=channels * height * width,
        size=(height, width),
        split=declared_split(roles),
        summary=summary(path, sizes, modes, (channels, height, width)),
        notes=[*shown, *candidates],
    )


def scanned(files: Sequence[str]) -> tuple[Counter, Counter]:
    """How many images have each size (height, width), and each mode of Pillow; files that are none are left out here."""
    sizes, modes = Counter(), Counter()
    for file in filter(os.path.isfile, files):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with open_image(file, formats=FORMATS) as image:
                    width, height = image.size
                    turned = image.getexif().get(ORIENTATION) in TURNED
                    sizes[(width, height) if turned else (height, width)] += 1
                    modes[image.mode] += 1
        except Exception:  # a decoder may raise anything on damaged files, which the source names
            continue
    return sizes, modes


def common_size(sizes: Counter) -> tuple[int, int] | None:
    """The size (height, width) to which all are brought; None where they have one that is small enough.

    It is that of the median height and width, without more than LARGEST_SIDE pixels a side.
    """
    if not sizes or (len(sizes) == 1 and max(next(iter(sizes))) <= LARGEST_SIDE):
        return None
    height, width = (median(size[axis] for size in sizes.elements()) for axis in (0, 1))
    shrink = min(1.0, LARGEST_SIDE / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def summary(path: str, sizes: Counter, modes: Counter, shape: tuple[int, int, int]) -> list[str]:
    """The number of the images, their sizes and modes, and what a network gets."""
    several = [f"{height} x {width}" for height, width in sizes]
    heights, widths = ([size[axis] for size in sizes] for axis in (0, 1))
    if len(sizes) > 1:
        several = [
            f"{len(sizes):,} sizes, from {min(heights)} to {max(heights)} high and {min(widths)} to {max(widths)} wide"
        ]
    listed = ", ".join(f"{mode} {count:,}" for mode, count in modes.most_common())
    channels, height, width = shape
    return [
        f"{path}: {sizes.total():,} images",
        "",
        f"size      {several[0]}  (height x width, in pixels)",
        f"mode      {listed}  (of Pillow: L is grey, RGB colours)",
        f"prepared  {channels} x {height} x {width}  (channels x height x width), from 0 to 1",
        "",
    ]


def mode_notes(modes: Counter, channels: int) -> list[str]:
    """Whether grey and coloured files are mixed, or have more than a network gets."""
    grey = sum(count for mode, count in modes.items() if mode in GREY)
    if channels == 3 and grey:
        return [
            f"{grey:,} of {modes.total():,} images are grey, and get three equal channels: channels: 1 makes all grey"
        ]
    return []


def size_notes(sizes: Counter, size: tuple[int, int] | None) -> list[str]:
    """To which size images are brought that have several or a large one."""
    if size is None:
        return []
    why = f"{len(sizes):,} sizes" if len(sizes) > 1 else "a large size"
    return [f"{why}: all are brought to {size[0]} x {size[1]} pixels, whatever their proportions; size: says otherwise"]


def folder_notes(path: str, files: Sequence[str]) -> list[str]:
    """Whether the folders of the classes have folders of their own, whose images may belong together."""
    home = len(PurePath(resolved(path)).parts)
    below = {PurePath(file).parent for file in files if len(PurePath(file).parts) > home + 2}
    if not below:
        return []
    example = min(below).relative_to(resolved(path))
    hint = (
        "if the images of one belong together, a table with the columns path, target and group says so: --path, --group"
    )
    return [f"{len(below):,} folders below those of the classes, such as {example}: {hint}"]
