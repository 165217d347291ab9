"""Learning curves: means over seeds, what they say in numbers, and the table of them for dvc plots."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reglab.core.task_names import MEASURED
from reglab.evaluation.comparison import COMPARED
from reglab.report.collect import Curves, Entry

QUANTITIES = {  # by task, what is drawn over epochs; an accuracy as the error
    task: tuple(metric.replace("accuracy", "error") for metric in reversed(metrics))
    for task, metrics in MEASURED.items()
}


def quantities(entry: Entry) -> tuple[str, ...]:
    """What is drawn of an entry with curves, what decides first."""
    for task in ("regression", "multilabel"):
        if any(f"validation_{QUANTITIES[task][0]}" in columns for columns in entry.curves.values()):
            return QUANTITIES[task]
    return QUANTITIES["classification"]


def curve_names(entries: Sequence[Entry]) -> list[str]:
    """The columns of `curve_table`, the losses first."""
    drawn = quantities(entries[0]) if entries else QUANTITIES["classification"]
    return [f"{part}_{quantity}" for quantity in reversed(drawn) for part in ("train", "validation")]


def curve(columns: dict[str, np.ndarray], name: str) -> np.ndarray:
    """One seed's values (epochs,) by the names of `curve_names`: an error is one minus an accuracy."""
    return columns[name] if name in columns else 1 - columns[name.replace("error", "accuracy")]


def held(curves: Curves, seeds: Sequence[int], name: str) -> np.ndarray:
    """(seeds, epochs) up to the last epoch of the longest seed; a seed that stopped earlier keeps its last value.

    So a mean over seeds is over the same seeds in every epoch. Not measured is filled the same way.
    """
    epochs = max(len(curves[seed]["epoch"]) for seed in seeds)
    table = np.full((len(seeds), epochs), np.nan)
    for row, seed in zip(table, seeds, strict=True):
        values = curve(curves[seed], name)
        row[: len(values)] = values
    latest = np.maximum.accumulate(np.where(np.isfinite(table), np.arange(epochs), 0), axis=1)
    return np.take_along_axis(table, latest, axis=1)


def means(entry: Entry, name: str) -> np.ndarray:
    """(epochs,) over the finished seeds."""
    return held(entry.curves, entry.seeds("finished"), name).mean(axis=0)


def stopped_at(entry: Entry) -> list[int]:
    """The last epoch of every finished seed that stopped before the longest one did."""
    last = [len(entry.curves[seed]["epoch"]) - 1 for seed in entry.seeds("finished")]
    return [epoch for epoch in last if epoch < max(last)]


def drawable(entries: Sequence[Entry]) -> list[Entry]:
    """Those of the main comparison with curves of at least one seed that did not diverge."""
    return [entry for entry in entries if entry.family in COMPARED and entry.curves and entry.seeds("finished")]


def curve_table(entries: Sequence[Entry]) -> str:
    """CSV with a line for each recipe and epoch: `epoch,recipe,` and the means over the finished seeds of `curve_names`."""
    text, drawn = io.StringIO(), drawable(entries)
    names = curve_names(drawn)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", "recipe", *names])
    for entry in drawn:
        for epoch, values in enumerate(zip(*(means(entry, name) for name in names), strict=True)):
            writer.writerow([epoch, entry.name, *("" if np.isnan(x) else f"{x:.6g}" for x in values)])
    return text.getvalue()


@dataclass(frozen=True)
class Course:
    """A mean curve in numbers: its lowest value, the epoch of that, and its last value."""

    lowest: float
    epoch: int
    last: float

    @classmethod
    def of(cls, entry: Entry, name: str) -> "Course":
        mean = means(entry, name)
        best = int(np.nanargmin(mean))
        return cls(float(mean[best]), best, float(mean[-1]))

    @property
    def rises(self) -> bool:
        """Does it end more than a tenth above its lowest: on validation data, overfitting?"""
        return self.last > 1.1 * self.lowest
