"""The lines of the report on the data about its targets: classes, amounts or labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reglab.config.data_sentences import Line, line
from reglab.config.target_lines import amount
from reglab.core.wording import shown
from reglab.data.classes import SHOWN
from reglab.data.target_kind import task_of

SMALL_PARTS = ("labelled", "validation", "test")


def counted(
    counts: np.ndarray, examples: int, names: Sequence[str], kind: str, words: tuple[str, str]
) -> Iterator[Line]:
    """The most frequent classes or labels with their examples, and how many are not listed; words: "are", "of the class"."""
    order = np.argsort(-counts, kind="stable")
    for label in order[:SHOWN]:
        share = f"{counts[label] / examples:.1%}"
        yield line(counts[label], "example", words[0], f"{words[1]} {shown(names[label])}, {share}.")
    if len(order) > SHOWN:
        rest = f"not listed, with {counts[order[-1]]:,} to {counts[order[SHOWN]]:,} examples each."
        yield line(len(order) - SHOWN, kind, "are", rest)


@dataclass(frozen=True)
class ClassTargets:
    """Labels (n,) that are numbers of `names`."""

    labels: np.ndarray
    names: Sequence[str]

    def lines(self) -> Iterator[Line]:
        """The classes and their examples."""
        counts = np.bincount(self.labels, minlength=len(self.names))
        yield line(len(self.names), "class", "are", "told apart.")
        yield from counted(counts, len(self.labels), self.names, "class", ("are", "of the class"))
        yield f"{counts.max() / counts.min():.2f}", "is the imbalance: the largest class over the smallest."

    def part_lines(self, drawn: Sequence[dict[str, np.ndarray]]) -> Iterator[Line]:
        """The fewest examples of any class in any part of any seed."""
        count, _, label, seed, part = min(
            (int(count), order, label, seed, part)
            for seed, parts in enumerate(drawn)
            for order, part in enumerate(SMALL_PARTS)
            for label, count in enumerate(np.bincount(self.labels[parts[part]], minlength=len(self.names)))
        )
        where = f"{shown(self.names[label])} in the {part} part of seed {seed}"
        yield line(count, "example", "are", f"of the smallest class in any part of any seed: {where}.")


@dataclass(frozen=True)
class AmountTargets:
    """Labels (n,) that are amounts."""

    labels: np.ndarray

    def lines(self) -> Iterator[Line]:
        """The range of the amounts, and what an error is measured by."""
        low, middle, high = np.quantile(self.labels, (0, 0.5, 1))
        yield amount(low, self.labels), "is the smallest amount to predict."
        yield amount(middle, self.labels), "is the median amount."
        yield amount(high, self.labels), "is the largest amount."
        yield f"{self.labels.std():,.6g}", "is the standard deviation, which is the rmse of predicting the mean of all."
        yield line(len(np.unique(self.labels)), "different amount", "are", "in the data.")

    def part_lines(self, drawn: Sequence[dict[str, np.ndarray]]) -> Iterator[Line]:
        """How far the means of the test parts are apart."""
        means = [self.labels[parts["test"]].mean() for parts in drawn]
        ends = (amount(each, self.labels) for each in (min(means), max(means)))
        yield " to ".join(ends), "are the means of the amounts in the test parts."


@dataclass(frozen=True)
class LabelTargets:
    """Labels (n, labels) of 0 and 1, of these `names`."""

    labels: np.ndarray
    names: Sequence[str]

    def lines(self) -> Iterator[Line]:
        """The labels and how many examples have each, and what an error is measured by."""
        counts = self.labels.sum(0, dtype=np.int64)
        yield line(len(self.names), "label", "are", "predicted, of which an example may have any number.")
        yield from counted(counts, len(self.labels), self.names, "label", ("have", "the label"))
        yield f"{self.labels.sum(1).mean():.2f}", "is the mean number of labels of an example."
        yield line(int((~self.labels.any(1)).sum()), "example", "have", "no label.")
        yield f"{len(np.unique(self.labels, axis=0)):,}", "is the number of different sets of labels."
        share = np.minimum(counts, len(self.labels) - counts).mean() / len(self.labels)
        yield f"{share:.1%}", "is the Hamming loss of deciding each label for all examples alike."

    def part_lines(self, drawn: Sequence[dict[str, np.ndarray]]) -> Iterator[Line]:
        """The fewest examples with any label in any part of any seed."""
        count, _, label, seed, part = min(
            (int(count), order, label, seed, part)
            for seed, parts in enumerate(drawn)
            for order, part in enumerate(SMALL_PARTS)
            for label, count in enumerate(self.labels[parts[part]].sum(0, dtype=np.int64))
        )
        where = f"{shown(self.names[label])} in the {part} part of seed {seed}"
        yield line(count, "example", "have", f"the rarest label in any part of any seed: {where}.")


def described_targets(labels: np.ndarray, names: Sequence[str]) -> ClassTargets | AmountTargets | LabelTargets:
    """The targets of a data set, whose classes or labels have these names, or none."""
    if task_of(labels) == "regression":
        return AmountTargets(labels)
    if task_of(labels) == "multilabel":
        return LabelTargets(labels, names or tuple(map(str, range(labels.shape[1]))))
    return ClassTargets(labels, names or tuple(map(str, range(int(labels.max()) + 1))))
