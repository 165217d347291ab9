"""Splits that the file names: each example says to which part it belongs."""

import numpy as np

from reglab.core.streams import seed_of
from reglab.data.splitting import whole_groups
from reglab.data.splitting.duplicates import apart
from reglab.data.splitting.order import stratified_order

NAMES = ("train", "validation", "test", "unlabelled")


def split(
    labels: np.ndarray,
    parts: np.ndarray,
    duplicates: np.ndarray | None,
    *,
    train_size: int,
    validation_size: int,
    test_size: int,
) -> dict[str, np.ndarray]:
    """Rows of the parts, the same for every seed; parts (n,) of str, each one of NAMES.

    Where a part has more examples than its size, some are drawn: those of `train` that remain count as unlabelled, the
    others are left out. Without examples for validation these are drawn from `train`. Of identical examples in several
    parts those in the test part stay, else those in validation.
    """
    rows = {name: np.flatnonzero(parts == name) for name in NAMES}
    test = drawn(labels, rows["test"], test_size, "test")
    train = apart(rows["train"], duplicates, [rows["test"]])
    validation = apart(rows["validation"], duplicates, [rows["test"]])
    if not len(rows["validation"]):
        alone = np.arange(len(labels)) if duplicates is None else duplicates
        random = np.random.default_rng(seed_of("named_validation"))
        chosen = whole_groups.choose(labels[train], alone[train], validation_size, random, later=1)
        validation, train = train[chosen], train[~chosen]
    train = apart(train, duplicates, [validation])
    validation = drawn(labels, validation, validation_size, "validation")
    training = whole_groups.training(labels, train, train_size, "named")
    unlabelled = apart(rows["unlabelled"], duplicates, [rows["test"], validation])
    return {
        "test": test,
        "validation": validation,
        "labelled": training["labelled"],
        "unlabelled": np.concatenate([training["unlabelled"], unlabelled]),
    }


def drawn(labels: np.ndarray, rows: np.ndarray, size: int, part: str) -> np.ndarray:
    """At most `size` of the rows, in a random order in which every stretch has the classes in proportion."""
    return rows[stratified_order(labels[rows], "named", part)][:size]
