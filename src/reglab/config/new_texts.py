"""What `reglab new` understands of texts: classes, their number, their length, and how many different words they have."""

from itertools import pairwise

import numpy as np

from reglab.config.candidates import named_candidates
from reglab.config.new_rows import named_columns, without_columns
from reglab.config.new_study import NewStudy, class_counts, declared_split, setting_lines, usable
from reglab.config.packaged import resolved
from reglab.data.preprocessing.term_counts import TermCounts
from reglab.data.sources.texts import Texts

OPTIONS = ("target", "text", "group", "time")
SHORT = 2  # words of a median text, below which a column holds no texts


def understood(path: str, options: dict) -> NewStudy:
    """The text files in a folder for each class, or a column of a table; UserError with all that is not clear.

    options: of a table text and target (columns), group, time.
    """
    distinct = {}
    if options.get("text"):
        source, distinct = named_columns(path, options, "text")
    else:
        without_columns(path, options, OPTIONS)
        source = {"folder": path}
    place = "file" if "file" in source else "folder"
    examples = Texts(**(source | {place: resolved(path)})).load()
    inputs, roles = examples.inputs, {"group", "time"} & source.keys()
    most = min(Texts.max_features, len(inputs.vocabulary))
    words = np.array([inputs.counts[start:end].sum() for start, end in pairwise(inputs.starts)])
    return NewStudy(
        name="texts",
        settings=[
            *setting_lines(source),
            f"  max_features: {most}       # the most frequent words of the training part of each seed are the inputs",
        ],
        noun="texts",
        examples=len(examples.targets),
        usable=usable(len(examples.targets), examples.groups, examples.times),
        targets=class_counts(examples),
        columns=most,
        split=declared_split(roles),
        summary=summary(path, inputs, words, most),
        notes=[*word_notes(words), *named_candidates(distinct, len(examples.targets), {"group", "time"} - roles)],
    )


def summary(path: str, inputs: TermCounts, words: np.ndarray, most: int) -> list[str]:
    """The number of the texts, their lengths, and what a network gets."""
    return [
        f"{path}: {len(inputs):,} texts",
        "",
        f"words     {words.min():,} to {words.max():,} a text, {np.median(words):,.0f} in the middle one",
        f"different {len(inputs.vocabulary):,} words of two letters or more",
        f"prepared  {most:,} weights of words (tf-idf), chosen on the training part of each seed, from 0 to 1",
        "",
    ]


def word_notes(words: np.ndarray) -> list[str]:
    """Texts without words, and texts that are no more than names."""
    notes = []
    if empty := int((words == 0).sum()):
        notes.append(f"{empty:,} texts have no word of two letters, and are rows of zeros")
    if np.median(words) < SHORT:
        notes.append("most texts are a single word: levels of a table, if they are names")
    return notes
