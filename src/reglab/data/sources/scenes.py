"""Rendered scenes: shaded solids on a patterned floor, each image with its segmentation and its depth from one z-buffer.

A camera looks over a floor to a slanted wall; both are papered with checks and stickers. Up to four solids stand in between,
each further away than the one before. Colours and stripes do not depend on the class.

A seed gives the same bytes on every machine: raw words of a bit generator, then operations on single elements that IEEE 754
rounds exactly (+ - * / sqrt floor, comparisons); no long sums, no products of matrices, no transcendental functions.
"""

from typing import NamedTuple

import numpy as np

from reglab.core.errors import UserError
from reglab.core.streams import seed_of
from reglab.data.solids import SHAPES, Solids, z_buffer

CLASSES = tuple(shape.__name__ for shape in SHAPES)
IMAGES = 4000  # that `load` returns
OBJECTS, STICKERS = 4, 5  # at most, in an image
NUMBERS = (19, 14 * OBJECTS, 8 * STICKERS)  # random ones: of the room, of its solids, of its stickers
CHUNK = 32  # images rendered together: their arrays stay in the processor's cache
TOP, SPAN = 0.2, 1.0  # slope of the highest ray, and from there to the lowest
DEPTH, GRID = 12.0, 65536  # distance that counts as depth 1, and steps from depth 0 to depth 1
NOISE_BYTES = 4  # whose sum is the noise of a value, nearly Gaussian


class RenderedScenes(NamedTuple):
    """Images (n, 3, s, s) uint8, class of the nearest solid (n,) int64, masks (n, s, s) uint8, depth (n, s, s) float32.

    A mask is 0 for floor and wall, else 1 + the class seen there. Depth is in [0, 1], along the camera's axis.
    """

    images: np.ndarray
    classes: np.ndarray
    masks: np.ndarray
    depth: np.ndarray


class Room(NamedTuple):
    """The view without the solids: distance, cosine of the light, place on the sheet along floor and wall, (n, s, s).

    The floor's y is (n, 1, 1), the light's direction (3, n).
    """

    depth: np.ndarray
    lit: np.ndarray
    across: np.ndarray
    along: np.ndarray
    on_floor: np.ndarray
    floor: np.ndarray
    light: np.ndarray


def between(numbers: np.ndarray, low: float, high: float) -> np.ndarray:
    """Numbers in [0, 1) carried over to [low, high)."""
    return np.float32(low) + np.float32(high - low) * numbers


def dark(position: np.ndarray) -> np.ndarray:
    """Whether a position lies in the dark one of two stripes, each one half wide."""
    return position - np.floor(position) < np.float32(0.5)


