"""Which examples are labelled where labels are few: so many of each class, or so many with an amount or with labels."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reglab.data.prepared import Split
from reglab.data.stored_inputs import examples_at, joined
from reglab.data.target_kind import scale_of


def few(split: Split, number: int, classes: Sequence[int] | None) -> Split:
    """The split with `number` labelled examples of each of these classes, the rest of them among the unlabelled.

    Of classes these are the first of each; nothing of other classes is left, and labels become places in `classes`. Without
    classes the number is that of all labelled examples, `spread_over_amounts` or `covering_labels`, and the amounts that are
    known give the scale of the targets. More labels keep the examples that fewer had.
    """
    known, kept = split.labels["labelled"], dict.fromkeys(split.labels, slice(None))
    if classes is not None:
        rows = np.concatenate([np.flatnonzero(known == label)[:number] for label in classes])
        kept = {part: np.flatnonzero(np.isin(split.labels[part], list(classes))) for part in split.labels}
    else:
        rows = (spread_over_amounts(known) if split.label_count is None else covering_labels(known))[:number]
    rows = np.sort(rows)
    pool = [examples_at(getattr(split, of)["labelled"], kept["labelled"]) for of in ("inputs", "labels", "rows")]
    kept |= {"labelled": rows}

    def parts(of: dict, pooled: np.ndarray) -> dict:
        chosen = {part: examples_at(of[part], kept[part]) for part in of}
        return chosen | {"unlabelled": joined([pooled, chosen["unlabelled"]])}

    inputs, labels, numbers = map(parts, (split.inputs, split.labels, split.rows), pool)
    weights = None if split.weights is None else split.weights[rows]
    changes = {"inputs": inputs, "labels": labels, "rows": numbers, "true_labels": None, "weights": weights}
    if classes is not None:
        place = {label: number for number, label in enumerate(classes)}
        changes["labels"] = {
            part: np.array([place[label] for label in values.tolist()], np.int64) for part, values in labels.items()
        }
        changes["classes"] = len(classes)
    elif split.label_count is None:
        changes["target_scale"] = scale_of(labels["labelled"])
    return replace(split, **changes)


def spread_over_amounts(amounts: np.ndarray) -> np.ndarray:
    """An order of the examples (n,) of which every beginning is spread over the quantiles of the amounts (n,).

    It begins with the first example, at rank r. The k-th stands at rank (r + [n v_k]) mod n, v_k the binary digits of k
    reflected at the point (1/2, 1/4, 3/4, 1/8, ...): the sequence of van der Corput, moved by a random number. For the
    examples of a split are in random order, so that each is chosen with the same probability.

    Niederreiter, Random Number Generation and Quasi-Monte Carlo Methods, 1992, section 3.1.
    """
    count, by_rank = len(amounts), np.argsort(amounts, kind="stable")
    digits = max(1, (count - 1).bit_length())
    reflected = np.zeros(1)
    for digit in range(digits):  # those of k and of k + 2^digit
        reflected = np.concatenate([reflected, reflected + 0.5 ** (digit + 1)])
    steps = (count * reflected).astype(np.int64)
    once = np.sort(np.unique(steps, return_index=True)[1])  # two places of the sequence may fall on the same rank
    start = int(np.flatnonzero(by_rank == 0)[0])
    return by_rank[(start + steps[once]) % count]


def covering_labels(labels: np.ndarray) -> np.ndarray:
    """An order of the examples (n,) that begins with one or more of each label of labels (n, labels), the rarest first.

    A label that an earlier example has brought along takes none of its own. The other examples follow in their order.
    """
    first: list[int] = []
    for label in np.argsort(labels.sum(0, dtype=np.int64), kind="stable"):
        having = np.flatnonzero(labels[:, label])
        if len(having) and not labels[first, label].any():
            first.append(int(having[0]))
    return np.concatenate([np.array(first, np.int64), np.setdiff1d(np.arange(len(labels)), first)])
