"""The reasons why examples cannot be split as `data` asks, found before any work."""

from collections.abc import Iterator, Sequence

import numpy as np

from reglab.core.wording import shown
from reglab.data.splits import folds_of
from reglab.data.splitting.duplicates import units
from reglab.data.splitting.named import NAMES
from reglab.data.target_kind import strata, task_of

WHOLE = {
    "random": "identical examples stay together",
    "group": "groups stay whole",
    "time": "examples of one time stay together",
    "windows": "a group is in one window of time alone, and its examples in the others are left out",
    "column": "the parts are those that the file names",
    "k_fold": "folds have about equal sizes",
}
IGNORED = {  # by split, the columns named in `data` that it would ignore; a time may stand beside groups, as what orders rows
    "random": ("group", "time", "parts"),
    "group": ("parts",),
    "time": ("parts",),
    "k_fold": ("parts",),
    "column": ("group",),
}
SPLIT_FOR = {"group": "group", "time": "time", "parts": "column"}
PART_SIZES = {"labelled": "train_size", "validation": "validation_size", "test": "test_size"}


def problems(
    data,
    labels: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    times: np.ndarray | None = None,
    parts: np.ndarray | None = None,
    duplicates: np.ndarray | None = None,
) -> list[str]:
    """A line for each contradiction between the section `data` and the examples, whose structure is as in `splits.split`."""
    several, labels = task_of(labels) == "multilabel", strata(labels)
    lines = [*size_problems(data, labels, "label" if several else "class"), *setting_problems(data)]
    if data.split == "group" and groups is None:
        lines.append(
            place("split", "group, but the examples have no groups", "group: the name of a column with groups")
        )
    if data.split == "time" and times is None:
        lines.append(place("split", "time, but the examples have no times", "time: the name of a column with times"))
    if data.split == "column":
        lines += named_problems(data, parts)
    together = units(None if data.split in ("random", "time") else groups, duplicates)
    if data.split == "group" and groups is not None:
        lines += group_problems(data, groups)
    if not lines and together is not None and data.split in ("random", "group"):
        lines += unit_problems(data, together)
    if data.split == "k_fold" and not lines:
        lines += fold_problems(data, labels, together, several)
    return lines


def place(key: str, found: str, allowed: str) -> str:
    return f"params.yaml: data.{key}: found {found}; allowed: {allowed}"


def size_problems(data, labels: np.ndarray, kind: str) -> Iterator[str]:
    """Sizes that are too large for the data, or too small for its strata (n,), each of a `kind`: class or label."""
    least = int(labels.max()) + 1
    sizes, tests = "train_size + validation_size + test_size", folds_of(data) if data.split == "time" else 1
    if tests > 1:
        sizes = f"train_size + validation_size + {tests} folds x test_size"
    total = data.train_size + data.validation_size + tests * data.test_size
    if total > len(labels) and data.split in ("random", "group", "time"):  # the others count part by part
        yield (f"params.yaml: data: {sizes} = {total}, but {data.name} has {len(labels)} examples; lower one of them")
    for part in PART_SIZES.values():
        if getattr(data, part) < least:
            yield place(part, str(getattr(data, part)), f"at least {least}, one example a {kind}")


def setting_problems(data) -> Iterator[str]:
    """Settings of the split that exclude each other."""
    if data.folds is not None and data.split not in ("k_fold", "time"):
        yield place("folds", f"{data.folds} with split: {data.split}", "null; folds belong to k_fold and time")
    if data.test_set == "fixed" and data.split == "k_fold":
        yield place("test_set", "fixed with split: k_fold, which tests on every fold", "resampled")
    if data.test_set == "fixed" and data.split == "time" and folds_of(data) > 1:
        yield place("test_set", f"fixed with {data.folds} test windows", "resampled, or folds: 1")
    if ignored := [key for key in IGNORED[data.split] if getattr(data.source, key, None)]:
        named = ", ".join(f"data.{key}: {getattr(data.source, key)}" for key in ignored)
        ways = " or ".join(SPLIT_FOR[key] for key in ignored)
        yield place(
            "split",
            f"{data.split} beside {named}, which it ignores",
            f"split: {ways}; or data without {' and '.join(ignored)}",
        )
    if data.split == "k_fold" and folds_of(data) < 2:
        yield place("folds", f"{data.folds}", "at least 2")


def named_problems(data, parts: np.ndarray | None) -> Iterator[str]:
    """Parts that the file does not name, or that are smaller than their size."""
    if parts is None:
        yield place("split", "column, but the examples have no parts", "a column with the parts of the split")
        return
    given = parts.astype(str)
    if other := sorted(set(given.tolist()) - set(NAMES)):
        row = int(np.flatnonzero(~np.isin(given, NAMES))[0])
        found = f"column, and parts named {', '.join(map(shown, other[:5]))}, the first in example {row + 1}"
        yield place("split", found, ", ".join(NAMES))
        return
    counts = {name: int((given == name).sum()) for name in NAMES}
    counts["train"] -= 0 if counts["validation"] else data.validation_size
    for name, key in (("train", "train_size"), ("validation", "validation_size"), ("test", "test_size")):
        if (name == "validation" and not counts[name]) or getattr(data, key) <= counts[name]:
            continue
        beside = ", beside validation_size, as no part is named validation" if name == "train" else ""
        beside = beside if not counts["validation"] else ""
        yield place(key, str(getattr(data, key)), f"at most {max(counts[name], 0)}, as the file names {name}{beside}")


