"""Brings the files that the data source of a profile reads below data/source/ of the profile's folder, which DVC watches."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from reglab.config.data_section import paths
from reglab.core.errors import UserError
from reglab.core.wording import Plain
from reglab.data.class_folders import link_problem
from reglab.data.classes import at_most

FOLDER = "data/source"


def localized(data: Plain) -> Plain:
    """A plain section `data` whose paths are those of the copies that `bring` makes."""
    return (
        data | {key: f"{FOLDER}/{key}/{split(path)[1]}" for key, path in paths(data).items()} if paths(data) else data
    )


def bring(root: Path, folder: Path, data: Plain) -> None:
    """Make data/source/ of `folder` hold what the source reads, and nothing else; paths are relative to `root`.

    A file that is named, or that a pattern matches, is a symbolic link, so that `dvc status` sees an edit of the file itself,
    also one that replaces it. The files of a folder are hard links where the file system allows it: they are not there twice,
    and a symbolic link in a folder of images or texts would lead out of it.
    """
    target = folder / FOLDER
    wanted = {
        target / key / name: (file, (root / path).is_dir())
        for key, path in paths(data).items()
        for name, file in files(root, path)
    }
    for old in (
        [path for path in target.rglob("*") if path.is_symlink() or not path.is_dir()] if target.is_dir() else ()
    ):
        if old not in wanted:
            old.unlink()
    for new, (file, of_folder) in wanted.items():
        (link if of_folder else point)(file, new)
    target.mkdir(parents=True, exist_ok=True)
    for left in sorted((path for path in target.rglob("*") if path.is_dir()), reverse=True):
        if not any(left.iterdir()):
            left.rmdir()


def split(path: str) -> tuple[str, str]:
    """The folder that a path or a pattern starts from, and the rest: of "a/b/*.csv" it is ("a/b", "*.csv")."""
    parts = Path(path).parts
    fixed = next((number for number, part in enumerate(parts) if re.search(r"[*?\[]", part)), len(parts) - 1)
    return str(Path(*parts[:fixed])), "/".join(parts[fixed:])


def files(root: Path, path: str) -> Iterator[tuple[str, Path]]:
    """The files of a path or a pattern, each with its name from `split` on; UserError for links that lead out of a folder.

    Such a link would be a file of the folder in the copy.
    """
    start, rest = split(path)
    home = root / start
    for each in sorted(home.glob(rest)) if re.search(r"[*?\[]", rest) else [home / rest]:
        inside = sorted(each.rglob("*")) if each.is_dir() else [each]
        if lines := [line for file in inside if each.is_dir() and (line := link_problem(file, each))]:
            raise UserError(*at_most(lines, path))
        yield from ((str(file.relative_to(home)), file) for file in inside if file.is_file())


def point(file: Path, new: Path) -> None:
    """Make `new` a symbolic link to the file; to what it names where it is one itself."""
    wanted = os.path.abspath(file)
    if new.is_symlink() and os.readlink(new) == wanted:
        return
    new.parent.mkdir(parents=True, exist_ok=True)
    new.unlink(missing_ok=True)
    new.symlink_to(wanted)


def link(file: Path, new: Path) -> None:
    """Make `new` the same file, or a copy of it on another file system."""
    if new.exists() and not new.is_symlink() and os.path.samefile(file, new):
        return
    new.parent.mkdir(parents=True, exist_ok=True)
    new.unlink(missing_ok=True)
    try:
        os.link(file.resolve(), new)
    except OSError:
        shutil.copy2(file, new)
