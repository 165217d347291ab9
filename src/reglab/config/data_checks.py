"""Checks that the data has what the settings need, before any work."""

from pathlib import Path

import numpy as np

from reglab.config import data_needs
from reglab.config.machine_checks import machine_problems
from reglab.config.target_lines import RELEVANT
from reglab.config.usable_examples import loaded, metric_problems
from reglab.config.usable_structure import load_checked
from reglab.core.errors import UserError
from reglab.core.families import FAMILIES
from reglab.data import split_problems, text
from reglab.data.example_weights import part_weight_problems
from reglab.data.inputs import shape_of
from reglab.data.settings import Scenes, Text
from reglab.data.source import Examples
from reglab.data.splits import all_splits
from reglab.data.splitting import duplicates
from reglab.data.target_kind import strata, task_of
from reglab.evaluation.metric_table import DECIDING
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
    examples = loaded(data, load_checked)
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
