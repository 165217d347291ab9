"""The files of a folder that has a folder for each class, and the paths of files that a table names."""

import os
from pathlib import Path

from reglab.core.errors import UserError
from reglab.core.wording import nearest
from reglab.data.classes import at_most

PARTS = {"train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation"}
PARTS |= {"test": "test", "testing": "test"}


def class_files(folder: str, what: str) -> list[tuple[str, str]]:
    """(class, path) of each file in the folders of the classes, at any depth, in alphabetical order of their paths.

    `what` says what the files should be. Names that begin with a dot are left out. UserError with all problems: no folder,
    files beside the classes, a class without a file, links that lead out of the folder, parts of a split in place of classes.
    """
    home = root(folder)
    names = sorted(entry.name for entry in home.iterdir() if not entry.name.startswith("."))
    classes = [name for name in names if (home / name).is_dir()]
    lines = [
        f"{home / name}: found a file beside the folders of the classes; allowed: {what} inside of them"
        for name in names
        if name not in classes
    ]
    if not classes:
        lines = [f"{folder}: found no folder in it; allowed: a folder for each class, with {what} inside"]
    if classes and all(name.lower() in PARTS for name in classes):
        lines.append(
            f"{folder}: found the parts of a split: {', '.join(classes)}; allowed: a folder for each class; put the files of "
            "a class together, or name a table (file) with the columns path, target and parts"
        )
    pairs = []
    for name in classes:
        if line := link_problem(home / name, home):
            lines.append(line)
            continue
        inside = sorted(files_below(home / name), key=lambda file: file.relative_to(home).as_posix())
        lines += [line for file in inside if (line := link_problem(file, home))]
        if not inside:
            lines.append(f"{home / name}: found an empty folder; allowed: {what} in the folder of each class")
        pairs += [
            (name, str(file)) for file in inside
        ]  # of a hundred thousand files, a `Path` takes five times as much
    if lines:
        raise UserError(*at_most(lines, folder))
    return pairs


def root(folder: str) -> Path:
    """The folder; UserError where it is none."""
    home = Path(folder)
    if not home.is_dir():
        near = [each.name for each in home.parent.iterdir() if each.is_dir()] if home.parent.is_dir() else []
        found = "a file" if home.exists() else "no such folder"
        raise UserError(f"{folder}: found {found}; allowed: a folder{nearest(home.name, near)}")
    return home


def files_below(folder: Path) -> list[Path]:
    """Every file and every link below a folder; links to folders are not followed."""
    paths = []
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths += [Path(place, name) for name in (*files, *links) if not name.startswith(".")]
    return paths


def all_files(folder: Path, what: str) -> list[Path]:
    """The files of a folder at any depth, in alphabetical order of their paths; UserError where there is none, or for links
    that lead out of it.
    """
    files = sorted(files_below(folder), key=lambda file: file.relative_to(folder).as_posix())
    lines = [line for file in files if (line := link_problem(file, folder))]
    if not files:
        lines = [f"{folder}: found an empty folder; allowed: {what} in it, at any depth"]
    if lines:
        raise UserError(*at_most(lines, str(folder)))
    return files


def link_problem(file: Path, home: Path) -> str | None:
    """A line where a file is a link to a folder, to nothing, or out of the folder `home`."""
    if not file.is_symlink():
        return None
    if not file.exists():
        return f"{file}: found a link to nothing; allowed: files, or links to files below {home}"
    if file.is_dir() or not file.resolve().is_relative_to(home.resolve()):
        what = "a link to a folder" if file.is_dir() else "a link out of the folder"
        return f"{file}: found {what}, to {os.readlink(file)}; allowed: files, or links to files below {home}"
    return None


def named_file(home: Path, name: str) -> Path | str:
    """The file that a table names, relative to `home`; what was found and what is allowed where there is none."""
    file = home / name
    if Path(name).is_absolute() or not Path(os.path.normpath(file)).is_relative_to(os.path.normpath(home)):
        return f"found {name}, which leads out of {home}; allowed: a path below it"
    if not file.is_file():
        return f"found {name}, of which there is no file in {home}; allowed: a path below it"
    if not file.resolve().is_relative_to(home.resolve()):
        return f"found {name}, a link that leads out of {home}; allowed: a path below it"
    return file
