"""Data sources, one a file, and how they are split and batched."""

from importlib import import_module

import numpy as np


def load_source(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, *shape) float32 and labels (n,) int64 of the source `name`, the file of that name in sources/."""
    return import_module(f"reglab.data.sources.{name}").load()
