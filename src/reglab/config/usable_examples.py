"""Checks that examples can be read and learned from, and that the metric which decides is one of their targets."""

from collections.abc import Callable
from typing import Any

import numpy as np

from reglab.core.errors import UserError, WorkError
from reglab.core.wording import row_at
from reglab.data import classes, load_examples
from reglab.data.example_weights import weight_problems
from reglab.data.label_matrix import MATRIX, label_problems
from reglab.data.source import Examples
from reglab.data.target_kind import amount_problems, task_of
from reglab.evaluation.metric_table import DECIDING, names_of


def loaded(data, load: Callable[[Any], Examples] = load_examples) -> Examples:
    """The examples that `load` reads; UserError where they cannot be read, or cannot be learned from."""
    where = f"{data.name}()" if "." in data.name else f"src/reglab/data/sources/{data.name}.py: load()"
    try:
        examples = load(data)
    except (UserError, WorkError):
        raise
    except Exception as error:  # any error of a user's source
        message = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(f"{where}: found an error ({message}); allowed: a pair of arrays, inputs and labels") from error
    if problems := unusable(examples.inputs, examples.targets) + unusable_weights(examples):
        raise UserError(*(f"{where}: found {line}" for line in problems))
    if lines := target_problems(where, examples):
        raise UserError(*lines)
    return examples


def unusable(inputs, labels) -> list[str]:
    """What was found and what is allowed, for arrays that no network can learn from."""
    array = inputs if isinstance(inputs, np.ndarray) else None
    encoded = hasattr(inputs, "fit")
    if not encoded and (array is None or array.dtype != np.float32 or array.ndim < 2 or not array.size):
        found = type(inputs).__name__ if array is None else f"{array.dtype} of shape {array.shape}"
        return [f"inputs {found}; allowed: a float32 array (examples, ...) with at least one number an example"]
    matrix = isinstance(labels, np.ndarray) and labels.ndim == 2 and labels.dtype == np.uint8 and labels.shape[1] > 1
    numbers = isinstance(labels, np.ndarray) and labels.ndim == 1 and labels.dtype in (np.int64, np.float64)
    if not (matrix or numbers) or len(labels) != len(inputs):
        found = f"{labels.dtype} of shape {labels.shape}" if isinstance(labels, np.ndarray) else type(labels).__name__
        return [
            f"labels {found}; allowed: an array ({len(inputs)},), one for each input: int64 for classes, float64 for "
            f"amounts; or ({len(inputs)}, labels) for two labels or more: {MATRIX}"
        ]
    lines = []
    if array is not None and not np.isfinite(array).all():
        rows = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(1))
        lines.append(
            f"NaN or infinity in {len(rows)} rows, first in {row_at(rows[0])}; allowed: finite inputs, drop such rows"
        )
    if matrix:
        return lines
    if task_of(labels) == "regression":
        return lines + [f"labels: {line}" for line in amount_problems(labels)]
    classes = np.unique(labels)
    if not np.array_equal(classes, np.arange(len(classes))) or len(classes) < 2:
        found = ", ".join(map(str, classes[:8])) + (", ..." if len(classes) > 8 else "")
        lines.append(f"the labels {found}; allowed: two classes or more, numbered 0, 1, ... without a gap")
    return lines


def unusable_weights(examples: Examples) -> list[str]:
    """What was found and what is allowed, for weights of examples that are none."""
    weights, count = examples.weights, len(examples.inputs)
    if weights is None:
        return []
    if not isinstance(weights, np.ndarray) or weights.dtype.kind not in "iuf" or weights.shape != (count,):
        found = (
            f"{weights.dtype} of shape {weights.shape}" if isinstance(weights, np.ndarray) else type(weights).__name__
        )
        return [f"weights {found}; allowed: an array ({count},) of numbers, one for each input"]
    return [f"weights: {line}" for line in weight_problems(weights)]


def target_problems(where: str, examples: Examples) -> list[str]:
    """A line for each class or label with too few examples; `where` begins it."""
    targets, task = examples.targets, task_of(examples.targets)
    if task == "multilabel":
        return label_problems(where, targets, examples.classes or tuple(map(str, range(targets.shape[1]))))
    if task == "regression":
        return []
    return classes.class_problems(where, targets, examples.classes or np.unique(targets))


def metric_problems(metric: str, labels: np.ndarray) -> list[str]:
    """A line where the metric that decides is not one of the task of the labels."""
    task = task_of(labels)
    if DECIDING[metric].task == task:
        return []
    what = {"classification": "classes", "regression": "amounts", "multilabel": "sets of labels"}[task]
    return [
        f"params.yaml: evaluation.metric: found {metric}, for {DECIDING[metric].task}, and targets that are {what}; "
        f"allowed: {', '.join(names_of(task))}"
    ]
