"""Bias and variance of every recipe: what its Brier score, or its squared error, is made of."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reglab.core.families import FAMILIES
from reglab.core.figures import COLORS, INK, canvas
from reglab.report.formats import missing
from reglab.report.labels import name_points
from reglab.report.tables import Row


def split(rows: Sequence[Row]) -> list[Row]:
    """The rows that have both parts."""
    return [
        row
        for row in rows
        if row.ranked and not any(missing(row.numbers.get(key)) for key in ("bias_squared", "variance"))
    ]


def figure(rows: Sequence[Row]) -> Figure:
    """Squared bias against variance; on a slanted line their sum, the mean squared error, is the same; dotted: `none`."""
    variance, bias = np.array([(row.numbers["variance"], row.numbers["bias_squared"]) for row in rows], dtype=float).T
    drawing, axes = canvas(8.4, 5.2)
    drawing.set_layout_engine("none")  # names are placed by the final position of the axes
    axes.set_position((0.075, 0.1, 0.905, 0.87))
    right, top = 1.12 * max(variance), 1.1 * max(bias)
    bottom = max(min(bias) - 0.1 * (top - min(bias)), 0.0)
    axes.grid(False)
    axes.set(xlim=(0, right), ylim=(bottom, top), xlabel="variance", ylabel="squared bias")
    for total in MaxNLocator(15, steps=[1, 2, 5, 10]).tick_values(0, right + top)[1:-1]:
        axes.axline((0, total), slope=-1, color=INK, linewidth=0.6, alpha=0.25, zorder=0)
        if bottom + 0.04 * (top - bottom) < total < top:
            axes.text(0.004 * right, total, f"{total:g}", fontsize=7, color=INK, alpha=0.6, va="bottom")
    lines = []
    for row, x, y in zip(rows, variance, bias, strict=True):
        if row.reference:
            lines = [(x, bottom, x, y), (0, y, x, y)]
            axes.plot([x, x, 0], [bottom, y, y], color=INK, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    marked = [family for family in FAMILIES if family.marker]
    for family in sorted(marked, key=lambda family: family.classical):
        in_family = [n for n, row in enumerate(rows) if row.entry.family == family.section]
        if in_family:
            color = INK if family.color is None else COLORS[family.color]
            look = {"color": color, "markersize": 4.5, "label": family.kind}
            axes.plot(variance[in_family], bias[in_family], family.marker, zorder=3, **look)
    axes.legend(fontsize=8, loc="upper right")
    points = np.column_stack([variance, bias])
    name_points(axes, points, [row.name for row in rows], [row.reference for row in rows], lines)
    return drawing
