"""Names beside points, none over another: the nearest free place of a few rings around each point."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from reglab.figures import INK

SIZE = 7.5  # of the letters, in points
RINGS = (0, 4, 10, 17, 26, 37, 50, 66, 84)  # gaps between a point and its name, in points
ANGLES = np.radians([0, 180, 20, -20, 160, -160, 40, -40, 140, -140, 65, -65, 115, -115, 90, -90])
MARK = 4.0  # half the side of what a point covers


class Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: "Box") -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0.0) * max(height, 0.0)


def beside(x: float, y: float, gap: float, angle: float, width: float, height: float) -> Box:
    """The box of this size whose edge lies `gap` away from the mark at (x, y), in the direction of the angle."""
    away = MARK + gap
    middle = x + np.cos(angle) * (away + width / 2), y + np.sin(angle) * (away + height / 2)
    return Box(middle[0] - width / 2, middle[1] - height / 2, middle[0] + width / 2, middle[1] + height / 2)


def placed(
    points: np.ndarray, widths: Sequence[float], height: float, frame: Box, obstacles: Sequence[Box] = ()
) -> list[Box]:
    """A box for each of the points (n, 2), inside the frame, that covers no point, obstacle or other box if there is room."""
    marks = [Box(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in points]
    crowd = [-sum(np.hypot(*(points - point).T) < 40) for point in points]
    found: dict[int, Box] = {}
    for at in sorted(range(len(points)), key=lambda n: (crowd[n], n)):
        candidates = [beside(*points[at], gap, angle, widths[at], height) for gap in RINGS for angle in ANGLES]
        taken = [*(mark for n, mark in enumerate(marks) if n != at), *found.values(), *obstacles]

        def trouble(box: Box, taken: list[Box] = taken) -> float:
            inside = box.overlap(frame) - (box.right - box.left) * (box.top - box.bottom)
            return sum(map(box.overlap, taken)) - inside

        found[at] = min(
            candidates, key=lambda box: round(trouble(box), 6)
        )  # the first, so the nearest, of the free ones
    return [found[at] for at in range(len(points))]


def name_points(
    axes: Axes,
    points: np.ndarray,
    names: Sequence[str],
    bold: Sequence[bool],
    lines: Sequence[tuple[float, float, float, float]] = (),
) -> None:
    """Writes names beside points (n, 2), off the straight lines (x, y, x, y); a thin line leads to a point further away.

    Positions are those of the data. The axes' limits and place must be final.
    """
    scale = 72 / axes.figure.dpi

    def to_points(positions: np.ndarray) -> np.ndarray:
        return scale * axes.transData.transform(positions)

    widths = [(0.66 if strong else 0.58) * SIZE * len(name) + 3 for name, strong in zip(names, bold, strict=True)]
    ends = to_points(np.reshape(lines, (-1, 2))).reshape(-1, 4)
    obstacles = [Box(min(a, c) - 1, min(b, d) - 1, max(a, c) + 1, max(b, d) + 1) for a, b, c, d in ends]
    frame = Box(*(scale * np.array(axes.bbox.extents)))
    back = axes.transData.inverted()
    boxes = placed(to_points(points), widths, 1.25 * SIZE, frame, obstacles)
    for point, name, strong, box in zip(to_points(points), names, bold, boxes, strict=True):
        near = np.clip(point, (box.left, box.bottom), (box.right, box.top))
        if np.hypot(*(near - point)) > MARK + 6:
            axes.plot(*back.transform(np.array([point, near]) / scale).T, color=INK, linewidth=0.4, alpha=0.5, zorder=1)
        middle = back.transform(np.array([(box.left + box.right) / 2, (box.bottom + box.top) / 2]) / scale)
        weight = "bold" if strong else "normal"
        axes.text(
            *middle, name, fontsize=SIZE, ha="center", va="center_baseline", color=INK, fontweight=weight, zorder=4
        )
