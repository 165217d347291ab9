"""Solids that stand on a floor, hit by rays: each is the intersection of slabs or quadrics.

Coordinates are those of the camera: x to the right, y upwards, z ahead. A ray is (u, v, 1) t, so that t is the depth. A shape
returns the t at which the ray enters and leaves it (it misses unless enter < leave) and the three parts of the normal where
it enters. Operations act on single elements and IEEE 754 rounds them exactly, the same on every machine.
"""

from typing import NamedTuple

import numpy as np


class Solids(NamedTuple):
    """Upright bodies, all fields of one shape: the place of the foot, half width and height, cosine and sine of the turn."""

    x: np.ndarray
    floor: np.ndarray
    z: np.ndarray
    radius: np.ndarray
    height: np.ndarray
    cosine: np.ndarray
    sine: np.ndarray


def roots(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a t^2 - 2 b t + c = 0 with a > 0: the lower and the upper t, NaN where there is none."""
    root = np.sqrt(b * b - a * c)
    return (b - root) / a, (b + root) / a


def levels(v: np.ndarray, solid: Solids) -> tuple[np.ndarray, np.ndarray]:
    """Where descending rays enter and leave the layer between foot and top of the solid; the camera is above it."""
    return (solid.floor + solid.height) / v, solid.floor / v


def sphere(u: np.ndarray, v: np.ndarray, solid: Solids) -> tuple:
    x, z, radius = solid.x, solid.z, solid.radius
    y = solid.floor + radius
    near, far = roots(u * u + v * v + 1, u * x + v * y + z, x * x + y * y + z * z - radius * radius)
    return near, far, (u * near - x) / radius, (v * near - y) / radius, (near - z) / radius


def box(u: np.ndarray, v: np.ndarray, solid: Solids) -> tuple:
    """The intersection of three slabs: entered where the last is entered, left where the first is left."""
    cosine, sine, half = solid.cosine, solid.sine, solid.radius
    top, bottom = levels(v, solid)
    enter, leave, side = top, bottom, [0, 1, 0]
    for p, q in ((cosine, sine), (-sine, cosine)):  # the axis (p, 0, q) of the box
        slope, centre = p * u + q, p * solid.x + q * solid.z
        facing = np.where(slope > 0, half, -half)
        near, far = (centre - facing) / slope, (centre + facing) / slope
        later, facing = near > enter, facing / half
        side = [np.where(later, new, old) for new, old in zip((-p * facing, 0, -q * facing), side, strict=True)]
        enter, leave = np.maximum(enter, near), np.minimum(leave, far)
    return enter, leave, *side


def cone(u: np.ndarray, v: np.ndarray, solid: Solids) -> tuple:
    """x^2 + z^2 = (slope * distance below the apex)^2, cut off at the floor; slope < 1, so a > 0."""
    x, z, apex, slope = solid.x, solid.z, solid.floor + solid.height, solid.radius / solid.height
    square = slope * slope
    near, far = roots(u * u + 1 - square * v * v, u * x + z - square * v * apex, x * x + z * z - square * apex * apex)
    top, bottom = levels(v, solid)
    width, norm = slope * (apex - v * near), np.sqrt(1 + square)
    side = (u * near - x) / (width * norm), slope / norm, (near - z) / (width * norm)
    return np.maximum(near, top), np.minimum(far, bottom), *side


def cylinder(u: np.ndarray, v: np.ndarray, solid: Solids) -> tuple:
    x, z, radius = solid.x, solid.z, solid.radius
    near, far = roots(u * u + 1, u * x + z, x * x + z * z - radius * radius)
    top, bottom = levels(v, solid)
    lid = top > near
    side = np.where(lid, 0, (u * near - x) / radius), lid, np.where(lid, 0, (near - z) / radius)
    return np.maximum(near, top), np.minimum(far, bottom), *side


SHAPES = (sphere, box, cone, cylinder)


def z_buffer(
    u: np.ndarray,
    v: np.ndarray,
    kinds: np.ndarray,
    solids: Solids,
    light: np.ndarray,
    depth: np.ndarray,
    lit: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Put solids before a background: the depth, the cosine of the light, and which solid is seen, -1 for none; (n, s, s).

    kinds (n, objects), -1 for no solid; fields of `solids` (n, objects); light (3, n), unit vectors; depth and lit (n, s, s).
    """
    depth, lit, seen = depth.copy(), lit.copy(), np.full(depth.shape, -1, np.int8)
    for place in range(kinds.shape[1]):
        for kind, shape in enumerate(SHAPES):
            rows = np.flatnonzero(kinds[:, place] == kind)
            enter, leave, *normal = shape(u, v, Solids(*(field[rows, place, None, None] for field in solids)))
            hit = (enter < leave) & (enter < depth[rows])
            cosine = sum(part * along[rows, None, None] for part, along in zip(normal, light, strict=True))
            depth[rows] = np.where(hit, enter, depth[rows])
            lit[rows] = np.where(hit, cosine, lit[rows])
            seen[rows] = np.where(hit, np.int8(place), seen[rows])
    return depth, lit, seen
