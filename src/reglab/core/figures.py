"""The style of all figures: deterministic SVG, colour-blind-safe, legible on light and on dark pages."""

import io
import re

import matplotlib
import numpy as np
from matplotlib.figure import Figure

# Okabe and Ito (2008), "Color universal design"; black is left out: it is the colour of the text, which follows the page.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8F8F00")
INK = "#123456"  # stands for the page's own text colour; `svg` replaces it by currentColor

STYLE = {
    "svg.hashsalt": "reglab",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.prop_cycle": matplotlib.cycler(color=COLORS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.2,
    "grid.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    **{key: INK for key in ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")},
}


def canvas(width: float = 6.0, height: float = 3.4, rows: int = 1, columns: int = 1, **subplots):
    """A figure of `width` x `height` inches and its axes, as pyplot.subplots returns them, without pyplot."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.subplots(rows, columns, **subplots)


def shades(inputs: np.ndarray) -> np.ndarray:
    """An example as `imshow` draws it from 0 to 1: an image (channels, height, width) with its channels last, one channel as
    shades; the row of a table (features,), in standard units, as a strip of shades from -3 to 3.
    """
    if inputs.ndim == 1:
        return np.clip(inputs / 6 + 0.5, 0, 1)[None]
    image = np.clip(inputs, 0, 1)
    return image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)


def svg(figure: Figure) -> str:
    """The figure as an `<svg>` element whose text and axes take the page's colour; the same bytes for the same figure.

    Black counts as the page's colour: it is what matplotlib gives to text that was added after `canvas`.
    """
    for legend in [*figure.legends, *filter(None, (axes.get_legend() for axes in figure.axes))]:
        legend.set_frame_on(False)
    with matplotlib.rc_context(STYLE):
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    # The names of clipping paths hash positions down to their last bits, which vary: count them instead.
    names: dict[str, str] = {}
    text = re.sub(r'(?<=[#"])p[0-9a-f]{10}(?=[)"])', lambda old: names.setdefault(old[0], f"p{len(names)}"), text)
    text = text[text.index("<svg") :].replace("<svg", '<svg fill="currentColor"', 1)
    return text.replace(INK, "currentColor").replace("#000000", "currentColor")
