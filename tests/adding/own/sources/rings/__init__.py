"""Points on three rings, drawn from the radii in a table."""

from pathlib import Path

import numpy as np

from .drawing import points


def load() -> tuple[np.ndarray, np.ndarray]:
    """Points (240, 2) as float32, and the ring of each (240,) as int64."""
    radii = np.loadtxt(Path(__file__).with_name("radii.csv"), delimiter=",", dtype=np.float32)
    return points(radii, each=80)
