"""Sentences of Python's own language reference, by the topic of `help()` in which they stand.

Source: the Python Software Foundation, "The Python Language Reference", as CPython ships it in pydoc_data.
"""

import re

import numpy as np

from reglab.data.preprocessing.term_counts import TermCounts
from reglab.data.source import Examples
from reglab.data.text import prose, split_paragraph

TOPICS = {  # what `help()` calls them; no sentence is in two of these classes
    "compound statements": ("compound", "with", "try", "for", "class", "function"),
    "debugger": ("debugger",),
    "formatting": ("formatstrings", "strings", "f-strings"),
    "imports": ("import", "execmodel", "naming", "dynamic-features"),
    "names and attributes": ("specialnames", "attribute-access", "customization", "types"),
    "text methods": ("string-methods", "bltin-file-objects"),
    "operators": ("comparisons", "operator-summary", "numeric-types", "shifting", "binary", "bitwise", "conversions"),
    "sequences and mappings": (
        "typesseq",
        "typesmapping",
        "typesseq-mutable",
        "typesmethods",
        "sequence-types",
        "slicings",
    ),
    "simple statements": (
        "assignment",
        "assert",
        "del",
        "raise",
        "return",
        "yield",
        "global",
        "nonlocal",
        "atom-identifiers",
    ),
}
MOST = 250  # sentences of a class, so that no class is many times another one
TERMS = 1000  # the most frequent of the training sentences


def load() -> Examples:
    """Term counts of the sentences, and their classes (n,) int64. A sentence that stands in two classes is in neither."""
    from pydoc_data.topics import topics

    homes: dict[str, set[str]] = {}
    for name, keys in TOPICS.items():
        for key in keys:
            for block in re.split(r"\n\s*\n", topics.get(key, "")):
                for sentence in split_paragraph(prose(block)):
                    if len(re.findall(r"\w+", sentence)) >= 5:
                        homes.setdefault(sentence, set()).add(name)
    kept: dict[str, list[str]] = {name: [] for name in TOPICS}
    for sentence, names in homes.items():
        if len(names) == 1 and len(kept[name := min(names)]) < MOST:
            kept[name].append(sentence)
    texts = [sentence for of_class in kept.values() for sentence in of_class]
    targets = np.repeat(np.arange(len(kept)), [len(of_class) for of_class in kept.values()])
    inputs = TermCounts.of(texts, ngrams=1, max_features=TERMS, min_df=2, sublinear_tf=True)
    return Examples(inputs=inputs, targets=targets.astype(np.int64), classes=tuple(kept))
