"""Draws the regime map: one panel for each width, training size across, label noise upwards, one colour scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from markupsafe import Markup

from reglab.report.formats import MISSING, missing
from reglab.report.measure import ACCURACY, Interval, Measure
from reglab.report.nearness import turning

WIDTH, LEFT, TOP, CELL, BOTTOM = 270, 52, 24, 46, 36  # of a panel and of the height of a cell, in the panel's own units
WEAKEST, STRONGEST = 0.15, 0.65  # opacity of the smallest and largest difference: seen, and text on it legible
SHOWN = ("helps", "hurts")  # verdicts that are drawn in colour


class Place(NamedTuple):
    """A recipe in one cell: labelled examples, share of wrong labels, units of a layer; its difference to none."""

    train_size: int
    label_noise: float
    width: int
    difference: Interval
    verdict: str
    p_holm: float | None
    seeds_needed: int | None
    turning: Markup

    @classmethod
    def of(cls, row: dict) -> "Place":
        """From a row of metrics.json."""
        difference = Interval(*(row[key] for key in ("difference", "difference_low", "difference_high")))
        axes = (row[axis] for axis in ("train_size", "label_noise", "width"))
        return cls(*axes, difference, row["verdict"], row["p_holm"], row["seeds_needed"], turning(row))

    @property
    def known(self) -> bool:
        return not missing(self.difference.mean)


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
            f'<linearGradient id="regime-{kind}" x1="{one}" x2="{two}"><stop class="{kind}" stop-opacity="{WEAKEST}"/>'
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
            f'<rect width="90" height="12" fill="url(#regime-{low})"/>'
            f'<rect x="90" width="90" height="12" fill="url(#regime-{high})"/>{ends}</svg>'
        )

    def end(self, value: float) -> str:
        """Whole points, else in digits."""
        return self.measure.difference(value, 0)


def scale_of(places: Sequence[Place], measure: Measure = ACCURACY) -> Scale:
    """Up to the largest difference that is drawn in colour, in whole points or hundredths."""
    found = [place for place in places if place.known]
    coloured = [place for place in found if place.verdict in SHOWN] or found
    return Scale(
        max(ceil(100 * max((abs(place.difference.mean) for place in coloured), default=0.0)), 1) / 100, measure
    )


def panel(name: str, places: Sequence[Place], width: int, scale: Scale) -> Markup:
    """The cells of one width as an SVG with labelled axes; each cell shows its number, and the rest as a tooltip."""
    own = [place for place in places if place.width == width]
    sizes, noises = sorted({place.train_size for place in own}), sorted({place.label_noise for place in own})
    across, height = (WIDTH - LEFT) / len(sizes), TOP + CELL * len(noises) + BOTTOM
    parts = [f'<text class="title" x="{LEFT}" y="13">width {width:,}</text>']
    middle = TOP + CELL * len(noises) / 2
    parts.append(
        f'<text class="tick" transform="translate(9,{middle:.0f}) rotate(-90)" text-anchor="middle">wrong labels, %</text>'
    )
    base = TOP + CELL * len(noises)
    parts += [
        f'<text class="tick" x="{LEFT - 6}" y="{base - CELL * (row + 0.5) + 4:.1f}" text-anchor="end">'
        f"{100 * noise:g}</text>"
        for row, noise in enumerate(noises)
    ]
    parts += [
        f'<text class="tick" x="{LEFT + across * (column + 0.5):.1f}" y="{base + 13}" text-anchor="middle">{size:,}</text>'
        for column, size in enumerate(sizes)
    ]
    parts.append(
        f'<text class="tick" x="{(LEFT + WIDTH) / 2:.0f}" y="{base + 29}" text-anchor="middle">training examples</text>'
    )
    for place in own:
        x, y = LEFT + across * sizes.index(place.train_size), base - CELL * (noises.index(place.label_noise) + 1)
        parts.append(drawn(place, x, y, across, scale))
    in_units = f" in {scale.measure.units}" if scale.measure.units else ""
    difference = f"difference of {scale.measure.name} to none{in_units}"
    label = f"{name}, width {width}: {difference}, by training examples and wrong labels"
    return Markup(f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}">{"".join(parts)}</svg>')


def drawn(place: Place, x: float, y: float, across: float, scale: Scale) -> str:
    """One cell: coloured if it helps or hurts, hatched for "cannot tell", framed for "no relevant difference"."""
    kind = place.verdict.replace(" ", "-")
    frame = f'x="{x + 1.5:.1f}" y="{y + 1.5:.1f}" width="{across - 3:.1f}" height="{CELL - 3}" rx="2"'
    strength = f' fill-opacity="{scale.opacity(place.difference.mean):.2f}"' if place.verdict in SHOWN else ""
    mark = {"no relevant difference": "= ", "cannot tell": ""}.get(place.verdict, "")
    number = mark + scale.measure.difference(place.difference.mean) if place.known else MISSING
    return (
        f'<g class="cell {kind}"><title>{tooltip(place, scale.measure)}</title><rect {frame}{strength}/>'
        f'<text x="{x + across / 2:.1f}" y="{y + CELL / 2 + 4:.1f}" text-anchor="middle">{number}</text></g>'
    )


def tooltip(place: Place, measure: Measure) -> str:
    """The text that is shown when pointing at a cell."""
    if not place.known:
        return place.verdict
    needed = f", about {place.seeds_needed} seeds needed" if place.seeds_needed else ""
    mean = measure.counted(measure.difference(place.difference.mean))
    return f"{mean} ({measure.range(place.difference)}): {place.verdict}{needed}"
