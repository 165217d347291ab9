"""Data sources, one a file, and how they are split and batched."""

import inspect
from importlib import import_module

import numpy as np

from reglab.core.errors import UserError
from reglab.data.source import Examples, Source


def load_source(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, *shape) float32 and labels (n,) int64 of a source without settings, the file of that name in sources/."""
    return import_module(f"reglab.data.sources.{name}").load()


def find_source(name: str) -> type[Source] | None:
    """The class of the source in the file of this name in sources/; None where the file has a function `load` instead."""
    module = import_module(f"reglab.data.sources.{name}")
    for kind in vars(module).values():
        if inspect.isclass(kind) and issubclass(kind, Source) and kind.__module__ == module.__name__:
            return kind
    if not hasattr(module, "load"):
        path = f"src/reglab/data/sources/{name}.py"
        raise UserError(f"{path}: found neither a function load nor a class; allowed: one that derives from Source")
    return None


def load_examples(data) -> Examples:
    """The examples of the source that `data` names, a section of params.yaml."""
    if data.source is not None:
        return data.source.load()
    return Examples(**dict(zip(("inputs", "targets"), load_source(data.name), strict=True)))