def rays(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Slopes u (1, size) to the right and v (size, 1) upwards of the rays through the pixels' centres."""
    steps = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(SPAN) / np.float32(size)
    return (steps - np.float32(SPAN / 2))[None], (np.float32(TOP) - steps)[:, None]


def room(numbers: np.ndarray, u: np.ndarray, v: np.ndarray) -> Room:
    """The room of numbers (5, n, 1, 1)."""
    camera, wall, slant, left, front = numbers
    floor = -between(camera, 1.7, 2.0)
    ground = np.where(v < 0, floor / np.minimum(v, np.float32(-1e-6)), np.float32(np.inf))
    back = between(wall, 9, 10) / (1 - between(slant, -0.15, 0.15) * u)
    on_floor, depth = ground < back, np.minimum(ground, back)
    x, z = between(left, -1, 1), -between(front, 0.3, 1.2)
    length = np.sqrt(x * x + 1 + z * z)
    light = np.stack([x, np.ones_like(x), z])[..., 0, 0] / length[:, 0, 0]
    lit = np.where(on_floor, 1 / length, -z / length)
    along = depth + np.where(on_floor, 0, v * depth - floor)
    return Room(depth, lit, u * depth, along, on_floor, floor, light)


def furniture(crowd: np.ndarray, numbers: np.ndarray, floor: np.ndarray) -> tuple[np.ndarray, Solids]:
    """Kinds (n, OBJECTS), -1 for none, and the solids, from numbers (2, n, 1) and (6, n, OBJECTS), floor (n, 1)."""
    first, count = crowd
    kind, turn, sideways, jitter, width, tall = numbers
    order = np.arange(OBJECTS, dtype=np.float32)
    kinds = np.where(order < 2 + np.floor((OBJECTS - 1) * count), np.floor(len(SHAPES) * kind), -1)
    radius = between(width, 0.55, 0.85)
    z = between(first, 2.7, 3.3) + np.float32(1.3) * order + between(jitter, 0, 0.4)
    half = between(turn, -0.41, 0.41)  # tangent of half the turn: the turns of a square
    square = half * half
    cosine, sine = (1 - square) / (1 + square), 2 * half / (1 + square)
    height = radius * between(tall, 1.35, 1.8)
    return kinds.astype(np.int8), Solids(
        between(sideways, -0.38, 0.38) * z, np.broadcast_to(floor, z.shape), z, radius, height, cosine, sine
    )


def shadows(room: Room, kinds: np.ndarray, solids: Solids) -> np.ndarray:
    """The share of light (n, s, s) that the solids leave on the floor: round shadows that stretch away from the light."""
    remaining = np.ones_like(room.depth)
    x, z = room.light[0] / room.light[1], room.light[2] / room.light[1]
    for place in range(kinds.shape[1]):
        reach = np.where(kinds[:, place] < 0, np.float32(1e-3), solids.radius[:, place])
        away = (solids.x[:, place] - x * reach)[:, None, None], (solids.z[:, place] - z * reach)[:, None, None]
        across, along, reach = room.across - away[0], room.along - away[1], reach[:, None, None]
        remaining = np.minimum(remaining, (across * across + along * along) / (2 * reach * reach))
    return np.where(room.on_floor, np.maximum(remaining, np.float32(0.45)), 1)


def paper(numbers: np.ndarray, stickers: np.ndarray, room: Room) -> list[np.ndarray]:
    """The three colours (n, s, s) of floor and wall: numbers (11, n, 1, 1), stickers (8, STICKERS, n, 1, 1)."""
    wide, shift, contrast, floor, wall, *rgb = numbers
    pitch = between(wide, 0.4, 1.1)
    checks = dark(room.across * pitch + shift) ^ dark(room.along * pitch + shift)
    shade = 1 - np.maximum(between(contrast, -0.2, 0.3), 0) * checks
    grey = np.where(room.on_floor, between(floor, 0.4, 0.85), between(wall, 0.4, 0.85))
    colours = [
        (grey + between(np.where(room.on_floor, one, other), -0.15, 0.15)) * shade
        for one, other in zip(rgb[:3], rgb[3:], strict=True)
    ]
    for across, along, wide, long, form, *rgb in np.moveaxis(stickers, 1, 0):
        x = (room.across - between(across, -4, 4)) / between(wide, 0.15, 0.7)
        y = (room.along - between(along, 2, 14)) / between(long, 0.15, 0.7)
        x, y = x * x, y * y
        inside = np.where(form < np.float32(0.5), np.maximum(x, y), x + y) < 1
        colours = [np.where(inside, new, old) for old, new in zip(colours, rgb, strict=True)]
    return colours


def painted(colours: list, seen: np.ndarray, room: Room, v: np.ndarray, numbers: np.ndarray) -> None:
    """Give the solids their colours and stripes, in place, from numbers (n, OBJECTS, 8); the stripes go through the solid."""
    pixels = np.nonzero(seen >= 0)
    x, z = (sheet[pixels] for sheet in (room.across, room.depth))
    y = np.broadcast_to(v, seen.shape)[pixels] * z
    *rgb, p, q, r, shift, contrast = numbers[pixels[0], seen[pixels]].T
    across, up, ahead = (between(number, -2.5, 2.5) for number in (p, q, r))
    shade = 1 - np.maximum(between(contrast, -0.5, 0.35), 0) * dark(across * x + up * y + ahead * z + shift)
    for colour, channel in zip(colours, rgb, strict=True):
        colour[pixels] = between(channel, 0.25, 1) * shade


def chunk(words: np.ndarray, size: int) -> RenderedScenes:
    """The scenes of random words (n, sum(NUMBERS) + those of the noise)."""
    n, (u, v) = len(words), rays(size)
    numbers = (words[:, : sum(NUMBERS)] >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)
    scene, things, stickers = np.split(numbers, np.cumsum(NUMBERS)[:-1], axis=1)
    things, stickers = things.reshape(n, OBJECTS, 14), stickers.reshape(n, STICKERS, 8)
    scene, stickers = scene.T[..., None, None], stickers.T[..., None, None]

    empty = room(scene[:5], u, v)
    kinds, solids = furniture(scene[16:18, ..., 0], things[..., :6].transpose(2, 0, 1), empty.floor[..., 0])
    depth, lit, seen = z_buffer(u, v, kinds, solids, empty.light, empty.depth, empty.lit)
    colours = paper(scene[5:16], stickers, empty)
    painted(colours, seen, empty._replace(across=u * depth, depth=depth), v, things[..., 6:])
    shade = (np.float32(0.25) + np.float32(0.75) * np.maximum(lit, 0)) * np.where(
        seen < 0, shadows(empty, kinds, solids), 1
    )

    noise = words[:, sum(NUMBERS) :].astype("<u8").view(np.uint8).reshape(n, 3, size, size, NOISE_BYTES)
    noise = noise.sum(-1, dtype=np.int16).astype(np.float32) - np.float32(127.5 * NOISE_BYTES)
    strength = between(scene[18], 0.005, 0.03) / np.float32((NOISE_BYTES * (256**2 - 1) / 12) ** 0.5)
    images = np.empty((n, 3, size, size), np.uint8)
    for channel, colour in enumerate(colours):
        value = np.clip(colour * shade + strength * noise[:, channel], 0, 1)
        images[:, channel] = np.floor(value * np.float32(255) + np.float32(0.5))
    masks = np.where(
        seen < 0, 0, 1 + np.take_along_axis(kinds, np.maximum(seen, 0).reshape(n, -1), 1).reshape(seen.shape)
    )
    depth = np.floor(np.minimum(depth / np.float32(DEPTH), 1) * np.float32(GRID) + np.float32(0.5)) / np.float32(GRID)
    nearest = np.where(masks > 0, depth, 2).reshape(n, -1).argmin(1)
    classes = masks.reshape(n, -1)[np.arange(n), nearest].astype(np.int64) - 1
    return RenderedScenes(images, classes, masks.astype(np.uint8), depth)


def render(count: int, size: int = 32, seed: int = 0) -> RenderedScenes:
    """Scenes of `size` x `size` pixels; the i-th is a function of (seed, i, size), and its content of (seed, i) alone.

    UserError unless the size is even and at least 16.
    """
    if size < 16 or size % 2:
        raise UserError(f"scenes: size: found {size}; allowed: an even number of pixels, at least 16")
    length = sum(NUMBERS) + 3 * size * size * NOISE_BYTES // 8

    def words(number: int) -> np.ndarray:
        return np.random.default_rng(seed_of("scenes", seed, number)).bit_generator.random_raw(length)

    starts = range(0, count, CHUNK)
    with np.errstate(divide="ignore", invalid="ignore"):  # rays that miss: NaN compares as false
        chunks = [chunk(np.stack([*map(words, range(i, min(i + CHUNK, count)))]), size) for i in starts]
    return RenderedScenes(*map(np.concatenate, zip(*chunks, strict=True)))


def load() -> tuple[np.ndarray, np.ndarray]:
    """Images (4000, 3, 32, 32) as float32 in [0, 1], and the class (4000,) of the nearest solid as int64."""
    scenes = render(IMAGES)
    return scenes.images.astype(np.float32) / np.float32(255), scenes.classes
