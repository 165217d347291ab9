"""Brings what the data source of a profile reads into the profile's folder, where DVC watches it.

Files are below data/source/. DVC does not look into a link to a folder that it meets there, but it does where the dependency
itself is such a link: data/source_folder is one, to the folder of images or texts that the source reads.
"""

import os
import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from reglab.config.data_section import paths
from reglab.config.packaged import PREFIX
from reglab.core.errors import UserError
from reglab.core.wording import Plain
from reglab.data.class_folders import link_problem
from reglab.data.classes import at_most

FOLDER = "data/source"
WATCHED = "data/source_folder"  # a file that says what it is for where the source reads no folder


def localized(data: Plain) -> Plain:
    """A plain section `data` whose paths are those of the copies that `bring` makes."""
    return (
        data | {key: f"{FOLDER}/{key}/{split(path)[1]}" for key, path in paths(data).items()} if paths(data) else data
    )


def bring(root: Path, folder: Path, data: Plain) -> None:
    """Make data/source/ of `folder` hold what the source reads, and nothing else; paths are relative to `root`.

    A file that is named, or that a pattern matches, is a symbolic link, so that `dvc status` sees an edit of the file itself,
    also one that replaces it. A folder is one too, and so is data/source_folder, by which it sees every file that is added,
    removed or replaced there. DVC can watch one folder: of a second one the files are hard links, or copies on another file
    system. UserError for links that lead out of a folder.
    """
    target, named = folder / FOLDER, paths(data)
    folders = [key for key, path in named.items() if (root / path).is_dir()]
    wanted = {target / key / name: file for key, path in named.items() for name, file in files(root, path)}
    if folders:
        inside = target / folders[0]
        wanted = {new: file for new, file in wanted.items() if not new.is_relative_to(inside)}
        wanted[inside / split(named[folders[0]])[1]] = root / named[folders[0]]
    clear(target, wanted)
    for new, file in wanted.items():
        of_second = new.relative_to(target).parts[0] in folders[1:]
        (link if of_second else point)(file, new)
    watch(root, folder, root / named[folders[0]] if folders else None)


def clear(target: Path, wanted: Collection[Path]) -> None:
    """Remove from data/source/ what is not wanted, and folders that hold nothing; links are not followed."""
    if target.is_dir():
        for old in [path for path in target.rglob("*") if path.is_symlink() or not path.is_dir()]:
            if old not in wanted:
                old.unlink()
    target.mkdir(parents=True, exist_ok=True)
    inside = (path for path in target.rglob("*") if path.is_dir() and not path.is_symlink())
    for left in sorted(inside, reverse=True):
        if not any(left.iterdir()):
            left.rmdir()


def watch(root: Path, folder: Path, source: Path | None) -> None:
    """Make data/source_folder of `folder` a link to this folder; without one, the file of the checkout."""
    place = folder / WATCHED
    if source:
        point(source, place)
    elif place.is_symlink() or not place.exists():
        place.unlink(missing_ok=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((root / WATCHED).read_bytes() if (root / WATCHED).is_file() else b"")


def bring_in_place(root: Path, folder: Path, data: Plain) -> None:
    """Make `folder` hold, at the same paths, what a plain section `data` reads of the checkout at `root`."""
    for path in paths(data).values():
        if not path.startswith(PREFIX) and not Path(path).is_absolute():
            start, _ = split(path)
            for name, file in files(root, path):
                link(file, folder / start / name)


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
    """Make `new` a symbolic link to the file or folder."""
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
