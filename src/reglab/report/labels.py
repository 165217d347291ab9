"""Names beside points, none over another: the nearest free place of a few rings around each point."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from reglab.figures import INK

SIZE = 7.5  # of the letters, in points
RINGS = (0, 4, 10, 17, 26, 37, 50, 66, 84)  # gaps between a point and its name, in points
ANGLES = np.radians([0, 180, 20, -20, 160, -160, 40, -40, 140, -140, 65, -65, 115, -115, 90, -90])
MARK = 4.0  # half the side of what a point covers


# A box is (left, bottom, right, top), many are an array (n, 4); all positions are in points.


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(n, m): the area that each of the boxes (n, 4) shares with each of the others (m, 4)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.prod(np.maximum(high - low, 0.0), axis=2)


def around(point: np.ndarray, width: float, height: float) -> np.ndarray:
    """(rings x angles, 4): where a name of this size may stand, the nearest places first."""
    gaps, angles = np.repeat(RINGS, len(ANGLES)), np.tile(ANGLES, len(RINGS))
    half = np.array([width, height]) / 2
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    middles = point + directions * (MARK + gaps[:, None] + half)
    return np.hstack([middles - half, middles + half])


def placed(
    points: np.ndarray, widths: Sequence[float], height: float, frame: np.ndarray, obstacles: np.ndarray
) -> np.ndarray:
    """(n, 4): a box for each of the points (n, 2), inside the frame, that covers no point, no obstacle (m, 4) and no other
    box if there is room; where there is none, the least is covered."""
    marks = np.hstack([points - MARK, points + MARK])
    crowd = [-int((np.hypot(*(points - point).T) < 40).sum()) for point in points]
    found: dict[int, np.ndarray] = {}
    for at in sorted(range(len(points)), key=lambda n: (crowd[n], n)):
        candidates = around(points[at], widths[at], height)
        taken = np.vstack([np.delete(marks, at, axis=0), obstacles, *found.values()])
        outside = widths[at] * height - overlaps(candidates, frame[None])[:, 0]
        trouble = np.round(overlaps(candidates, taken).sum(axis=1) + outside, 6)
        found[at] = candidates[np.argmin(trouble)]  # the first, so the nearest, of the free ones
    return np.array([found[at] for at in range(len(points))])


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
    obstacles = np.hstack([np.minimum(ends[:, :2], ends[:, 2:]) - 1, np.maximum(ends[:, :2], ends[:, 2:]) + 1])
    frame = scale * np.array(axes.bbox.extents)
    back = axes.transData.inverted()
    boxes = placed(to_points(points), widths, 1.25 * SIZE, frame, obstacles)
    for point, name, strong, box in zip(to_points(points), names, bold, boxes, strict=True):
        near = np.clip(point, box[:2], box[2:])
        if np.hypot(*(near - point)) > MARK + 6:
            axes.plot(*back.transform(np.array([point, near]) / scale).T, color=INK, linewidth=0.4, alpha=0.5, zorder=1)
        middle = back.transform((box[:2] + box[2:]) / 2 / scale)
        weight = "bold" if strong else "normal"
        axes.text(
            *middle, name, fontsize=SIZE, ha="center", va="center_baseline", color=INK, fontweight=weight, zorder=4
        )
