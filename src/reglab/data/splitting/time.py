"""Splits in time: training on the past, validation on what follows, test on what follows that.

The origin of the forecast rolls: seed s tests on window s mod `folds`, counted from the latest one backwards, and trains on a
random part of the past of that window (an expanding window, as in scikit-learn's TimeSeriesSplit). Whatever comes after the
test window is left out. Tashman, "Out-of-sample tests of forecasting accuracy", International Journal of Forecasting, 2000.
"""

import numpy as np

from reglab.core.streams import seed_of
from reglab.data.splitting.duplicates import apart
from reglab.data.splitting.order import stratified_order
from reglab.data.splitting.whole_groups import training

WIDER = 1.15  # factor between the windows that are tried where groups lie in several of them
PAST, VALIDATION, TEST = range(3)


def split(
    labels: np.ndarray,
    times: np.ndarray,
    groups: np.ndarray | None,
    duplicates: np.ndarray | None,
    *,
    train_size: int,
    validation_size: int,
    test_size: int,
    seed: int,
    folds: int = 1,
    fixed: bool = False,
) -> dict[str, np.ndarray]:
    """Rows of the parts; examples of one time are in one part, so sizes may differ by those of a time.

    Of identical examples in several parts the latest stay. groups (n,) numbered from 0: each is in one part alone
    (`with_groups`). More labelled examples keep those that fewer had.
    """
    order = np.argsort(times, kind="stable")
    end = edge(times[order], len(order) - seed % folds * test_size)
    sizes, keys = (train_size, validation_size, test_size), ("test_set",) if fixed else ("time_groups", seed)
    if groups is None:
        place, rows = windows(times[order[:end]], validation_size, test_size), order[:end]
    else:
        place, rows = with_groups(labels, times, order[:end], groups, sizes, *keys)
    past, validation, test = (rows[place == part] for part in (PAST, VALIDATION, TEST))
    validation = apart(validation, duplicates, [test])
    past = apart(past, duplicates, [validation, test])
    test, validation = (shuffled(labels, each, seed % folds) for each in (test, validation))
    if groups is not None:
        test, validation = test[:test_size], validation[:validation_size]
    return {"test": test, "validation": validation} | training(labels, past, train_size, "time", seed)


def shuffled(labels: np.ndarray, rows: np.ndarray, *keys: int) -> np.ndarray:
    return rows[stratified_order(labels[rows], "time", *keys)]


def edge(times: np.ndarray, place: int) -> int:
    """The place nearest to this one that separates no equal times; times (n,) in order. The earlier one of two as near."""
    if not 0 < place < len(times):
        return min(max(place, 0), len(times))
    before = int(np.searchsorted(times, times[place], "left"))
    after = int(np.searchsorted(times, times[place], "right"))
    return before if place - before <= after - place else after


def windows(times: np.ndarray, validation_size: float, test_size: float) -> np.ndarray:
    """The part (n,) of each example: the last ones test, those before validate, all others are the past; times in order."""
    test = edge(times, len(times) - round(test_size))
    validation = edge(times, test - round(validation_size))
    place = np.full(len(times), PAST)
    place[validation:test], place[test:] = VALIDATION, TEST
    return place


def with_groups(
    labels: np.ndarray,
    times: np.ndarray,
    order: np.ndarray,
    groups: np.ndarray,
    sizes: tuple[int, int, int],
    *keys: int | str,
) -> tuple[np.ndarray, np.ndarray]:
    """Parts (m,) and rows (m,) such that no group is in two parts; order (n,): the rows by time.

    A group with examples in several windows is drawn for one of them, with probabilities in the proportions of the windows,
    and its examples in the others are left out. Windows are widened until every part has its size, or the part that lacks
    most lacks least.
    """
    drawn = np.random.default_rng(seed_of(*keys)).random(int(groups.max()) + 1)
    wanted, best, chosen = np.array(sizes), -1.0, (np.empty(0, int), order[:0])
    factor = 1.0
    while factor * sum(sizes[1:]) < len(order) and best < 1:
        place = windows(times[order], factor * sizes[1], factor * sizes[2])
        extent = np.bincount(place, minlength=3)
        there = np.zeros((len(drawn), 3))
        np.add.at(there, (groups[order], place), 1)
        shares = (there > 0) * extent
        bounds = np.cumsum(shares, axis=1) / np.maximum(shares.sum(1, keepdims=True), 1)
        home = (drawn[:, None] >= bounds).sum(1)
        kept = home[groups[order]] == place
        reached = float((np.bincount(place[kept], minlength=3) / wanted).min())
        if reached > best:
            best, chosen = reached, (place[kept], order[kept])
        factor *= WIDER
    return chosen
