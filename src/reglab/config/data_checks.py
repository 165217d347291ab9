"""Checks that the data has what the settings need, before any work."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from reglab.config import data_needs
from reglab.config.machine_checks import machine_problems
from reglab.config.target_lines import RELEVANT
from reglab.core.errors import UserError, WorkError
from reglab.core.families import FAMILIES
from reglab.core.wording import row_at
from reglab.data import classes, load_examples, split_problems, text
from reglab.data.example_weights import part_weight_problems, weight_problems
from reglab.data.inputs import shape_of
from reglab.data.label_matrix import MATRIX, label_problems
from reglab.data.settings import Scenes, Text
from reglab.data.source import Examples
from reglab.data.splits import all_splits
from reglab.data.splitting import duplicates
from reglab.data.target_kind import amount_problems, strata, task_of
from reglab.evaluation.metric_table import DECIDING, names_of
from reglab.experiments import left_out
from reglab.experiments.applicability import Facts, facts_of_examples
from reglab.experiments.required_seeds import too_few_seeds, unreachable_looks

LARGEST_TEXT = 256 * 2**20  # bytes
LARGEST_SCENES = 8 * 2**30  # bytes of all images, masks and depths


def check(settings) -> list[str]:
    """Notes on what is not applicable, warnings of settings that change nothing, and of too few seeds for a verdict.

    `settings` are the `Params`. UserError with all that data and machine cannot give.
    """
    data = settings.data
    lines = machine_problems(settings.training)
    examples = loaded(data)
    shape, labels = shape_of(examples.inputs), examples.targets
    inapplicable = left_out.by_facts(settings, facts_of_examples(examples.inputs, labels, data.train_size))
    notes = [*left_out.notes(settings, inapplicable)]
    settings = left_out.without(settings, inapplicable)
    structure = examples.structure() | {"duplicates": duplicates.of_inputs(examples.inputs)}
    lines += metric_problems(settings.evaluation.metric, labels)
    lines += unreachable_looks(settings)
    drawn = []
    if not (problems := split_problems.problems(data, labels, **structure)):
        drawn = all_splits(data, labels, settings.most_seeds, **structure)
        problems = split_problems.part_problems(data, labels, drawn, examples.classes, grouped="groups" in structure)
        problems += part_weight_problems(examples.weights, drawn)
    lines += problems
    lines += class_problems(settings.transfer, strata(labels))
    pool = min((len(parts["labelled"]) + len(parts["unlabelled"]) for parts in drawn), default=0)
    for family in (family for family in FAMILIES if family.recipes_of and drawn):
        section = getattr(settings, family.section)
        for (key, *_), found, allowed in section.data_problems(data, strata(labels), pool):
            lines.append(f"params.yaml: {family.section}.{key}: found {found}; allowed: {allowed}")
    if drawn and (settings.transfer or settings.semi_supervised):
        lines += few_labels_problems(data, settings.few_labels, labels, drawn)
    lines += data_needs.problems(settings, Facts(shape, task_of(labels)), strata(labels), pool)
    if any(pretext.source == "text" for pretext in settings.pretraining.values()):
        lines += text_problems(settings.text.file)
    lines += scenes_problems(settings.scenes)
    if lines:
        raise UserError(*lines)
    return [
        *notes,
        *relevance_notes(settings.evaluation, labels),
        *unweighted_baselines(settings, examples),
        *data_needs.idle(settings, shape),
        *too_few_seeds(settings),
    ]


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


def relevance_notes(evaluation, labels: np.ndarray) -> list[str]:
    """A note where no difference of two errors of amounts is too small to matter, because none is named."""
    if evaluation.relevant_difference is not None or DECIDING[evaluation.metric].unit != "unit of the target":
        return []
    hint = f"{RELEVANT * labels.std():.2g}, say, one percent of their standard deviation"
    return [
        f"params.yaml: evaluation.relevant_difference: null is 0 for {evaluation.metric}, whose unit is that of the targets: "
        f'any real difference matters, and no verdict is "no relevant difference"; {hint}, is a size that might matter'
    ]


def unweighted_baselines(settings, examples: Examples) -> list[str]:
    """A note on the classical methods that take no weights of examples, where there are some."""
    baselines = settings.baselines.items() if examples.weights is not None else ()
    names = [name for name, baseline in baselines if not baseline.takes_weights]
    if not names:
        return []
    return [f"params.yaml: data.weight: no effect on baselines that take no weights of examples: {', '.join(names)}"]


def target_problems(where: str, examples: Examples) -> list[str]:
    """A line for each class or label with too few examples; `where` begins it."""
    targets, task = examples.targets, task_of(examples.targets)
    if task == "multilabel":
        return label_problems(where, targets, examples.classes or tuple(map(str, range(targets.shape[1]))))
    if task == "regression":
        return []
    return classes.class_problems(where, targets, examples.classes or np.unique(targets))


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


def text_problems(file: str) -> list[str]:
    """What is wrong with a user's own text file; the one that a stage makes is right."""
    if file == Text().file:
        return []
    path = Path(file)
    if path.exists() and not path.is_file():
        return [f"params.yaml: text.file: {file}: found a folder or a device; allowed: a plain text file"]
    if path.exists() and path.stat().st_size > LARGEST_TEXT:
        found = f"{path.stat().st_size:,} bytes"
        return [
            f"params.yaml: text.file: {file}: found {found}; allowed: at most {LARGEST_TEXT:,}, which are held in memory"
        ]
    try:
        return text.problems(file, text.sentences(text.read_file(file)))
    except UserError as error:
        return list(error.lines)


def scenes_problems(scenes: Scenes) -> list[str]:
    """A line where the scenes would not fit into memory: three colours, a mask and a depth for each pixel, 4 bytes each."""
    size = 5 * 4 * scenes.size**2 * scenes.count
    if size <= LARGEST_SCENES:
        return []
    found = f"{scenes.count:,} scenes of {scenes.size} x {scenes.size} pixels, {size / 2**30:.0f} GiB"
    allowed = f"at most {LARGEST_SCENES / 2**30:.0f} GiB"
    return [f"params.yaml: scenes: found {found}; allowed: {allowed}; lower size, or how many there are"]


def few_labels_problems(data, few_labels, labels: np.ndarray, drawn: list[dict[str, np.ndarray]]) -> list[str]:
    """A line where some class of some seed has fewer labelled examples than `few_labels.labels_per_class` asks for.

    Of amounts and of labels it is the examples that are counted.
    """
    wanted = max(few_labels.labels_per_class)
    if task_of(labels) == "classification":
        classes = int(labels.max()) + 1
        fewest = min(int(np.bincount(labels[parts["labelled"]], minlength=classes).min()) for parts in drawn)
        allowed = (
            f"at most {fewest}, what the smallest class has among the {data.train_size} labelled examples "
            "(data.train_size)"
        )
    else:
        fewest = min(len(parts["labelled"]) for parts in drawn)
        allowed = (
            f"at most {fewest}, the labelled examples (data.train_size), which are counted where there are no classes"
        )
    if wanted <= fewest:
        return []
    return [f"params.yaml: few_labels.labels_per_class: found {wanted}; allowed: {allowed}"]


def class_problems(transfers: dict, labels: np.ndarray) -> list[str]:
    """A line for each entry of `transfer` that names a class which the data does not have."""
    classes = sorted(set(labels.tolist()))
    return [
        f"params.yaml: transfer.{name}.classes: found {unknown}; allowed: classes of the data, {classes[0]} to {classes[-1]}"
        for name, entry in transfers.items()
        if (unknown := sorted(set(entry.classes or ()) - set(classes)))
    ]
