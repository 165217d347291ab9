"""Settings of the data: `data`, `scenes` and `text` in params.yaml."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Le, MinLen, MultipleOf

from reglab.core.bounds import Examples, Share

COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip")


def stem(path: str) -> str:
    """The name of a file without the endings of its compression and its format: segment of data/segment.csv.zip."""
    path = Path(path)
    return Path(path.stem).stem if path.suffix in COMPRESSED else path.stem


@dataclass(frozen=True)
class Data:
    """`name` is a file in src/reglab/data/sources/; sizes are in examples, `label_noise` is a share of the training labels.

    `source` holds the settings that only this source has, which stand beside the others in params.yaml; None where it has
    none. `test_set`: every seed draws its own, or all share one that is `fixed`. `split` is how examples are split, as in
    `splits.split`; `folds` are those of k_fold (5 unless given), or the test windows of a split in time (1 unless given).
    """

    name: str
    train_size: Examples
    validation_size: Examples
    test_size: Examples
    label_noise: Share = 0.0
    test_set: Literal["resampled", "fixed"] = "resampled"
    split: Literal["random", "group", "time", "column", "k_fold"] = "random"
    folds: Annotated[int, Ge(1), Le(1_000)] | None = None
    source: Any = field(default=None, metadata={"flat": True})

    @property
    def title(self) -> str:
        """What the report calls the data: the data set, file or folder that the source reads, else the name of the source."""
        if self.source is None:
            return self.name
        read = [getattr(self.source, name) for name in self.source.paths]
        named = getattr(self.source, "dataset", None) or next((stem(path) for path in read if path), "")
        return named if named.strip("*?") else self.name


@dataclass(frozen=True)
class Scenes:
    """The numbers of rendered images of `size` x `size` pixels in the parts of a split."""

    name: ClassVar[str] = "scenes"
    label_noise: ClassVar[float] = 0.0
    test_set: ClassVar[str] = "resampled"
    split: ClassVar[str] = "random"
    folds: ClassVar[None] = None
    source: ClassVar[None] = None

    size: Annotated[int, Ge(16), Le(512), MultipleOf(2)] = 32
    train_size: Annotated[int, Ge(8), Le(100_000)] = 512
    validation_size: Annotated[int, Ge(8), Le(100_000)] = 128
    test_size: Annotated[int, Ge(8), Le(100_000)] = 256

    @property
    def count(self) -> int:
        return self.train_size + self.validation_size + self.test_size


@dataclass(frozen=True)
class Text:
    """A plain text file; data/topics.txt is made from the prose that CPython ships."""

    file: Annotated[str, MinLen(1)] = "data/topics.txt"
