"""What `reglab new` understands of arrays: which are inputs and targets, and what pixels may be."""

from collections.abc import Mapping

import numpy as np

from reglab.config.candidates import named_candidates
from reglab.config.new_study import NewStudy, aligned, class_counts, declared_split, setting_lines, usable
from reglab.config.packaged import resolved
from reglab.config.target_lines import LabelCounts, Targets
from reglab.core.errors import AllProblems, UserError
from reglab.core.wording import nearest, shown
from reglab.data.array_files import array_names, read_array
from reglab.data.inputs import shape_of
from reglab.data.source import Examples
from reglab.data.sources.arrays import Arrays
from reglab.data.target_kind import task_of

OPTIONS = ("target", "inputs", "targets_file", "group", "time", "weight")
DARK = 0.5  # share of the range of a type of pixels; where all are below it, the range is that of the values
MANY = 100  # different whole numbers that are more likely amounts than classes
RANGES = {"u1": (0, 255), "u2": (0, 65_535)}


def understood(file: str, options: dict) -> NewStudy:
    """The arrays of a file; UserError with all that is not clear.

    options: target and inputs (names of arrays, which may be left out where there is one that can be it), targets_file,
    group, time, weight.
    """
    arrays, unreadable = all_arrays(file, options.get("targets_file"))
    roles = {role: each for role in ("group", "time", "weight") if (each := options.get(role))}
    try:
        inputs, targets = chosen(file, arrays, options, roles)
    except UserError as error:
        raise UserError(*dict.fromkeys(unreadable), *error.lines) from None
    source = {"file": file, "inputs": inputs, "targets": targets}
    source |= {"targets_file": options["targets_file"]} if options.get("targets_file") else {}
    notes = []
    limits, note = pixel_range(arrays[inputs])
    if limits:
        source["range"] = list(limits)
    settings = source | {"file": resolved(file), "range": limits} | roles
    if "targets_file" in source:
        settings["targets_file"] = resolved(source["targets_file"])
    examples = Arrays(**settings).load()
    counted = counted_targets(examples)
    shape = shape_of(examples.inputs)
    rows = len(shape) == 1
    notes += [f"{inputs}: {note}"] * bool(note) + target_notes(targets, arrays[targets], examples)
    taken = {inputs, targets, *roles.values()}
    others = {name: len(np.unique(array)) for name, array in arrays.items() if name not in taken and array.ndim == 1}
    notes += named_candidates(others, len(examples.targets), {"group", "time", "weight"} - roles.keys())
    scaling = [
        "  scaling: robust        # of the columns: robust, standard, none; fitted on the training part of each seed"
    ]
    return NewStudy(
        name="arrays",
        settings=[*setting_lines(source | roles), *(scaling * rows)],
        noun="rows" if rows else "images",
        examples=len(examples.targets),
        usable=usable(len(examples.targets), examples.groups, examples.times),
        targets=counted,
        columns=shape[0] if rows else int(np.prod(shape)),
        size=None if rows else shape[1:],
        split=declared_split(roles),
        summary=summary(file, arrays, source | roles),
        notes=notes,
    )


def all_arrays(file: str, targets_file: str | None) -> tuple[dict[str, np.ndarray], list[str]]:
    """The arrays of both files by name, and a line for each that cannot be read; UserError where a file cannot.

    An npy file has one array, which is called inputs or targets.
    """
    arrays, lines, problems = {}, [], AllProblems()
    files = {each: problems.of(lambda each=each: array_names(resolved(each))) for each in (file, targets_file) if each}
    problems.stop()
    for each, names in files.items():
        for name in names:
            called = name if not each.lower().endswith(".npy") else "inputs" if each == file else "targets"
            try:
                arrays[called] = read_array(resolved(each), name)
            except UserError as error:
                lines += error.lines
    return arrays, lines


