"""Image files: a folder for each class, or a table that names files and classes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Le

from reglab.core.errors import UserError
from reglab.data.class_folders import all_files, class_files, named_file, root
from reglab.data.class_names import check_class_names
from reglab.data.classes import at_most, class_problems, numbered
from reglab.data.delimited import KINDS, read_columns
from reglab.data.image_stack import read_stack
from reglab.data.preprocessing.pixels import Pixels
from reglab.data.source import Examples, NewExamples, Source
from reglab.data.structure import columns_of, structure_of

Side = Annotated[int, Ge(1), Le(4096)]


@dataclass(frozen=True)
class Images(Source):
    """`folder` has a folder for each class with its files, at any depth; png, jpeg, bmp, gif, tiff, webp and ppm are read.

    Or `file` is a table (csv, tsv) with a row for each image: its column `path` names the file below `folder`, `target` its
    class; `group`, `time` and `parts` name columns for splits. `channels` is 1 for grey and 3 for colours. `size` is the
    [height, width] to which every image is brought, with antialiasing and without regard to its proportions; without it all
    must have one size already. Names that begin with a dot are left out; the order is that of the paths, or of the rows.
    """

    paths: ClassVar[tuple[str, ...]] = ("folder", "file")
    study_size: ClassVar[tuple[int, int] | None] = None  # that new images must have; None while the study reads its own

    folder: str
    channels: Literal[1, 3]
    size: tuple[Side, Side] | None = None
    file: str | None = None
    path: str = "path"
    target: str = "target"
    group: str | None = None
    time: str | None = None
    parts: str | None = None

    def load(self) -> Examples:
        named, structure = self.rows() if self.file else (class_files(self.folder, "images"), {})
        if columns_of(self) and not self.file:
            raise UserError(
                f"params.yaml: data.file: found nothing, but columns: {', '.join(columns_of(self))}; allowed: a table"
            )
        targets, classes = numbered([name for name, _ in named])
        check_class_names(self.file or self.folder, classes)
        if lines := class_problems(self.file or self.folder, targets, classes):
            raise UserError(*lines)
        pixels = self.read([file for _, file in named], self.folder)
        return Examples(inputs=pixels, targets=targets, classes=classes, **structure)

    def load_new(self, path: str) -> NewExamples:
        """One image, all below a folder, or those that the column `path` of a table names, relative to the table."""
        place = Path(path)
        if place.suffix.lower() in KINDS and place.is_file():
            lines, columns = read_columns(path, [self.path])
            names, files = columns[self.path], self.named_files(path, place.parent, lines, columns)
        elif place.is_dir():
            below = all_files(place, "images")
            names, files = [file.relative_to(place).as_posix() for file in below], list(map(str, below))
        elif place.is_file():
            names, files = [place.name], [path]
        else:
            allowed = f"an image, a folder of images, or a table (csv, tsv) with the column {self.path}"
            raise UserError(f"{path}: found no such file; allowed: {allowed}")
        return NewExamples(inputs=self.read(files, path), names=tuple(names))

    def rows(self) -> tuple[list[tuple[str, str]], dict[str, np.ndarray]]:
        """(class, path) of each row of the table, and the structure of the examples."""
        lines, columns = read_columns(self.file, [self.path, self.target, *columns_of(self)])
        files = self.named_files(self.file, root(self.folder), lines, columns)
        return list(zip(columns[self.target], files, strict=True)), structure_of(self, columns, lines)

    def named_files(self, table: str, home: Path, lines: list[int], columns: dict[str, list[str]]) -> list[str]:
        """The paths of the files below `home` in the column `path`; UserError with a line for each that is not there."""
        files = [named_file(home, name) for name in columns[self.path]]
        places = (f"{table}: {self.path}, line {line}: " for line in lines)
        if wrong := [place + file for place, file in zip(places, files, strict=True) if isinstance(file, str)]:
            raise UserError(*at_most(wrong, table))
        return list(map(str, files))

    def read(self, files: list[str], place: str) -> Pixels:
        """The images of the files; UserError with a line for each file that is none, or for the sizes that differ."""
        pixels, white = read_stack(files, self.channels, self.size, place, self.study_size)
        return Pixels(pixels, 0, white)

    def reader(self, encoding: dict[str, Any], shape: tuple[int, ...] | None = None) -> "Images":
        return self if shape is None else NewImages(**vars(self), study_size=shape[1:])


@dataclass(frozen=True, kw_only=True)
class NewImages(Images):
    """The same settings for new images, each of which has the `study_size` (height, width) once it is read."""

    study_size: tuple[int, int]
