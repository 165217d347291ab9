"""Draws comparisons in the cells of a grid: coloured by verdict and difference, on one colour scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple, Protocol

from markupsafe import Markup

from reglab.report.formats import MISSING
from reglab.report.measure import ACCURACY, Interval, Measure

WIDTH, LEFT, TOP, CELL, BOTTOM = 270, 52, 24, 46, 36  # of a panel and of the height of a cell, in the panel's own units
WEAKEST, STRONGEST = 0.15, 0.65  # opacity of the smallest and largest difference: seen, and text on it legible
SHOWN = ("helps", "hurts")  # verdicts that are drawn in colour


class GridCell(Protocol):
    """A comparison that stands in a cell."""

    difference: Interval
    verdict: str
    seeds_needed: int | None

    @property
    def known(self) -> bool:
        """Whether there is a difference; else the verdict says why not."""
        ...


class GridSide(NamedTuple):
    """What is measured along a side of the grid, and the text of each row's or column's value."""

    name: str
    values: Sequence[str]


@dataclass(frozen=True)
class Scale:
    """Colours from -`top` to `top`, a difference of the measure; where lower is better, what helps is at the lower end."""

    top: float
    measure: Measure = ACCURACY

    def opacity(self, difference: float) -> float:
        return WEAKEST + (STRONGEST - WEAKEST) * min(abs(difference) / self.top, 1)

    @property
    def bar(self) -> Markup:
        """The scale with its ends, as a drawing; the colours are those of the cells."""
        low, high = ("hurts", "helps") if self.measure.sign > 0 else ("helps", "hurts")
        halves = "".join(
            f'<linearGradient id="grid-{kind}" x1="{one}" x2="{two}"><stop class="{kind}" stop-opacity="{WEAKEST}"/>'
            f'<stop class="{kind}" offset="1" stop-opacity="{STRONGEST}"/></linearGradient>'
            for kind, one, two in ((low, 1, 0), (high, 0, 1))
        )
        ends = "".join(
            f'<text class="tick" x="{x}" y="25" text-anchor="{anchor}">{self.end(value)}</text>'
            for x, value, anchor in ((0, -self.top, "start"), (90, 0.0, "middle"), (180, self.top, "end"))
        )
        return Markup(
            f'<svg class="scale" width="180" height="28" viewBox="0 0 180 28" role="img" aria-label="colour scale from '
            f'{self.end(-self.top)} to {self.measure.counted(self.end(self.top))}"><defs>{halves}</defs>'
            f'<rect width="90" height="12" fill="url(#grid-{low})"/>'
            f'<rect x="90" width="90" height="12" fill="url(#grid-{high})"/>{ends}</svg>'
        )

    def end(self, value: float) -> str:
        """Whole points, else in digits."""
        return self.measure.difference(value, 0)


def scale_of(cells: Sequence[GridCell], measure: Measure = ACCURACY) -> Scale:
    """Up to the largest difference that is drawn in colour, in whole points or hundredths."""
    known = [cell for cell in cells if cell.known]
    coloured = [cell for cell in known if cell.verdict in SHOWN] or known
    return Scale(max(ceil(100 * max((abs(cell.difference.mean) for cell in coloured), default=0.0)), 1) / 100, measure)


def grid(
    title: str, label: str, cells: Mapping[tuple[int, int], GridCell], across: GridSide, up: GridSide, scale: Scale
) -> Markup:
    """The cells, by column and row from the lower left, as an SVG with labelled axes and a `label` for screen readers.

    Each cell shows its number, and the rest as a tooltip.
    """
    wide, base = (WIDTH - LEFT) / len(across.values), TOP + CELL * len(up.values)
    middle = TOP + CELL * len(up.values) / 2
    parts = [
        f'<text class="title" x="{LEFT}" y="13">{title}</text>',
        f'<text class="tick" transform="translate(9,{middle:.0f}) rotate(-90)" text-anchor="middle">{up.name}</text>',
    ]
    parts += [
        f'<text class="tick" x="{LEFT - 6}" y="{base - CELL * (row + 0.5) + 4:.1f}" text-anchor="end">{value}</text>'
        for row, value in enumerate(up.values)
    ]
    parts += [
        f'<text class="tick" x="{LEFT + wide * (column + 0.5):.1f}" y="{base + 13}" text-anchor="middle">{value}</text>'
        for column, value in enumerate(across.values)
    ]
    parts.append(
        f'<text class="tick" x="{(LEFT + WIDTH) / 2:.0f}" y="{base + 29}" text-anchor="middle">{across.name}</text>'
    )
    for (column, row), cell in cells.items():
        parts.append(drawn(cell, LEFT + wide * column, base - CELL * (row + 1), wide, scale))
    size = f"0 0 {WIDTH} {base + BOTTOM}"
    return Markup(f'<svg viewBox="{size}" role="img" aria-label="{label}">{"".join(parts)}</svg>')


def drawn(cell: GridCell, x: float, y: float, across: float, scale: Scale) -> str:
    """One cell: coloured if it helps or hurts, hatched for "cannot tell", framed for "no relevant difference"."""
    kind = cell.verdict.replace(" ", "-")
    frame = f'x="{x + 1.5:.1f}" y="{y + 1.5:.1f}" width="{across - 3:.1f}" height="{CELL - 3}" rx="2"'
    strength = f' fill-opacity="{scale.opacity(cell.difference.mean):.2f}"' if cell.verdict in SHOWN else ""
    mark = {"no relevant difference": "= ", "cannot tell": ""}.get(cell.verdict, "")
    number = mark + scale.measure.difference(cell.difference.mean) if cell.known else MISSING
    return (
        f'<g class="cell {kind}"><title>{tooltip(cell, scale.measure)}</title><rect {frame}{strength}/>'
        f'<text x="{x + across / 2:.1f}" y="{y + CELL / 2 + 4:.1f}" text-anchor="middle">{number}</text></g>'
    )


def tooltip(cell: GridCell, measure: Measure) -> str:
    """The text that is shown when pointing at a cell."""
    if not cell.known:
        return cell.verdict
    needed = f", about {cell.seeds_needed} seeds needed" if cell.seeds_needed else ""
    mean = measure.counted(measure.difference(cell.difference.mean))
    return f"{mean} ({measure.range(cell.difference)}): {cell.verdict}{needed}"
