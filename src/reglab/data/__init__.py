"""Data sources, one a file, and how they are split and batched."""

from importlib import import_module

import numpy as np

from reglab.errors import UserError


def source(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, *shape) float32 and labels (n,) int64 of the source `name`, the file of that name in this folder."""
    return import_module(f"reglab.data.{name}").load()


def check(settings) -> None:
    """UserError unless the source can be split as the section `data:` asks."""
    from reglab.data.splits import faults

    _, labels = source(settings.name)
    if lines := faults(settings, labels):
        raise UserError(*lines)
