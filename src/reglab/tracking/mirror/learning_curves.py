"""The curves of a recipe: read from its journal (with times) or its record, their bands over seeds, and the picture."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from statistics import median

from reglab.core.task_names import CURVES
from reglab.tracking import record

MAIN = tuple(chain.from_iterable(CURVES.values()))
LABELS = {
    "accuracy": "accuracy",
    "nll": "negative log-likelihood",
    "rmse": "root mean squared error",
    "hamming_loss": "Hamming loss",
    "binary_cross_entropy": "binary cross-entropy",
}


@dataclass(frozen=True)
class EpochMetrics:
    """The metrics of one epoch and the time of its end (milliseconds; None without a journal)."""

    metrics: dict[str, float]
    time: int | None = None


Curve = dict[int, EpochMetrics]  # by epoch


def read_journal(entry: Path) -> dict[str, Curve]:
    """By seed the epochs written so far; a line torn by a kill is skipped."""
    curves: dict[str, Curve] = {}
    for file in sorted(entry.glob("seed-*.jsonl")):
        curve = curves[file.stem.removeprefix("seed-")] = {}
        for line in file.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]:
            try:
                row = json.loads(line)
                curve.setdefault(int(row["epoch"]), EpochMetrics(dict(row["metrics"]), round(row["time"] * 1000)))
            except (ValueError, KeyError, TypeError):
                continue
    return curves


def read_record(folder: Path) -> dict[str, Curve]:
    """By seed the rows of the record's curves, without times; empty where a record has no curves."""
    return {
        str(seed): {
            int(row["epoch"]): EpochMetrics({name: x for name, x in row.items() if name != "epoch" and x is not None})
            for row in rows
        }
        for seed, rows in record.read_curves(folder).items()
    }


def with_times(curve: Curve, start: int) -> Curve:
    """Every point with a time: the recorded one, else `start` (milliseconds) plus its epoch."""
    return {
        epoch: EpochMetrics(point.metrics, start + epoch if point.time is None else point.time)
        for epoch, point in sorted(curve.items())
    }


def seconds(curve: Curve) -> float | None:
    """A seed's training time: its epochs times the median time between two, so that an interruption does not count."""
    times = sorted(point.time for point in curve.values())
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return len(times) * median(gaps) / 1000 if gaps else None


def time_in(spans: Iterable[tuple[int, int]]) -> int:
    """How long at least one of the spans (begin, end) lasts."""
    total, until = 0, 0
    for begin, end in sorted(spans):
        total += max(0, end - max(begin, until))
        until = max(until, end)
    return total


def bands(curves: list[Curve]) -> Curve:
    """Per epoch the mean over all seeds, `_min` and `_max` of the main curves, at the time of the last seed.

    They end where the first seed ends (diverges, stops early): the mean over a selection of the seeds would mislead.
    """
    result: Curve = {}
    for epoch in sorted(set.intersection(*map(set, curves))) if curves else ():
        points = [curve[epoch] for curve in curves]
        metrics = {}
        for name in MAIN:
            values = [point.metrics.get(name) for point in points]
            if None not in values and all(map(math.isfinite, values)):
                metrics |= {
                    name: math.fsum(values) / len(values),
                    f"{name}_min": min(values),
                    f"{name}_max": max(values),
                }
        result[epoch] = EpochMetrics(metrics, max(point.time for point in points))
    return result


def means(band: Curve) -> Curve:
    """The means of a band alone: in MLflow each of its ends would be a chart."""
    return {
        epoch: EpochMetrics({name: value for name, value in point.metrics.items() if name in MAIN}, point.time)
        for epoch, point in band.items()
    }


def picture(band: Curve, title: str) -> str | None:
    """The learning curves as SVG, the mean over seeds within their range; None where there are no curves."""
    from reglab.core import figures

    measured = {name.partition("_")[2] for point in band.values() for name in point.metrics if name in MAIN}
    shown = [quantity for quantity in LABELS if quantity in measured]
    if not shown:
        return None
    figure, panels = figures.canvas(4.0 * len(shown), 3.2, columns=len(shown), squeeze=False)
    for axes, quantity in zip(panels[0], shown, strict=True):
        for part, color in zip(("train", "validation"), figures.COLORS[1::-1], strict=True):
            name = f"{part}_{quantity}"
            epochs = [epoch for epoch, point in band.items() if name in point.metrics]
            if epochs:
                mean, low, high = ([band[e].metrics[name + end] for e in epochs] for end in ("", "_min", "_max"))
                axes.plot(epochs, mean, color=color, label=part)
                axes.fill_between(epochs, low, high, color=color, alpha=0.2, linewidth=0)
        axes.set(xlabel="epoch", ylabel=LABELS[quantity])
    panels[0][0].legend()
    figure.suptitle(title)
    return figures.svg(figure)
