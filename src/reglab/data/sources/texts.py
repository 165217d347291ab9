"""Texts as weights of their words: a folder for each class with plain text files, or a column of a table."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Le

from reglab.core.bounds import Examples as Count
from reglab.core.errors import UserError
from reglab.data.class_folders import all_files, class_files
from reglab.data.class_names import check_class_names
from reglab.data.classes import at_most, class_problems, numbered
from reglab.data.delimited import KINDS, read_columns
from reglab.data.preprocessing.term_counts import TermCounts
from reglab.data.source import NEW_ROWS, Examples, NewExamples, Source
from reglab.data.structure import columns_of, structure_of

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 2**26  # bytes of a text


@dataclass(frozen=True)
class Texts(Source):
    """`folder` has a folder for each class with its .txt files in UTF-8, at any depth, in the order of their paths.

    Or `file` is a table (csv, tsv) with a row for each text: its columns `text` and `target`; `group`, `time` and `parts`
    name columns for splits. Inputs are the weights of the `max_features` most frequent terms of the training texts (term
    frequency times inverse document frequency). A term is a word in lower case, or up to `ngrams` words in a row, that at
    least `min_df` training texts have. `sublinear_tf`: 1 + ln(count) stands for the count.
    """

    paths: ClassVar[tuple[str, ...]] = ("folder", "file")

    folder: str | None = None
    file: str | None = None
    text: str = "text"
    target: str = "target"
    group: str | None = None
    time: str | None = None
    parts: str | None = None
    max_features: Annotated[int, Ge(1), Le(65_536)] = 1000
    ngrams: Annotated[int, Ge(1), Le(5)] = 1
    min_df: Count = 1
    sublinear_tf: bool = False

    def load(self) -> Examples:
        if (self.folder is None) == (self.file is None):
            found = "nothing" if self.file is None else "a folder and a file"
            raise UserError(f"params.yaml: data.file: found {found}; allowed: either folder or file")
        if self.folder and columns_of(self):
            found = f"nothing, but columns: {', '.join(columns_of(self))}"
            raise UserError(f"params.yaml: data.file: found {found}; allowed: a table in place of folder")
        texts, names, structure = self.rows() if self.file else self.files()
        targets, classes = numbered(names)
        check_class_names(self.file or self.folder, classes)
        if lines := class_problems(self.file or self.folder, targets, classes):
            raise UserError(*lines)
        inputs = self.counted(texts)
        if not inputs.vocabulary:
            raise UserError(
                f"{self.file or self.folder}: found no word in any text; allowed: words of two letters or more"
            )
        return Examples(inputs=inputs, targets=targets, classes=classes, **structure)

    def counted(self, texts: Iterable[str]) -> TermCounts:
        settings = {name: getattr(self, name) for name in ("ngrams", "max_features", "min_df", "sublinear_tf")}
        return TermCounts.of(texts, **settings)

    def load_new(self, path: str) -> NewExamples:
        """The column `text` of a table, one text file, or all text files below a folder."""
        place = Path(path)
        if place.suffix.lower() in KINDS and place.is_file():
            return NewExamples(inputs=self.counted(read_columns(path, [self.text])[1][self.text]))
        if place.is_dir():
            files = all_files(place, "text files (.txt)")
            names = tuple(file.relative_to(place).as_posix() for file in files)
        elif place.is_file():
            files, names = [place], (place.name,)
        else:
            allowed = f"a text file (.txt), a folder of them, or a table (csv, tsv) with the column {self.text}"
            raise UserError(f"{path}: found no such file; allowed: {allowed}")
        return NewExamples(inputs=self.counted(read_text_files(files, path)), names=names)

    @property
    def input_columns(self) -> dict[str, Literal["number", "text"]]:
        return {self.text: "text"}

    def of_frame(self, frame: "pd.DataFrame") -> TermCounts:
        from reglab.data.tables.frames import text_of  # with pyarrow, which files do not need

        if self.text not in frame:
            found = ", ".join(map(str, frame)) or "none"
            raise UserError(f"{NEW_ROWS}: found the columns {found}; allowed: a column {self.text} with the texts")
        texts = [text_of(value) or "" for value in frame[self.text]]
        place = f"{NEW_ROWS}: column {self.text}"
        empty = [row for row, text in enumerate(texts, 1) if not text.strip()]
        if lines := [f"{place}, row {row}: found nothing; allowed: a text in each row" for row in empty]:
            raise UserError(*at_most(lines, NEW_ROWS))
        return self.counted(texts)

    def example_row(self, inputs: TermCounts) -> dict[str, object]:
        """A text of the ten terms that are most frequent in the study."""
        counts = np.bincount(inputs.ids, inputs.counts, minlength=len(inputs.vocabulary))
        return {self.text: " ".join(inputs.vocabulary[term] for term in np.argsort(-counts, kind="stable")[:10])}

    def rows(self) -> tuple[list[str], list[str], dict[str, np.ndarray]]:
        """The texts and classes of the rows of the table, and the structure of the examples."""
        lines, columns = read_columns(self.file, [self.text, self.target, *columns_of(self)])
        return columns[self.text], columns[self.target], structure_of(self, columns, lines)

    def files(self) -> tuple[list[str], list[str], dict[str, np.ndarray]]:
        """The texts and classes of the files of the folder; UserError with a line for each file that is no text."""
        named = class_files(self.folder, "text files (.txt)")
        return read_text_files([Path(file) for _, file in named], self.folder), [name for name, _ in named], {}


def read_text_files(files: Iterable[Path], place: str) -> list[str]:
    """The texts; UserError with a line for each file that is no text."""
    texts, lines = [], []
    for file in files:
        try:
            texts.append(read_text_file(file))
        except UserError as error:
            lines += error.lines
    if lines:
        raise UserError(*at_most(lines, place))
    return texts


def read_text_file(file: Path) -> str:
    """The text, without a byte order mark; UserError where it is empty, large, or no UTF-8."""
    allowed = "a plain text file (.txt) in UTF-8"
    if not file.is_file():  # which is not waited for
        raise UserError(f"{file}: found a device, such as a pipe; allowed: {allowed}")
    if file.suffix.lower() != ".txt":
        raise UserError(f"{file}: found the ending {file.suffix or 'of no kind'}; allowed: {allowed}")
    if file.stat().st_size > LARGEST:
        raise UserError(f"{file}: found {file.stat().st_size:,} bytes; allowed: at most {LARGEST:,}")
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        found = f"the byte 0x{content[error.start]:02x}, which is not UTF-8"
        raise UserError(f"{file}, line {line}: found {found}; allowed: {allowed}") from None
    if "\0" in text:
        raise UserError(f"{file}: found a byte 0, as in files that are no text; allowed: {allowed}")
    if not text.strip():
        raise UserError(f"{file}: found no text; allowed: {allowed}")
    return text