def chosen(file: str, arrays: Mapping[str, np.ndarray], options: dict, roles: dict[str, str]) -> tuple[str, str]:
    """The names of the inputs and the targets: those of the options, "inputs" and "targets", or the only ones that can be it.

    UserError with a line for each that no array is, or several may be.
    """
    targets = options.get("target") or []
    lines = [
        f"{file}: --{role}: found no array {shown(name)}; allowed: one of: {', '.join(arrays)}{nearest(name, arrays)}"
        for role, name in (("inputs", options.get("inputs")), *(("target", each) for each in targets), *roles.items())
        if name and name not in arrays
    ]
    if len(targets) > 1:
        lines.append(
            f"{file}: --target: found {len(targets)} arrays; allowed: one, of which a matrix (n, labels) has labels"
        )
    if lines:
        raise UserError(*lines)
    taken = {*targets, *roles.values()}
    wide = [
        name for name, array in arrays.items() if array.ndim > 1 and array.dtype.kind in "biuf" and name not in taken
    ]
    inputs = options.get("inputs") or ("inputs" if "inputs" in wide else wide[0] if len(wide) == 1 else None)
    if inputs is None and targets:  # the matrix of labels is no input
        raise UserError(f"{file}: --inputs: found nothing; allowed: {several(arrays, wide)}")
    count = len(arrays[inputs]) if inputs else None
    labels = [
        name
        for name, array in arrays.items()
        if name not in {inputs, *roles.values()} and array.ndim and len(array) == count
    ]
    named = "targets" in arrays and "targets" not in {inputs, *roles.values()}
    target = targets[0] if targets else "targets" if named else labels[0] if len(labels) == 1 else None
    lines = [f"{file}: --inputs: found nothing; allowed: {several(arrays, wide)}"] * (inputs is None)
    if inputs is None or labels:
        lines += [f"{file}: --target: found nothing; allowed: {several(arrays, labels)}"] * (target is None)
    elif target is None:
        allowed = f"an array of {count} targets, in this file or in that of --targets-file"
        lines += [f"{file}: --target: found no array of as many targets as there are inputs; allowed: {allowed}"]
    if lines:
        raise UserError(*lines)
    return inputs, target


def several(arrays: Mapping[str, np.ndarray], able: list[str]) -> str:
    """The arrays that an option may name, each with its shape."""
    listed = ", ".join(f"{name} ({shape_in_words(arrays[name])} {arrays[name].dtype})" for name in able or arrays)
    return f"the name of one of: {listed or 'no array'}"


def shape_in_words(array: np.ndarray) -> str:
    """90 x 1 x 8 x 8, or that it is a single number."""
    return " x ".join(map(str, array.shape)) or "one number"


def pixel_range(array: np.ndarray) -> tuple[tuple[int, int] | None, str]:
    """The lowest and highest value that a pixel can have, None for columns and images from 0 to 1; and what to look at."""
    if array.ndim != 4 or not array.size or array.dtype.kind not in "biuf":
        return None, ""
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)) or low == high:
        return None, ""
    if array.dtype.kind not in "iu":
        if low >= 0 and high <= 1:
            return None, ""
        note = f"decimal pixels from {low:g} to {high:g}, which stay as they are"
        return None, f"{note}; range: [LOWEST, HIGHEST] in the profile maps them to 0 and 1"
    of_type = RANGES.get(array.dtype.str[1:])
    if of_type and high > DARK * of_type[1]:
        return of_type, ""
    note = f"pixels of the type {array.dtype} from {low:g} to {high:g}, which are taken for black and white: range"
    return (min(int(low), 0), int(high)), note


def counted_targets(examples: Examples) -> Targets:
    """How many examples have each class or label, or the amounts."""
    targets, task = examples.targets, task_of(examples.targets)
    if task == "multilabel":
        counts = targets.sum(0, dtype=np.int64).tolist()
        return LabelCounts(dict(zip(examples.classes, counts, strict=True)), len(targets))
    return targets if task == "regression" else class_counts(examples)


def target_notes(name: str, array: np.ndarray, examples: Examples) -> list[str]:
    """What may be another task than the type of the targets says."""
    if task_of(examples.targets) == "regression" and (array == np.floor(array)).all():
        return [
            f"{name}: decimal numbers that are all whole are amounts; save them as whole numbers if they are classes"
        ]
    if task_of(examples.targets) == "classification" and array.dtype.kind in "iu" and len(examples.classes) > MANY:
        return [
            f"{name}: {len(examples.classes)} whole numbers are classes; save them as decimal numbers if they are amounts"
        ]
    return []


def summary(file: str, arrays: Mapping[str, np.ndarray], source: dict) -> list[str]:
    """A line an array: its shape, its type, its values and what it is used as."""
    uses = {source[key]: use for key, use in (("inputs", "inputs"), ("targets", "target"))}
    uses |= {source[role]: role for role in ("group", "time", "weight") if role in source}
    table = [("array", "shape", "type", "used as", "values")]
    for name, array in arrays.items():
        table.append((name, shape_in_words(array), str(array.dtype), uses.get(name, "left out"), values(array)))
    return [f"{file}: {len(arrays[source['targets']]):,} examples", "", *aligned(table), ""]


def values(array: np.ndarray) -> str:
    """The range of numbers, or some of the texts."""
    if not array.size:
        return ""
    if array.dtype.kind in "biuf":
        return f"{float(array.min()):g} to {float(array.max()):g}"
    return ", ".join(str(each) for each in np.unique(array)[:3])
