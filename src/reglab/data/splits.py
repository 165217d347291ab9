"""Splits examples into test, validation, labelled and unlabelled ones, by seed."""

from collections.abc import Sequence

import numpy as np

from reglab.core.streams import seed_of


def stratified_order(labels: np.ndarray, *keys: int | str) -> np.ndarray:
    """A random order of the examples (n,) of which every stretch holds the classes in about the proportions of the whole.

    The r-th of a class with m members stands at quantile (r + u) / m, with r random and u uniform, from the stream with
    these keys.
    """
    random = np.random.default_rng(seed_of(*keys))
    quantile = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        quantile[members] = (random.permutation(len(members)) + random.random(len(members))) / len(members)
    return np.argsort(quantile, kind="stable")


def cover_classes(order: np.ndarray, labels: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Exchange examples so that each of the first stretches of the order, of these sizes, has an example of every class.

    A stretch may miss a small class by chance. It then gets the next example of that class that is in no stretch, else one
    of a stretch that has several, in exchange for its own last example of a class of which it has several. If no class is
    missing, as is usual, the order stays. The last stretches miss a class with fewer examples than there are stretches.
    """
    order, parts = order.copy(), np.repeat(np.arange(len(sizes) + 1), [*sizes, len(order) - sum(sizes)])
    classes = int(labels.max()) + 1
    for part in range(len(sizes)):
        for label in np.setdiff1d(labels, labels[order[parts == part]]):
            classes_in_order = labels[order]
            several = np.array(
                [np.bincount(classes_in_order[parts == each], minlength=classes) > 1 for each in range(len(sizes) + 1)]
            )
            several[-1] = True  # examples in no stretch can always be exchanged
            givers = np.flatnonzero((classes_in_order == label) & several[parts, classes_in_order])
            spare = np.flatnonzero((parts == part) & several[part, classes_in_order])
            if len(givers) and len(spare):
                given, taken = spare[-1], givers[np.argmax(parts[givers])]
                order[[given, taken]] = order[[taken, given]]
    return order


def split(
    labels: np.ndarray,
    *,
    train_size: int,
    validation_size: int,
    test_size: int,
    seed: int,
    test_set: str = "resampled",
) -> dict[str, np.ndarray]:
    """Disjoint row numbers of `test`, `validation`, `labelled` and `unlabelled` (the rest).

    All four are stretches of one order, so a larger `train_size` keeps test, validation and the examples it had. With a
    `fixed` test set every seed has the same one, and orders the others anew. Each but the rest holds every class, as in
    `cover_classes`, if it has as many examples as there are classes.
    """
    sizes = test_size, validation_size, train_size
    if test_set == "fixed":
        test, others = np.split(cover_classes(stratified_order(labels, "test_set"), labels, sizes), [test_size])
        others = others[stratified_order(labels[others], "split", seed)]
        order = np.concatenate([test, cover_classes(others, labels, sizes[1:])])
    else:
        order = cover_classes(stratified_order(labels, "split", seed), labels, sizes)
    first, second, third = np.cumsum([test_size, validation_size, train_size])
    parts = np.split(order, [first, second, third])
    return dict(zip(("test", "validation", "labelled", "unlabelled"), parts, strict=True))


def split_settings(data) -> dict:
    """The arguments of `split` that a section of params.yaml holds."""
    return {key: getattr(data, key) for key in ("train_size", "validation_size", "test_size", "test_set")}


def add_label_noise(labels: np.ndarray, *, classes: int, fraction: float, seed: int) -> np.ndarray:
    """The labels (n,) with round(fraction * n) of them replaced by another class, uniformly.

    More noise keeps the wrong labels of less.
    """
    random = np.random.default_rng(seed_of("label_noise", seed))
    order = random.permutation(len(labels))
    wrong = (labels + random.integers(1, classes, len(labels))) % classes
    replaced = order[: round(fraction * len(labels))]
    noisy = labels.copy()
    noisy[replaced] = wrong[replaced]
    return noisy


def problems(data, labels: np.ndarray) -> list[str]:
    """The reasons why the sizes under `data:` are impossible for these labels, a line each."""
    total, least = data.train_size + data.validation_size + data.test_size, int(labels.max()) + 1
    lines = []
    if total > len(labels):
        lines.append(
            f"params.yaml: data: train_size + validation_size + test_size = {total}, "
            f"but {data.name} has {len(labels)} examples; lower one of them"
        )
    for part in ("train_size", "validation_size", "test_size"):
        if getattr(data, part) < least:
            lines.append(
                f"params.yaml: data.{part}: found {getattr(data, part)}; allowed: at least {least}, one example a class"
            )
    return lines
