"""Finds out what kind of data a path holds, which says what source reads it."""

import os
from collections import Counter
from pathlib import Path

from reglab.core.errors import UserError
from reglab.data.class_folders import root

ARRAYS = (".npz", ".npy", ".safetensors")
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
TEXTS = (".txt",)
SCANNED = 10_000  # files of a folder whose endings are looked at


def kind_of(path: str, options: dict) -> str:
    """The name of the source for what is at the path: arrays by the ending of a file, images and texts by those of the files
    in a folder. Any other file is a table, which names texts or images where an option says in which column.

    UserError for a folder of anything else, or of both.
    """
    if Path(path).is_dir():
        return kind_of_folder(path)
    if Path(path).suffix.lower() in ARRAYS:
        return "arrays"
    named = [(key, kind) for key, kind in (("text", "texts"), ("path", "images")) if options.get(key)]
    if len(named) > 1:
        raise UserError(f"{path}: --text and --path: found both; allowed: one of them, for texts or for images")
    return named[0][1] if named else "table"


def kind_of_folder(folder: str) -> str:
    """images or texts, whichever the files of a folder are, at any depth."""
    endings = Counter()
    for place, folders, files in os.walk(root(folder)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        endings.update(Path(place, name).suffix.lower() for name in files if not name.startswith("."))
        if endings.total() > SCANNED:
            break
    counts = {
        "images": sum(endings[each] for each in IMAGES),
        "texts": sum(endings[each] for each in TEXTS),
    }
    allowed = "a folder for each class, with images or with text files (.txt) inside; or the path of a file"
    if not any(counts.values()):
        found = ", ".join(f"{count:,} {ending or 'without an ending'}" for ending, count in endings.most_common(5))
        raise UserError(f"{folder}: found a folder {f'with {found}' if found else 'without files'}; allowed: {allowed}")
    if all(counts.values()):
        found = " and ".join(f"{count:,} {kind}" for kind, count in counts.items())
        raise UserError(f"{folder}: found {found}; allowed: {allowed}")
    return next(kind for kind, count in counts.items() if count)
