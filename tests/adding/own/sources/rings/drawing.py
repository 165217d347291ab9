"""Points at given distances from the origin."""

import numpy as np


def points(radii: np.ndarray, each: int) -> tuple[np.ndarray, np.ndarray]:
    """(len(radii) each, 2) points, evenly spaced on every ring, and the number of the ring."""
    turn = np.linspace(0, 2 * np.pi, each, endpoint=False, dtype=np.float32)
    circle = np.stack([np.cos(turn), np.sin(turn)], 1)
    return np.concatenate([radius * circle for radius in radii]), np.repeat(np.arange(len(radii)), each)
