"""Names beside points, none over another: the nearest free place of a few rings around a point, else the nearest at all."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from reglab.core.figures import INK

SIZE = 7.5  # of the letters, in points
HEIGHT = 1.25 * SIZE  # of a line
ROOM = 1.04  # a page's own font may run a little wider than the one that names are measured in, itself a wide one
RINGS = (0, 4, 10, 17, 26, 37, 50, 66, 84)  # gaps between a point and its name, in points
ANGLES = np.radians([0, 180, 20, -20, 160, -160, 40, -40, 140, -140, 65, -65, 115, -115, 90, -90])
MARK = 4.0  # half the side of what a point covers
GRID = 5.0  # gap between the places of a frame that are tried last, in points


# A box is (left, bottom, right, top), many are an array (n, 4); all positions are in points.


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(n, m): the area that each of the boxes (n, 4) shares with each of the others (m, 4)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.prod(np.maximum(high - low, 0.0), axis=2)


def width_of(name: str, bold: bool) -> float:
    """Of a name in DejaVu Sans, which comes with matplotlib and is wider than most fonts of a page."""
    font = FontProperties(family="DejaVu Sans", size=SIZE, weight="bold" if bold else "normal")
    return ROOM * text_to_path.get_text_width_height_descent(name, font, ismath=False)[0] + 2


def around(point: np.ndarray, width: float, height: float) -> np.ndarray:
    """(rings x angles, 4): where a name of this size may stand, the nearest places first."""
    gaps, angles = np.repeat(RINGS, len(ANGLES)), np.tile(ANGLES, len(RINGS))
    half = np.array([width, height]) / 2
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    middles = point + directions * (MARK + gaps[:, None] + half)
    return np.hstack([middles - half, middles + half])


def anywhere(point: np.ndarray, width: float, height: float, frame: np.ndarray) -> np.ndarray:
    """(places, 4): the places of a grid inside the frame, the nearest to the point first."""
    columns = np.arange(frame[0], frame[2] - width + 1e-9, GRID)
    rows = np.arange(frame[1], frame[3] - height + 1e-9, GRID)
    corners = np.stack(np.meshgrid(columns, rows, indexing="ij"), axis=-1).reshape(-1, 2)
    size = np.array([width, height])
    order = np.argsort(np.hypot(*(corners + size / 2 - point).T), kind="stable")
    return np.hstack([corners, corners + size])[order]


def placed(
    points: np.ndarray, widths: Sequence[float], height: float, frame: np.ndarray, obstacles: np.ndarray
) -> np.ndarray:
    """(n, 4): a box for each of the points (n, 2), inside the frame, that covers no point, obstacle (m, 4) or other box.

    What stands in a crowd is placed first. Where nothing is free points and obstacles may be covered, names only if the
    frame has no room for all of them.
    """
    marks = np.hstack([points - MARK, points + MARK])
    crowd = [-int((np.hypot(*(points - point).T) < 40).sum()) for point in points]
    places: dict[int, np.ndarray] = {}
    for at in sorted(range(len(points)), key=lambda n: (crowd[n], n)):
        names = np.array(list(places.values())).reshape(-1, 4)
        taken = np.vstack([np.delete(marks, at, axis=0), obstacles, names])
        places[at] = place(points[at], widths[at], height, frame, taken, names)
    return np.array([places[at] for at in range(len(points))])


def place(
    point: np.ndarray, width: float, height: float, frame: np.ndarray, taken: np.ndarray, names: np.ndarray
) -> np.ndarray:
    """(4,): the nearest place that is free of what is taken; else the nearest that is free of names, which are part of it."""
    rings = around(point, width, height)
    inside = rings[(rings[:, :2] >= frame[:2]).all(axis=1) & (rings[:, 2:] <= frame[2:]).all(axis=1)]
    if len(free := clear(inside, taken)):
        return free[0]
    every = anywhere(point, width, height, frame)
    for crowd in (taken, names):
        if len(free := clear(every, crowd)):
            return free[0]
    return every[0]


def clear(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Those of the boxes that share no area with any other, in their order."""
    return boxes[overlaps(boxes, others).sum(axis=1) < 1e-6]


def name_points(
    axes: Axes,
    points: np.ndarray,
    names: Sequence[str],
    bold: Sequence[bool],
    lines: Sequence[tuple[float, float, float, float]] = (),
) -> None:
    """Writes names beside points (n, 2), off the straight lines (x, y, x, y) and off the texts and the legend of the axes.

    A thin line leads to a point further away. Positions are those of the data. The axes' limits and place must be final.
    """
    scale = 72 / axes.figure.dpi

    def to_points(positions: np.ndarray) -> np.ndarray:
        return scale * axes.transData.transform(positions)

    widths = [width_of(name, strong) for name, strong in zip(names, bold, strict=True)]
    ends = to_points(np.reshape(lines, (-1, 2))).reshape(-1, 4)
    drawn = [*axes.texts, *filter(None, [axes.get_legend()])]
    others = [scale * artist.get_window_extent().extents for artist in drawn]
    obstacles = np.hstack([np.minimum(ends[:, :2], ends[:, 2:]) - 1, np.maximum(ends[:, :2], ends[:, 2:]) + 1])
    obstacles = np.vstack([obstacles, np.reshape(others, (-1, 4))])
    frame = scale * np.array(axes.bbox.extents)
    back = axes.transData.inverted()
    boxes = placed(to_points(points), widths, HEIGHT, frame, obstacles)
    for point, name, strong, box in zip(to_points(points), names, bold, boxes, strict=True):
        near = np.clip(point, box[:2], box[2:])
        if np.hypot(*(near - point)) > MARK + 6:
            axes.plot(*back.transform(np.array([point, near]) / scale).T, color=INK, linewidth=0.4, alpha=0.5, zorder=1)
        middle = back.transform((box[:2] + box[2:]) / 2 / scale)
        weight = "bold" if strong else "normal"
        axes.text(
            *middle, name, fontsize=SIZE, ha="center", va="center_baseline", color=INK, fontweight=weight, zorder=4
        )
