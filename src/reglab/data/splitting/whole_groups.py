"""Splits that keep examples of a unit on one side: a group, identical examples, or both.

Training, validation and test are the sides. Labelled and unlabelled examples are both on the side of training, so a unit may
have examples of either, and the number of labelled examples is met exactly.
"""

import numpy as np

from reglab.core.streams import seed_of
from reglab.data.splitting.order import cover_classes, stratified_order

STEP = 1e-9  # the least gain for which a unit is taken or given back


def split(
    labels: np.ndarray,
    units: np.ndarray,
    *,
    train_size: int,
    validation_size: int,
    test_size: int,
    seed: int,
    fixed: bool = False,
) -> dict[str, np.ndarray]:
    """Rows of `test`, `validation`, `labelled` and `unlabelled`; units (n,) numbered from 0.

    Test and validation are the whole units that come close to their sizes and to the classes' proportions (`choose`); the
    rest trains. Every part is in random order. With `fixed`, every seed has the same test part.
    """
    pool, parts = np.arange(len(labels)), {}
    keys = {"test": ("test_set",) if fixed else ("group_test", seed), "validation": ("group_validation", seed)}
    for later, part, size in ((2, "test", test_size), (1, "validation", validation_size)):
        chosen = choose(labels[pool], units[pool], size, np.random.default_rng(seed_of(*keys[part])), later=later)
        rows, pool = pool[chosen], pool[~chosen]
        parts[part] = rows[stratified_order(labels[rows], *keys[part], "order")]
    return parts | training(labels, pool, train_size, seed)


def training(labels: np.ndarray, pool: np.ndarray, train_size: int, *keys: int | str) -> dict[str, np.ndarray]:
    """The rows of the pool as `labelled` (at most `train_size`) and `unlabelled`: stretches of one random order.

    More labelled examples keep those that fewer had.
    """
    order = pool[stratified_order(labels[pool], "training", *keys)]
    labelled, unlabelled = np.split(cover_classes(order, labels, [min(train_size, len(order))]), [train_size])
    return {"labelled": labelled, "unlabelled": unlabelled}


def choose(labels: np.ndarray, units: np.ndarray, size: int, random: np.random.Generator, later: int) -> np.ndarray:
    """Which examples (n,) are in whole units of about `size` examples with the classes in the proportions of the whole.

    First units of several examples, as many as are due to them, then single ones to fill up what each class lacks. Of each
    class, a unit is left for each of the parts that are chosen `later`, as far as there are enough.
    """
    classes, (_, units) = int(labels.max()) + 1, np.unique(units, return_inverse=True)
    extent = np.bincount(units)
    large = extent[units] > 1
    present = np.zeros((len(extent), classes), bool)
    present[units, labels] = True
    having = present.sum(0)
    allowed = np.maximum(having - later, np.minimum(having - 1, 1))
    counts = np.bincount(labels, minlength=classes)
    target = np.where(counts > 0, np.maximum(size * counts / len(labels), 1), 0)

    chosen = np.zeros(len(labels), bool)
    if large.any():
        _, place = np.unique(units[large], return_inverse=True)
        table = np.zeros((place.max() + 1, classes))
        np.add.at(table, (place, labels[large]), 1)
        share_of_large = np.bincount(labels[large], minlength=classes) / np.maximum(counts, 1)
        smallest = np.where(table > 0, table, np.inf).min(
            0
        )  # what a part gets of a class at the least, where it is to have it
        due = np.where((share_of_large == 1) & (allowed > 0), np.maximum(target, smallest), target * share_of_large)
        taken = whole_units(table, due, allowed, random, forced=bool(large.all()))
        allowed = allowed - (table[taken] > 0).sum(0)
        chosen[large] = taken[place]
    lacking = size - int(chosen.sum())
    if lacking > 0 and not large.all():
        deficit = np.maximum(target - np.bincount(labels[chosen], minlength=classes), STEP)
        single = random.permutation(np.flatnonzero(~large))
        single = single[np.argsort(labels[single], kind="stable")]
        starts = np.searchsorted(labels[single], np.arange(classes))
        rank = np.arange(len(single)) - starts[labels[single]]
        single, rank = single[rank < allowed[labels[single]]], rank[rank < allowed[labels[single]]]
        quotient = (rank + 0.5) / deficit[labels[single]]  # Webster's apportionment of the examples that lack
        chosen[single[np.argsort(quotient, kind="stable")[:lacking]]] = True
    return chosen


def whole_units(
    table: np.ndarray, target: np.ndarray, allowed: np.ndarray, random: np.random.Generator, forced: bool
) -> np.ndarray:
    """Which units (u,) together come close to `target` (classes,); table (u, classes): each one's examples of each class.

    Minimises sum_k (n_k - t_k)² / t_k over the classes and, as one term more, over all examples together: units are taken
    in a random order that is stratified by their largest class while no class has more than its target, then single units
    are taken or given back, whichever brings most, until none brings anything. The idea is that of scikit-learn's
    StratifiedGroupKFold, for one part instead of equal folds. At most `allowed` (classes,) units that have a class are
    taken. If `forced`, the nearest unit is taken also where taking none is nearer.
    """
    order, largest = random.permutation(len(table)), table.argmax(1)
    share = np.empty(len(table))
    for label in np.unique(largest):
        members = order[largest[order] == label]
        share[members] = (np.arange(len(members)) + random.random(len(members))) / len(members)
    order = np.argsort(share, kind="stable")
    table = table[order]
    has = table > 0
    within = (table.cumsum(0) <= target).all(1) & (has.cumsum(0) <= allowed).all(1)
    taken = np.logical_and.accumulate(within)

    goal = np.append(target, target.sum())
    scale = 1 / np.sqrt(np.maximum(goal, 1))
    features, goal = np.column_stack([table, table.sum(1)]) * scale, goal * scale
    norms, reached, used = np.square(features).sum(1), features[taken].sum(0), has[taken].sum(0)
    while True:
        gain = np.where(taken, -2, 2) * (features @ (goal - reached)) - norms
        gain[~taken & has[:, used >= allowed].any(1)] = -np.inf
        best = int(gain.argmax())
        if gain[best] <= STEP:
            taken[best] |= forced and not taken.any() and np.isfinite(gain[best])
            break
        taken[best] = ~taken[best]
        sign = 1 if taken[best] else -1
        reached, used = reached + sign * features[best], used + sign * has[best]
    result = np.empty(len(table), bool)
    result[order] = taken
    return result
