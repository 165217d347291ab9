"""Random orders of which every stretch holds the classes in about the proportions of the whole."""

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
