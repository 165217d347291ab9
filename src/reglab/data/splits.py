"""Splits examples into test, validation, labelled and unlabelled ones, by seed."""

from collections.abc import Sequence

import numpy as np

from reglab.core.streams import seed_of
from reglab.data.splitting import folds as k_fold
from reglab.data.splitting import named, time, whole_groups
from reglab.data.splitting.duplicates import units
from reglab.data.splitting.order import cover_classes, stratified_order
from reglab.data.target_kind import strata

STRUCTURED = ("group", "time")  # splits that keep to a structure which a random one would ignore
SETTINGS = ("train_size", "validation_size", "test_size", "test_set", "split")


def split(
    labels: np.ndarray,
    *,
    train_size: int,
    validation_size: int,
    test_size: int,
    seed: int,
    test_set: str = "resampled",
    split: str = "random",
    folds: int = 1,
    groups: np.ndarray | None = None,
    times: np.ndarray | None = None,
    parts: np.ndarray | None = None,
    duplicates: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Disjoint row numbers of `test`, `validation`, `labelled` and `unlabelled`, each in random order.

        random   stratified (`stratified_splits`)
        group    whole groups (`splitting.whole_groups`)
        time     past, then validation, then test (`splitting.time`); groups, if given, stay together
        column   what `parts` say (`splitting.named`), for every seed
        k_fold   seed s is fold s mod `folds` of repetition s div `folds` (`splitting.folds`); groups stay together

    labels: classes (n,), amounts (n,), by which no split is stratified, or labels (n, labels). duplicates (n,): numbers
    that identical examples share (`splitting.duplicates`); these are on one side of every split. A larger `train_size`
    keeps test, validation and the labelled examples that a smaller one had.
    """
    labels, sizes = strata(labels), {"train_size": train_size, "validation_size": validation_size}
    fixed = test_set == "fixed"
    if split == "time":
        numbered = units(groups)
        return time.split(
            labels, times, numbered, duplicates, **sizes, test_size=test_size, seed=seed, folds=folds, fixed=fixed
        )
    if split == "column":
        return named.split(labels, parts, duplicates, **sizes, test_size=test_size)
    together = units(None if split == "random" else groups, duplicates)
    if split == "k_fold":
        return k_fold.split(labels, together, **sizes, seed=seed, folds=folds)
    if together is not None:
        return whole_groups.split(labels, together, **sizes, test_size=test_size, seed=seed, fixed=fixed)
    return stratified_splits(labels, (test_size, validation_size, train_size), seed, fixed)


def stratified_splits(labels: np.ndarray, sizes: tuple[int, int, int], seed: int, fixed: bool) -> dict[str, np.ndarray]:
    """A random split into parts of these sizes (test, validation, labelled) and the rest.

    All four are stretches of one order. With a fixed test set every seed has the same one, and orders the others anew. Each
    but the rest holds every class, as in `cover_classes`, if it has as many examples as there are classes.
    """
    test_size = sizes[0]
    if fixed:
        test, others = np.split(cover_classes(stratified_order(labels, "test_set"), labels, sizes), [test_size])
        others = others[stratified_order(labels[others], "split", seed)]
        order = np.concatenate([test, cover_classes(others, labels, sizes[1:])])
    else:
        order = cover_classes(stratified_order(labels, "split", seed), labels, sizes)
    parts = np.split(order, np.cumsum(sizes))
    return dict(zip(("test", "validation", "labelled", "unlabelled"), parts, strict=True))


def folds_of(data) -> int:
    """The number of folds; five for k_fold and one test window in time, unless the section says otherwise."""
    return data.folds or (5 if data.split == "k_fold" else 1)


def split_settings(data) -> dict:
    """The arguments of `split` that a section of params.yaml holds."""
    return {key: getattr(data, key) for key in SETTINGS} | {"folds": folds_of(data)}


def all_splits(data, labels: np.ndarray, seeds: int, **structure: np.ndarray | None) -> list[dict[str, np.ndarray]]:
    """The `split` of every seed; structure: its arguments `groups`, `times`, `parts` and `duplicates`.

    Test parts that differ in size, as whole groups make them, are cut to the shortest, so that every number of a seed is
    over as many examples; these are in random order.
    """
    drawn = [split(labels, **split_settings(data), **structure, seed=seed) for seed in range(seeds)]
    shortest = min(len(parts["test"]) for parts in drawn)
    return [parts | {"test": parts["test"][:shortest]} for parts in drawn]


def test_to_train(data, drawn: Sequence[dict[str, np.ndarray]]) -> float | None:
    """Test examples over training examples, which corrects a test for the overlap of the splits of all seeds.

    None where the seeds do not imitate new examples: one test set for all, or windows in time. Of k folds that train on all
    other examples it is 1 / (k - 1), the correction for repeated k-fold cross-validation. Nadeau & Bengio, "Inference for
    the generalization error", 2003, section 4; Bouckaert & Frank, "Evaluating the replicability of significance tests for
    comparing learning algorithms", 2004, eq. 5.
    """
    if data.split in ("time", "column") or data.test_set == "fixed":
        return None
    return sum(len(parts["test"]) for parts in drawn) / sum(len(parts["labelled"]) for parts in drawn)


def description(data, labels: np.ndarray, drawn: Sequence[dict[str, np.ndarray]]) -> dict:
    """The split in dataset.json: its kind, the smallest and largest size of each part over the seeds, the smallest and
    largest number of examples that are in no part, and `test_to_train`.
    """
    sizes = {part: [len(parts[part]) for parts in drawn] for part in drawn[0]}
    sizes["left_out"] = [len(labels) - sum(map(len, parts.values())) for parts in drawn]
    ends = {part: [min(each), max(each)] for part, each in sizes.items()}
    return {"kind": data.split, "sizes": ends, "test_to_train": test_to_train(data, drawn)}


def add_label_noise(labels: np.ndarray, *, classes: int | None, fraction: float, seed: int) -> np.ndarray:
    """The labels (n,) with round(fraction * n) of them replaced: a class by another one, uniformly, an amount by that of
    another example. Of labels (n, labels) a row is replaced by that of another example, which keeps how often each occurs.

    classes: None where the labels are no classes. More noise keeps the wrong labels of less.
    """
    random = np.random.default_rng(seed_of("label_noise", seed))
    order = random.permutation(len(labels))
    if classes is None:
        wrong = labels[(np.arange(len(labels)) + random.integers(1, max(len(labels), 2), len(labels))) % len(labels)]
    else:
        wrong = (labels + random.integers(1, classes, len(labels))) % classes
    replaced = order[: round(fraction * len(labels))]
    noisy = labels.copy()
    noisy[replaced] = wrong[replaced]
    return noisy
