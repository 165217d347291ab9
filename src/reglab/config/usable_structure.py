"""Checks what a source of one's own gives beside inputs and targets: groups, times, parts and the names of classes."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from reglab.core.errors import UserError
from reglab.data import load_examples
from reglab.data.source import Examples
from reglab.data.splitting.named import NAMES

KINDS = {  # by array the kinds of NumPy's types, and what they are called
    "groups": ("iu", "whole numbers"),
    "times": ("iuf", "finite numbers, later is larger"),
    "parts": ("US", f"texts: {', '.join(NAMES)}"),
}


def load_checked(data, load: Callable[[Any], Examples] = load_examples) -> Examples:
    """The examples that `load` reads; UserError with a line for each array or list of names that does not fit the targets."""
    where = f"{data.name}()" if "." in data.name else f"src/reglab/data/sources/{data.name}.py: load()"
    try:
        examples = load(data)
    except SystemExit as end:  # which would end the command as if there were no problem
        raise UserError(f"{where}: found an end of the process ({end.code}); allowed: inputs and labels") from None
    known = isinstance(examples.targets, np.ndarray) and examples.targets.ndim
    if known and (lines := [*structure_problems(examples), *name_problems(examples)]):
        raise UserError(*(f"{where}: found {line}" for line in lines))
    return examples


def structure_problems(examples: Examples) -> Iterator[str]:
    """What was found and what is allowed, for groups, times and parts that are no arrays with a value for each example."""
    count = len(examples.targets)
    for name, array in examples.structure().items():
        kinds, called = KINDS[name]
        allowed = f"an array ({count},) of {called}"
        if not isinstance(array, np.ndarray):
            yield f"{name} {type(array).__name__}; allowed: {allowed}"
        elif array.shape != (count,) or array.dtype.kind not in kinds:
            yield f"{name} {array.dtype} of shape {array.shape}; allowed: {allowed}"
        elif name == "times" and not np.isfinite(array).all():
            yield f"times that are not finite; allowed: {allowed}"


def name_problems(examples: Examples) -> Iterator[str]:
    """What was found and what is allowed, for other numbers of names than there are classes or labels."""
    targets, names = examples.targets, examples.classes
    whole = targets.ndim == 1 and targets.dtype.kind in "iu" and len(targets)
    count = targets.shape[1] if targets.ndim == 2 else int(targets.max()) + 1 if whole else 0
    if len(names) not in (0, count):
        yield f"{len(names)} names of classes or labels; allowed: {count} or none, as the targets have"
