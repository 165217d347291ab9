"""Learning curves as small drawings on shared axes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from reglab.report.collect import Entry
from reglab.report.curves import held, means, quantities, stopped_at
from reglab.report.formats import exponent_of, fixed

TITLES = {
    "error": "Error, %",
    "nll": "Loss, nats",
    "rmse": "Root mean squared error",
    "hamming_loss": "Hamming loss, %",
    "binary_cross_entropy": "Loss, nats",
}
IN_PERCENT = ("error", "hamming_loss")
POINTS = 100  # more than these no eye tells apart at this size
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 270, 178, 32, 22, 8, 22  # of a panel, in its own units


@dataclass(frozen=True)
class Panel:
    """The axes that all drawings of one quantity of TITLES share."""

    quantity: str
    title: str
    epochs: int
    top: float

    def x(self, epoch: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * epoch / max(self.epochs - 1, 1)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top

    @property
    def frame(self) -> Markup:
        """Grid, labels and clip path, drawn once and used by every drawing."""
        scale = 100 if self.quantity in IN_PERCENT else 1
        levels, steps = ticks(self.top * scale), ticks(self.epochs - 1, integer=True)
        digits = max(0, -exponent_of(levels[1]))
        lines = [
            f'<path class="grid" d="M{LEFT},{(y := self.y(v / scale)):.1f}H{WIDTH - RIGHT}"/>'
            f'<text class="tick" x="{LEFT - 5}" y="{y + 3.5:.1f}" text-anchor="end">{fixed(v, digits)}</text>'
            for v in levels
        ]
        lines += [
            f'<text class="tick" x="{self.x(e):.1f}" y="{HEIGHT - 6}" text-anchor="middle">{e:,.0f}</text>'
            for e in steps
        ]
        return Markup(
            f'<clipPath id="clip-{self.quantity}"><rect x="{LEFT}" y="{TOP - 4}" width="{WIDTH - LEFT - RIGHT}" '
            f'height="{HEIGHT - TOP - BOTTOM + 4.8}"/></clipPath><g id="frame-{self.quantity}">{"".join(lines)}'
            f'<text class="title" x="0" y="11">{self.title}</text>'
            f'<text class="tick" x="{WIDTH - RIGHT}" y="11" text-anchor="end">over epochs</text></g>'
        )

    def line(self, values: np.ndarray) -> str:
        """Path data through (epochs,), at most POINTS of them."""
        chosen = np.unique(np.linspace(0, len(values) - 1, POINTS).round().astype(int))
        return "M" + "L".join(f"{self.x(e):.1f},{self.y(values[e]):.1f}" for e in chosen if np.isfinite(values[e]))

    def band(self, low: np.ndarray, high: np.ndarray) -> str:
        chosen = np.unique(np.linspace(0, len(low) - 1, POINTS).round().astype(int))
        edge = [(e, high[e]) for e in chosen] + [(e, low[e]) for e in chosen[::-1]]
        return "M" + "L".join(f"{self.x(e):.1f},{self.y(v):.1f}" for e, v in edge if np.isfinite(v)) + "Z"

    def drawing(self, entry: Entry) -> Markup:
        """Bands and means of training and validation, and a mark on the axis for each seed that stopped early."""
        parts = []
        for part in ("train", "validation"):
            values = held(entry.curves, entry.seeds("finished"), f"{part}_{self.quantity}")
            low, high = np.percentile(values, (25, 75), axis=0)
            parts.append(f'<path class="band" d="{self.band(low, high)}"/>')
            parts.append(f'<path class="{part}" d="{self.line(values.mean(axis=0))}"/>')
        base = HEIGHT - BOTTOM
        stops = "".join(f"M{self.x(e):.1f},{base}v-7" for e in sorted(set(stopped_at(entry))))
        parts.append(f'<path class="stop" d="{stops}"/>' if stops else "")
        return Markup("".join(parts))


def ticks(top: float, **options) -> list[float]:
    """Round numbers from 0 to `top`."""
    values = MaxNLocator(6, steps=[1, 2, 5, 10], **options).tick_values(0, top)
    return [float(x) for x in values if 0 <= x <= top * 1.001]


def highest(entries: Sequence[Entry], quantity: str) -> float:
    """The top of the common axis: above every mean, apart from the first quarter of the epochs and its steep fall.

    A single recipe far above the others is cut off at three times their median.
    """
    tops = []
    for entry in entries:
        both = [means(entry, f"{part}_{quantity}") for part in ("train", "validation")]
        tops.append(max(mean[len(mean) // 4 :].max() for mean in both))
    return 1.08 * float(min(max(tops), 3 * np.median(tops))) or 1.0


def panels(entries: Sequence[Entry]) -> list[Panel]:
    """The axes for these entries, which `drawable` chose: error and loss, or the root mean squared error, which is both."""
    epochs = max(len(columns["epoch"]) for entry in entries for columns in entry.curves.values())
    drawn = quantities(entries[0])
    return [Panel(quantity, TITLES[quantity], epochs, highest(entries, quantity)) for quantity in drawn]
