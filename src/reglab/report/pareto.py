"""What a gain costs: every recipe by its cost and its gain, and those that no other one beats in both."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reglab.core.families import FAMILIES
from reglab.core.figures import COLORS, INK, canvas
from reglab.report.answer import NO_EXTRA
from reglab.report.formats import missing
from reglab.report.labels import name_points
from reglab.report.tables import Row

COSTS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def frontier(costs: Sequence[float], gains: Sequence[float]) -> list[int]:
    """Which of them no other beats: none costs as little and gains as much, and is better in one. The cheapest first."""
    front: list[int] = []
    for at in sorted(range(len(costs)), key=lambda n: (costs[n], -gains[n])):
        last = front[-1] if front else None
        if last is None or gains[at] > gains[last] or (gains[at], costs[at]) == (gains[last], costs[last]):
            front.append(at)
    return front


def priced(rows: Sequence[Row]) -> list[Row]:
    """The rows whose cost and gain are known: classical methods have no cost."""
    return [
        row for row in rows if row.ranked and not (missing(row.numbers.get("cost")) or missing(row.difference.mean))
    ]


def same_cost(rows: Sequence[Row]) -> bool:
    """Do all rows cost about the same, so that a figure would have them above one another?"""
    costs = [row.numbers["cost"] for row in rows]
    return not costs or max(costs) <= NO_EXTRA * min(costs)


def figure(rows: Sequence[Row]) -> Figure:
    """Gain over `none` with its interval against cost relative to `none`, the frontier drawn as steps."""
    measure = rows[0].measure
    costs = np.array([row.numbers["cost"] for row in rows])
    gains, *ends = measure.sign * measure.scale * np.array([row.difference for row in rows], dtype=float).T
    low, high = ends if measure.sign > 0 else reversed(ends)
    low, high = (np.where(np.isfinite(end), end, gains) for end in (low, high))  # a single seed has no interval
    best = frontier(costs, gains)
    drawing, axes = canvas(8.4, 5.2)
    drawing.set_layout_engine("none")  # names are placed by the final position of the axes
    axes.set_position((0.075, 0.1, 0.905, 0.87))
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.step(costs[best], gains[best], where="post", color=COLORS[0], linewidth=1.4, zorder=2)
    networks = [family for family in FAMILIES if family.marker and not family.classical]
    for family in networks:
        for on in (True, False):
            in_family = [n for n, row in enumerate(rows) if row.entry.family == family.section and (n in best) == on]
            look = {"color": COLORS[0] if on else INK, "alpha": 1.0 if on else 0.6}
            spread = np.abs([low[in_family] - gains[in_family], high[in_family] - gains[in_family]])
            axes.errorbar(
                costs[in_family], gains[in_family], spread, fmt="none", elinewidth=0.6, ecolor=look["color"], alpha=0.35
            )
            axes.plot(costs[in_family], gains[in_family], family.marker, markersize=4, zorder=3, **look)
        if any(row.entry.family == family.section for row in rows):
            axes.plot([], [], family.marker, color=INK, alpha=0.6, markersize=4, label=family.kind)
    axes.plot([], [], color=COLORS[0], label="nothing is cheaper and better")
    span = max(gains) - min(gains) or 1.0
    axes.set(
        xscale="log",
        xlim=(min(costs) / 1.6, max(costs) * 1.8),
        ylim=(min(*low, 0) - 0.04 * span, max(high) + 0.08 * span),
    )
    axes.xaxis.set_major_locator(FixedLocator([x for x in COSTS if min(costs) / 1.6 <= x <= max(costs) * 1.8]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}×"))
    axes.xaxis.set_minor_locator(NullLocator())
    gain = measure.in_units(f"gain in {measure.name} over none")
    axes.set(xlabel="floating-point operations of the training, none = 1", ylabel=gain)
    steps = [(costs[a], gains[a], costs[b], gains[a]) for a, b in pairwise(best)]
    steps += [(costs[b], gains[a], costs[b], gains[b]) for a, b in pairwise(best)]
    steps.append((min(costs), 0, max(costs), 0))
    axes.legend(fontsize=8, loc="lower right")
    points = np.column_stack([costs, gains])
    name_points(axes, points, [row.name for row in rows], [n in best for n in range(len(rows))], steps)
    return drawing
