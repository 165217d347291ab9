"""Who is test, validation, labelled and unlabelled, by seed."""

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


def covering(order: np.ndarray, labels: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The order with the exchanges that give each of its first stretches, of these sizes, an example of every class.

    A small class may miss a stretch by chance. It then takes the next one of it that no stretch has, else one of a stretch
    that has several, in exchange for the last of a class that it has itself several of. Where no class is missing, as is
    usual, the order stays. A class with fewer examples than there are stretches is missing in the last.
    """
    order, parts = order.copy(), np.repeat(np.arange(len(sizes) + 1), [*sizes, len(order) - sum(sizes)])
    classes = int(labels.max()) + 1
    for part in range(len(sizes)):
        for label in np.setdiff1d(labels, labels[order[parts == part]]):
            own = labels[order]
            several = np.array(
                [np.bincount(own[parts == each], minlength=classes) > 1 for each in range(len(sizes) + 1)]
            )
            several[-1] = True  # whoever is in no stretch may go
            givers = np.flatnonzero((own == label) & several[parts, own])
            spare = np.flatnonzero((parts == part) & several[part, own])
            if len(givers) and len(spare):
                ours, theirs = spare[-1], givers[np.argmax(parts[givers])]
                order[[ours, theirs]] = order[[theirs, ours]]
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
    `covering`, if it has as many examples as there are classes.
    """
    sizes = test_size, validation_size, train_size
    if test_set == "fixed":
        test, others = np.split(covering(stratified_order(labels, "test_set"), labels, sizes), [test_size])
        others = others[stratified_order(labels[others], "split", seed)]
        order = np.concatenate([test, covering(others, labels, sizes[1:])])
    else:
        order = covering(stratified_order(labels, "split", seed), labels, sizes)
    first, second, third = np.cumsum([test_size, validation_size, train_size])
    parts = np.split(order, [first, second, third])
    return dict(zip(("test", "validation", "labelled", "unlabelled"), parts, strict=True))


def asked_of(data) -> dict:
    """What `split` is asked by a section of params.yaml."""
    return {key: getattr(data, key) for key in ("train_size", "validation_size", "test_size", "test_set")}


def with_noise(labels: np.ndarray, *, classes: int, fraction: float, seed: int) -> np.ndarray:
    """The labels (n,) with round(fraction * n) of them replaced by another class, uniformly; more noise keeps the former."""
    random = np.random.default_rng(seed_of("label_noise", seed))
    order = random.permutation(len(labels))
    wrong = (labels + random.integers(1, classes, len(labels))) % classes
    replaced = order[: round(fraction * len(labels))]
    noisy = labels.copy()
    noisy[replaced] = wrong[replaced]
    return noisy


def problems(data, labels: np.ndarray) -> list[str]:
    """What makes the sizes under `data:` impossible for these labels, a line each."""
    asked, least = data.train_size + data.validation_size + data.test_size, int(labels.max()) + 1
    lines = []
    if asked > len(labels):
        lines.append(
            f"params.yaml: data: train_size + validation_size + test_size = {asked}, "
            f"but {data.name} has {len(labels)} examples; lower one of them"
        )
    for part in ("train_size", "validation_size", "test_size"):
        if getattr(data, part) < least:
            lines.append(
                f"params.yaml: data.{part}: found {getattr(data, part)}; allowed: at least {least}, one example a class"
            )
    return lines
