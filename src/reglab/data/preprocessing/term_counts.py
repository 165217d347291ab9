"""TermCounts as weights of their words: term frequency times inverse document frequency, chosen on the training part.

The weight of term t in text d is tf(t, d) (ln((1 + n) / (1 + df(t))) + 1), where n counts the training texts and df(t) those
with the term; each row is then divided by its L2 norm. tf counts the term, or is 1 + ln(count) where `sublinear_tf`. The
columns are the `max_features` terms that are most frequent in the training texts, in alphabetical order. This is
scikit-learn's `TfidfVectorizer` with its defaults; of terms that are equally frequent, the first in the alphabet is kept.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np

from reglab.data.inputs import UNIT_RANGE

TOKEN = re.compile(r"\b\w\w+\b")
BOUNDARY = "\n"  # between the terms of a list, none of which contains it


@dataclass(frozen=True)
class WeightedTerms:
    """The terms that have a column, in alphabetical order, and their inverse document frequencies.

    There are `width` columns; those beyond the terms are 0.
    """

    terms: tuple[str, ...]
    idf: np.ndarray
    width: int
    sublinear_tf: bool

    def transform(self, inputs: "TermCounts") -> np.ndarray:
        """(n, width) float32; a text without any of the terms is a row of zeros."""
        columns = {term: column for column, term in enumerate(self.terms)}
        column_of = np.array([columns.get(term, -1) for term in inputs.vocabulary], np.int64)
        column = column_of[inputs.ids]
        known = column >= 0
        row = np.repeat(np.arange(len(inputs)), np.diff(inputs.starts))[known]
        column, counts = column[known], inputs.counts[known].astype(np.float64)
        weights = (1 + np.log(counts) if self.sublinear_tf else counts) * self.idf[column]
        norms = np.sqrt(np.bincount(row, weights**2, minlength=len(inputs)))
        dense = np.zeros((len(inputs), self.width), np.float32)
        dense[row, column] = weights / norms[row]
        return dense

    def tensors(self) -> dict[str, np.ndarray]:
        return {"terms": packed(self.terms), "idf": self.idf}


@dataclass(frozen=True)
class TermCounts:
    """The terms of n texts: text i has `ids[starts[i]:starts[i + 1]]`, numbers in `terms`, so many `counts` of each.

    `terms` is the vocabulary of all texts, packed; nothing of it is learned, as each seed chooses among those that its
    training texts contain.
    """

    bounds: ClassVar[tuple[float, float]] = UNIT_RANGE

    starts: np.ndarray
    ids: np.ndarray
    counts: np.ndarray
    terms: np.ndarray
    max_features: int
    min_df: int = 1
    sublinear_tf: bool = False

    @classmethod
    def of(cls, texts: Iterable[str], *, ngrams: int = 1, **settings) -> Self:
        """The texts in lower case; a term is a word of two letters or more, or up to `ngrams` of them in a row."""
        counted = [Counter(terms_of(text.lower(), ngrams)) for text in texts]
        vocabulary = sorted(set().union(*counted))
        number = {term: place for place, term in enumerate(vocabulary)}
        rows = [sorted((number[term], count) for term, count in text.items()) for text in counted]
        pairs = np.array([pair for row in rows for pair in row], np.int32).reshape(-1, 2)
        starts = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        return cls(starts, pairs[:, 0].copy(), pairs[:, 1].copy(), packed(vocabulary), **settings)

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        return unpacked(self.terms)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def take(self, rows: np.ndarray) -> Self:
        lengths = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        inside = np.arange(starts[-1]) - np.repeat(starts[:-1] - self.starts[:-1][rows], lengths)
        return replace(self, starts=starts, ids=self.ids[inside], counts=self.counts[inside])

    def fit(self) -> WeightedTerms:
        size = len(self.vocabulary)
        documents = np.bincount(self.ids, minlength=size)  # a text has each of its terms once
        frequencies = np.bincount(self.ids, self.counts, minlength=size)
        candidates = np.flatnonzero(documents >= max(self.min_df, 1))
        most_frequent = np.argsort(-frequencies[candidates], kind="stable")[: self.max_features]
        kept = np.sort(candidates[most_frequent])
        idf = np.log((1 + len(self)) / (1 + documents[kept])) + 1
        terms = tuple(self.vocabulary[place] for place in kept)
        return WeightedTerms(terms, idf, self.max_features, self.sublinear_tf)

    def tensors(self) -> dict[str, np.ndarray]:
        return {"starts": self.starts, "ids": self.ids, "counts": self.counts, "terms": self.terms}

    def rows(self) -> np.ndarray:
        """A digest (n, 16) of each text's terms and counts: equal texts have equal ones."""
        pairs, digests = np.stack([self.ids, self.counts], 1), bytearray()
        for start, end in pairwise(self.starts):
            digests += blake2b(pairs[start:end].tobytes(), digest_size=16).digest()
        return np.frombuffer(bytes(digests), np.uint8).reshape(len(self), 16)

    def description(self) -> dict[str, Any]:
        settings = {name: getattr(self, name) for name in ("max_features", "min_df", "sublinear_tf")}
        return {"kind": "term_counts"} | settings

    @classmethod
    def restore(cls, tensors: dict[str, np.ndarray], description: dict[str, Any]) -> Self:
        arrays = (tensors[name] for name in ("starts", "ids", "counts", "terms"))
        return cls(*arrays, **{name: value for name, value in description.items() if name != "kind"})

    def preprocessor(self, tensors: dict[str, np.ndarray]) -> WeightedTerms:
        return WeightedTerms(unpacked(tensors["terms"]), tensors["idf"], self.max_features, self.sublinear_tf)


def terms_of(text: str, ngrams: int) -> list[str]:
    """The words, and the runs of two to `ngrams` of them, joined by a space."""
    words = TOKEN.findall(text)
    runs = (
        words[first : first + length] for length in range(2, ngrams + 1) for first in range(len(words) - length + 1)
    )
    return [*words, *map(" ".join, runs)]


def packed(terms: Iterable[str]) -> np.ndarray:
    """A list of terms as one array of bytes, UTF-8, with `BOUNDARY` between them."""
    return np.frombuffer(BOUNDARY.join(terms).encode(), np.uint8).copy()


def unpacked(terms: np.ndarray) -> tuple[str, ...]:
    text = terms.tobytes().decode()
    return tuple(text.split(BOUNDARY)) if text else ()
