"""Figures of the second half: a number against how many labels there were, and probes over the epochs of a pretext."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from reglab.core.figures import COLORS, INK, canvas, svg
from reglab.report.collect import Entry
from reglab.report.embedding import embedded
from reglab.report.tables import Interval

LEVELS = (0.5, 1, 2, 5, 10, 20, 50, 100)  # of a logarithmic axis in percent
STYLES = {
    "reference": {"color": INK, "marker": "o"},
    "rival": {"color": INK, "linestyle": (0, (4, 2)), "marker": "D", "markerfacecolor": "none"},
    "other": {"color": INK, "linewidth": 0.8, "alpha": 0.4},
}


class Line(NamedTuple):
    """What one entry came to with each number of labels, and how it stands out."""

    name: str
    values: Sequence[Interval]
    how: Literal["reference", "rival", "shown", "other"] = "shown"


def against_labels(lines: Sequence[Line], variants: Sequence[int], x: str, y: str, logarithmic: bool = False) -> Figure:
    """Means with their intervals as bands, except of the other entries, which are thin and have no name."""
    figure, axes = canvas(5.2, 3.5)
    colors = iter(COLORS * len(lines))
    for line in sorted(lines, key=lambda line: line.how != "other"):
        mean, low, high = np.array(line.values, dtype=float).T
        look = STYLES.get(line.how) or {"color": next(colors), "marker": "o"}
        named = line.name if line.how != "other" else None
        axes.plot(variants, mean, label=named, markersize=4, **look)
        if line.how != "other":
            bottom = LEVELS[0] if logarithmic else -np.inf
            axes.fill_between(variants, np.maximum(low, bottom), high, color=look["color"], alpha=0.12, linewidth=0)
    if any(line.how == "other" for line in lines):
        axes.plot([], [], label="the others", **STYLES["other"])
    axes.set(xscale="log", xlabel=x, ylabel=y)
    axes.set_xticks(variants, map(str, variants))
    axes.xaxis.set_minor_locator(NullLocator())
    if logarithmic:
        means = [value.mean for line in lines for value in line.values]
        axes.set(yscale="log", ylim=(max(0.8 * min(means), LEVELS[0]), min(1.25 * max(means), 100)))
        axes.set_yticks([level for level in LEVELS if axes.get_ylim()[0] <= level <= axes.get_ylim()[1]])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda level, _: f"{level:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.legend(fontsize=8)
    return figure


def over_epochs(
    curves: dict[str, tuple[np.ndarray, np.ndarray]], levels: dict[str, float | None], axis: str, scale: int
) -> Figure:
    """Scores by name: (epochs, values times `scale`), and dashed in the same colour the level of what did not learn."""
    figure, axes = canvas(5.2, 2.1)
    for (name, (epochs, values)), color in zip(curves.items(), COLORS, strict=False):
        axes.plot(epochs, scale * values, color=color, label=name, marker="o", markersize=2.5)
        if levels.get(name) is not None:
            axes.axhline(scale * levels[name], color=color, linestyle=(0, (3, 2)), linewidth=1)
    axes.set(xlabel="epoch", ylabel=axis)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.legend(fontsize=8, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
    return figure


def drawn(figure: Figure, prefix: str, label: str) -> Markup:
    """A figure for the page."""
    return embedded(svg(figure), prefix, label)


def picture(entry: Entry, prefix: str, label: str = "figure") -> Markup | None:
    """The entry's own figure, if it has one."""
    return embedded(entry.figure, f"{prefix}-{entry.name}", f"{label}: {entry.name}") if entry.figure else None
