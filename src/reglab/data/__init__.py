"""Data sources, one a file, and how they are split and batched.

A source is a file in sources/, or the dotted path of a function or class beside params.yaml.
"""

import inspect
from dataclasses import replace
from importlib import import_module

import numpy as np

from reglab.core.errors import UserError
from reglab.data.label_matrix import as_labels
from reglab.data.source import Examples, Source


def load_source(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, *shape) float32 and labels, as in `Examples`, of a source without settings: what `load` in its file
    returns, or the function at a dotted path, which may also return `Examples`.
    """
    module, _, function = name.rpartition(".")
    if module:
        return getattr(import_module(module), function)()
    return import_module(f"reglab.data.sources.{name}").load()


def find_source(name: str) -> type[Source] | None:
    """The class of the source in the file of this name in sources/, or at this dotted path; None for a function."""
    path, _, attribute = name.rpartition(".")
    if path:
        source = getattr(import_module(path), attribute)
        return source if inspect.isclass(source) and issubclass(source, Source) else None
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
    loaded = load_source(data.name) if data.source is None else data.source.load()
    if not isinstance(loaded, Examples):
        if not isinstance(loaded, tuple) or len(loaded) != 2:
            raise TypeError(f"it returned {type(loaded).__name__}")
        loaded = Examples(inputs=loaded[0], targets=loaded[1])
    if isinstance(loaded.targets, np.ndarray):
        return replace(loaded, targets=as_labels(loaded.targets))
    return loaded
