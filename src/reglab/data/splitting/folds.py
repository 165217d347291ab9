"""Repeated stratified k-fold: a seed is a fold of a repetition, so that the seeds of a repetition test every example once."""

import numpy as np

from reglab.core.streams import seed_of
from reglab.data.splitting import whole_groups
from reglab.data.splitting.order import stratified_order


def fold_numbers(labels: np.ndarray, units: np.ndarray | None, folds: int, repetition: int) -> np.ndarray:
    """The fold (n,) of each example: whole units, the classes in about equal numbers.

    Without units the folds differ by at most one example, in all and in each class.
    """
    random = np.random.default_rng(seed_of("k_fold", repetition))
    numbers = np.full(len(labels), folds - 1)
    if units is None:
        order = random.permutation(len(labels))
        order = order[np.argsort(labels[order], kind="stable")]
        numbers[order] = np.arange(len(labels)) % folds
        return numbers
    pool = np.arange(len(labels))
    for fold in range(folds - 1):
        left = folds - fold
        chosen = whole_groups.choose(labels[pool], units[pool], round(len(pool) / left), random, later=left - 1)
        numbers[pool[chosen]], pool = fold, pool[~chosen]
    return numbers


def split(
    labels: np.ndarray, units: np.ndarray | None, *, train_size: int, validation_size: int, seed: int, folds: int
) -> dict[str, np.ndarray]:
    """Rows of the parts: seed s tests on fold s mod k of repetition s div k; validation is drawn from the others.

    Bouckaert & Frank, "Evaluating the replicability of significance tests for comparing learning algorithms", 2004.
    """
    repetition, fold = divmod(seed, folds)
    tested = fold_numbers(labels, units, folds, repetition) == fold
    test, pool = np.flatnonzero(tested), np.flatnonzero(~tested)
    alone = np.arange(len(labels)) if units is None else units
    random = np.random.default_rng(seed_of("k_fold_validation", seed))
    chosen = whole_groups.choose(labels[pool], alone[pool], validation_size, random, later=1)
    validation = pool[chosen]
    return {
        "test": test[stratified_order(labels[test], "k_fold_test", seed)],
        "validation": validation[stratified_order(labels[validation], "k_fold_validation", seed)],
    } | whole_groups.training(labels, pool[~chosen], train_size, seed)
