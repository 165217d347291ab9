"""Whether two data sets have rows in common: a digest of each row, which does not depend on how a profile codes it."""

from hashlib import blake2b
from itertools import pairwise

import numpy as np

from reglab.data.source import Examples
from reglab.data.splitting import duplicates

MISSING = "missing"


def shared(one: set[bytes], two: set[bytes]) -> float:
    """The share of the rows of the smaller data set that the other has too."""
    return len(one & two) / min(len(one), len(two))


def row_digests(examples: Examples) -> set[bytes]:
    """What tells the rows of a data set apart, its targets left out.

    A row of a table is its values by the names of their columns: three answers of yes or no are another row where the
    questions are others. A text is its words and how often each is there; another row is its numbers.
    """
    inputs = examples.inputs
    if hasattr(inputs, "levels"):
        return digests(table_rows(inputs), ", ".join(sorted(inputs.names)))
    if hasattr(inputs, "vocabulary"):
        return text_digests(inputs)
    arrays = [inputs] if isinstance(inputs, np.ndarray) else inputs.tensors().values()
    return digests([array for array in arrays if len(array) == len(inputs)])


def digests(arrays: list[np.ndarray], what: str = "") -> set[bytes]:
    """A digest of each row of all arrays together; rows of something else have others."""
    rows, end = duplicates.content(arrays, np.arange(len(arrays[0]))), what.encode()
    return {blake2b(row.tobytes() + end, digest_size=12).digest() for row in rows}


def table_rows(table) -> list[np.ndarray]:
    """The numbers of a table in the order of their names, and for each level a number, the same in every table."""
    count = table.numeric.shape[1]
    numbers, levelled = np.argsort(table.names[:count]), np.argsort(table.names[count:])
    codes = [of_levels((*table.levels[each], MISSING))[table.codes[:, each]] for each in levelled]  # -1 is the last
    return [table.numeric[:, numbers], *codes]


def of_levels(levels: tuple[str, ...]) -> np.ndarray:
    """A number (levels,) for each text."""
    return np.array([int.from_bytes(blake2b(level.encode(), digest_size=8).digest()) for level in levels], np.uint64)


def text_digests(texts) -> set[bytes]:
    """A digest of each text, by its words in the order of the alphabet; pairs of words, which a profile may count, are left
    out.
    """
    words, found = texts.vocabulary, set()
    for start, end in pairwise(texts.starts):
        counted = zip(texts.ids[start:end], texts.counts[start:end], strict=True)
        row = "\n".join(f"{words[number]} {count}" for number, count in counted if " " not in words[number])
        found.add(blake2b(row.encode(), digest_size=12).digest())
    return found