def group_problems(data, groups: np.ndarray) -> Iterator[str]:
    """Too few groups for three parts."""
    if (count := len(np.unique(groups))) < 3:
        yield place("split", f"group, but {count} group{'s' * (count != 1)}", "three groups or more, one a part")


def unit_problems(data, together: np.ndarray) -> Iterator[str]:
    """Examples that must stay together and are too many for any part."""
    sizes, room = np.bincount(together), len(together) - data.validation_size - data.test_size
    if len(sizes) < 3:
        yield place("split", f"{data.split}, but {len(sizes)} sets of examples that stay together", "three or more")
    if (largest := int(sizes.max())) > room:
        rows = ", ".join(str(row + 1) for row in np.flatnonzero(together == sizes.argmax())[:3])
        yield (
            f"params.yaml: data.split: found {data.split}, where {largest} examples must stay together "
            f"({WHOLE[data.split]}; examples {rows}, ...); allowed: at most {room}, what validation_size and "
            "test_size leave; lower these, or split otherwise"
        )


def fold_problems(data, labels: np.ndarray, together: np.ndarray | None, several: bool) -> Iterator[str]:
    """More folds than the smallest stratum has examples, or sizes that are not those of folds.

    labels (n,): the strata, classes unless an example may have `several` labels.
    """
    folds, count = folds_of(data), len(labels)
    alone = np.arange(count) if together is None else together
    fewest, label = min((len(np.unique(alone[labels == label])), int(label)) for label in np.unique(labels))
    if folds > fewest:
        what = "examples" if together is None else "sets of examples that stay together"
        owner = "the smallest set of examples with a label in common" if several else f"class {label}"
        yield place("folds", f"{folds}", f"at most {fewest}, for {owner} has so many {what}")
    lowest, highest = count // folds, -(-count // folds)
    if not lowest <= data.test_size <= highest:
        yield place("test_size", f"{data.test_size}", f"{lowest}, one of {folds} folds of {count} examples")
    if (most := count - highest - data.validation_size) < data.train_size:
        allowed = f"at most {most}, what a fold of {highest} and validation_size leave of {count} examples"
        yield place("train_size", f"{data.train_size}", allowed)


def part_problems(
    data,
    labels: np.ndarray,
    drawn: Sequence[dict[str, np.ndarray]],
    names: Sequence[str] = (),
    *,
    grouped: bool = False,
) -> list[str]:
    """What is wrong with the parts that were drawn, by seed: sizes that are far off, classes or labels without examples.

    A line for each part, about the first seed where it is so. names: those of labels, which are else called by their numbers,
    counted from 0. grouped: the examples have groups.
    """
    several, targets, labels, lines = task_of(labels) == "multilabel", labels, strata(labels), []
    reason = WHOLE["windows" if grouped and data.split == "time" else data.split]
    for part, key in PART_SIZES.items():
        size = getattr(data, key)
        for seed, parts in enumerate(drawn):
            if abs(len(parts[part]) - size) > size / 2:
                found = f"{size}, but a {part} part of {len(parts[part])} examples for seed {seed}, as {reason}"
                lines.append(place(key, found, "sizes that can be met to within a half; change the sizes or the split"))
                break
    if several:
        return lines or label_problems(data, targets, drawn, names or range(targets.shape[1]))
    for seed, parts in enumerate(drawn):
        if len(missing := np.setdiff1d(labels, labels[parts["labelled"]])) and not lines:
            found = (
                f"{data.split}, where seed {seed} has no training example of class {', '.join(map(str, missing[:5]))}"
            )
            lines.append(place("split", found, "every class in every training part; change the sizes or the split"))
            break
    return lines


def label_problems(
    data, targets: np.ndarray, drawn: Sequence[dict[str, np.ndarray]], names: Sequence[str | int]
) -> list[str]:
    """A line about the first seed that has no training example with a label, or none without it; targets (n, labels)."""
    for seed, parts in enumerate(drawn):
        share = targets[parts["labelled"]].mean(0)
        for lacking, odd in (("with", share == 0), ("without", share == 1)):
            if odd.any():
                listed = ", ".join(str(names[label]) for label in np.flatnonzero(odd)[:5])
                found = f"{data.split}, where seed {seed} has no training example {lacking} the label {listed}"
                allowed = "examples with and without every label in every training part; change the sizes or the split"
                return [place("split", found, allowed)]
    return []
