"""Writes the report on the data of a study, which `reglab check --data` prints: a number and a sentence in each line."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations

import numpy as np

from reglab.config.data_columns import column_lines
from reglab.config.data_precision import precision_lines, seed_lines
from reglab.config.data_sentences import Line, line
from reglab.config.data_targets import SMALL_PARTS, described_targets
from reglab.config.usable_examples import loaded, metric_problems
from reglab.config.usable_structure import load_checked
from reglab.core.errors import UserError
from reglab.data import load_examples, split_problems
from reglab.data.example_weights import effective_size, part_weight_problems
from reglab.data.inputs import shape_of
from reglab.data.source import Examples
from reglab.data.sources.openml import OpenML
from reglab.data.sources.table import Table
from reglab.data.splits import all_splits
from reglab.data.splitting import duplicates
from reglab.data.splitting.named import NAMES
from reglab.data.tables.files import release_text
from reglab.data.target_kind import task_of
from reglab.experiments import left_out
from reglab.experiments.applicability import facts_of_examples


def report(settings) -> str:
    """The report on the data of `settings`, the `Params`; UserError where it cannot be read or split as they say."""
    data = settings.data
    of_columns: list[Line] = []
    examples = loaded(data, lambda data: load_checked(data, lambda data: load_with_columns(data, of_columns)))
    release_text()
    labels, same = examples.targets, duplicates.of_inputs(examples.inputs)
    structure = examples.structure() | {"duplicates": same}
    lines = metric_problems(settings.evaluation.metric, labels)
    if lines := lines + split_problems.problems(data, labels, **structure):
        raise UserError(*lines)
    drawn = all_splits(data, labels, settings.most_seeds, **structure)
    lines = split_problems.part_problems(data, labels, drawn, examples.classes, grouped="groups" in structure)
    if lines := lines + part_weight_problems(examples.weights, drawn):
        raise UserError(*lines)
    described = described_targets(labels, examples.classes)
    shape = shape_of(examples.inputs)
    inapplicable = left_out.by_facts(settings, facts_of_examples(examples.inputs, labels, data.train_size))
    sections = {
        "examples": [*size_lines(shape, labels), *described.lines()],
        "identical examples": [*duplicate_lines(same, labels)],
    }
    if data.split == "column":
        sections["identical examples"] += across_parts(same, examples.parts.astype(str))
    sections["columns"] = of_columns
    sections["structure"] = [*group_lines(examples.groups), *time_lines(examples.times, in_days(data.source))]
    sections["weights"] = [*weight_lines(examples.weights)]
    sections["parts"] = [*part_lines(drawn), *described.part_lines(drawn)]
    sections["verdicts"] = [
        *seed_lines(left_out.without(settings, inapplicable)),
        *precision_lines([parts["test"] for parts in drawn], settings.evaluation),
    ]
    sections["not applicable"] = [*inapplicable_lines(settings, inapplicable)]
    return aligned(data.title, {title: lines for title, lines in sections.items() if lines})


def weight_lines(weights: np.ndarray | None) -> Iterator[Line]:
    """The range of the weights of the examples, and how many examples of equal weight they are worth."""
    if weights is None:
        return
    yield f"{weights.min():g} to {weights.max():g}", "are the weights of the examples, which count in training alone."
    if zero := int((weights == 0).sum()):
        yield line(zero, "example", "have", "the weight 0.")
    size = effective_size(weights)
    yield f"{size:,.0f}", f"examples of equal weight are worth as much as these {len(weights):,}: (sum w)² / sum w²."


def inapplicable_lines(settings, inapplicable: dict[tuple[str, str], str]) -> Iterator[Line]:
    """How many entries of each section train nothing, which, and why; and the ingredients that cocktails lack."""
    for section, names, why in left_out.grouped(inapplicable):
        counted = f"entry of {section} is" if len(names) == 1 else f"entries of {section} are"
        yield str(len(names)), f"{counted} not applicable: {', '.join(names)}: {why}."
    for name, absent in left_out.absent_ingredients(settings, inapplicable).items():
        counted, are = ("ingredient", "is") if len(absent) == 1 else ("ingredients", "are")
        yield (
            str(len(absent)),
            f"{counted} of the cocktail {name} {are} not applicable: {', '.join(absent)}; it has the others.",
        )


def aligned(title: str, sections: dict[str, list[Line]]) -> str:
    """The sections one below the other, with all numbers in one column, aligned at their right ends."""
    width = max(len(number) for lines in sections.values() for number, _ in lines)
    text = [f"the data of {title}"]
    for name, lines in sections.items():
        text += ["", name, *(f"  {number:>{width}}  {sentence}" for number, sentence in lines)]
    return "\n".join(text)


def load_with_columns(data, lines: list[Line]) -> Examples:
    """The examples; of a table, which is read once, the lines on its columns are added to `lines`."""
    if not isinstance(data.source, Table | OpenML):
        return load_examples(data)
    table, raw = data.source.table()
    examples = table.examples(raw)
    lines += column_lines(raw.columns, table)
    return examples


def size_lines(shape: Sequence[int], labels: np.ndarray) -> Iterator[Line]:
    """How many examples there are, and how many numbers in an example."""
    yield line(len(labels), "example", "are", "in the data.")
    yield " x ".join(map(str, shape)), "numbers of each example enter the network, once they are prepared."


def duplicate_lines(same: np.ndarray | None, labels: np.ndarray) -> Iterator[Line]:
    """Identical inputs, and those of several classes; same: the result of `duplicates`, labels (n,)."""
    yield line(duplicates.repeated(same), "example", "have", "the inputs of an earlier one.")
    conflicting = np.zeros(0, np.int64)
    if same is not None:
        targets = labels if labels.ndim == 1 else np.unique(labels, axis=0, return_inverse=True)[1].ravel()
        different = np.unique(np.stack([same, targets]), axis=1)[0]  # each set of identical examples once a class
        sets, classes = np.unique(different, return_counts=True)
        conflicting = sets[classes > 1]
    count = int(np.isin(same, conflicting).sum()) if len(conflicting) else 0
    other = {"classification": "class", "regression": "target", "multilabel": "set of labels"}[task_of(labels)]
    yield line(
        count, "example", "have", f"the inputs of one of another {other}, so that no network can be right on both."
    )


def across_parts(same: np.ndarray | None, parts: np.ndarray) -> Iterator[Line]:
    """Identical inputs in two of the parts (n,) that the file names."""
    for first, second in combinations(NAMES, 2):
        here, there = (np.flatnonzero(parts == name) for name in (first, second))
        count = 0 if same is None else int(np.isin(same[there], same[here]).sum())
        if len(here) and len(there):
            yield line(count, "example", "are", f"in the part {second} with the inputs of one in the part {first}.")


def group_lines(groups: np.ndarray | None) -> Iterator[Line]:
    """How many groups there are, and their sizes; groups (n,)."""
    if groups is None:
        return
    sizes = np.unique(groups, return_counts=True)[1]
    yield line(len(sizes), "group", "are", "in the data.")
    yield line(sizes.min(), "example", "are", "in the smallest group.")
    yield f"{np.median(sizes):,g}", "is the median of the sizes of the groups."
    yield line(sizes.max(), "example", "are", "in the largest group.")


def in_days(source) -> bool:
    """Whether the times are days since 1970, as a column of dates in a table gives them."""
    return isinstance(source, Table) and bool(source.time) and source.columns[source.time].kind == "date"


def time_lines(times: np.ndarray | None, days: bool) -> Iterator[Line]:
    """The first and the last of the times (n,): numbers, or days since 1970."""
    if times is None:
        return
    first, last = float(times.min()), float(times.max())
    if days:
        start = datetime(1970, 1, 1, tzinfo=UTC)
        dates = [(start + timedelta(days=day)).strftime("%Y-%m-%d") for day in (first, last)]
        yield f"{last - first:,.6g}", f"days are the span between the first time, {dates[0]}, and the last, {dates[1]}."
    else:
        yield f"{last - first:,.6g}", f"is the span between the first time, {first:.10g}, and the last, {last:.10g}."
    yield line(len(np.unique(times)), "different time", "are", "in the data.")


def part_lines(drawn: Sequence[dict[str, np.ndarray]]) -> Iterator[Line]:
    """The sizes of the parts over the seeds."""
    for part in SMALL_PARTS:
        sizes = sorted({len(parts[part]) for parts in drawn})
        ends = " to ".join(f"{size:,}" for size in dict.fromkeys((sizes[0], sizes[-1])))
        yield ends, f"is the size of the {part} part."
