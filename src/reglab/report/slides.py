"""The main figures alone, as files for slides: black on white."""

import numpy as np
from matplotlib.figure import Figure

from reglab.core.figures import COLORS, INK, canvas, svg
from reglab.report import applicable, bias_variance_figure, pareto
from reglab.report.collect import Entry
from reglab.report.formats import missing
from reglab.report.measure import deciding, relevant_difference
from reglab.report.tables import Row, rows

LOOKS = {"helps": (COLORS[2], "^"), "hurts": (COLORS[1], "v"), "cannot tell": (COLORS[4], "o")}


def slides(entries: list[Entry], metrics: dict, settings: dict) -> dict[str, str]:
    """SVG by name: the effects with their intervals, gain against cost, bias against variance; those that can be drawn."""
    entries, metrics, _ = applicable.split(entries, metrics)
    table = rows(entries, metrics, deciding(settings))
    effects = [row for row in table if row.ranked and not row.reference and not missing(row.difference.mean)]
    priced, split = pareto.priced(table), bias_variance_figure.split(table)
    drawings = {
        "effects": forest(effects, relevant_difference(settings)) if effects else None,
        "gain_against_cost": pareto.figure(priced) if not pareto.same_cost(priced) else None,
        "bias_against_variance": bias_variance_figure.figure(split) if len(split) > 1 else None,
    }
    return {name: svg(drawing) for name, drawing in drawings.items() if drawing}


def forest(table: list[Row], relevant: float) -> Figure:
    """The difference to `none` of each row with its interval, in the order of the table; shaded: not relevant."""
    measure = table[0].measure
    means, low, high = measure.scale * np.array([row.difference for row in table], dtype=float).T
    low, high = (np.where(np.isfinite(end), end, means) for end in (low, high))
    places = -np.arange(len(table))
    drawing, axes = canvas(7.2, 0.6 + 0.19 * len(table))
    axes.axvspan(-measure.scale * relevant, measure.scale * relevant, color=INK, alpha=0.1, linewidth=0)
    axes.axvline(0, color=INK, linewidth=0.8)
    for row, place, mean, ends in zip(table, places, means, zip(low, high, strict=True), strict=True):
        color, marker = LOOKS.get(row.verdict, (INK, "D" if row.classical else "s"))
        axes.plot(ends, [place, place], color=color, linewidth=1.4)
        axes.plot(mean, place, marker, color=color, markersize=5, markerfacecolor="none" if row.classical else color)
    label = measure.in_units(f"difference of {measure.name} to none")
    axes.set(xlabel=label + measure.lower_note, ylim=(places[-1] - 0.8, 0.8))
    axes.set_yticks(places, [row.name for row in table], fontsize=8)
    axes.grid(axis="y", visible=False)
    for verdict, (color, marker) in LOOKS.items():
        if any(row.verdict == verdict for row in table):
            axes.plot([], [], marker, color=color, markersize=5, label=verdict)
    axes.legend(fontsize=8, loc="lower right")
    return drawing
