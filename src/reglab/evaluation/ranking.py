"""How well scores rank the examples of one class above the others, and how well predicted classes meet the true ones."""

import numpy as np


def ranking(positive: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """The area under the ROC curve and the average precision, those of scikit-learn to the bit.

        area = sum_k (F_k - F_k-1)(T_k + T_k-1)/2        average precision = sum_k (T_k - T_k-1) P_k

    over the distinct scores from the highest down, with F and T the shares of the negative and of the positive examples
    that have at least this score, and P the share of the positive among those. positive: (n,) bool, some of each kind;
    scores: (n,) finite. scikit-learn checks its arguments for fifty times as long as this takes.

    Fawcett, "An introduction to ROC analysis", 2006, sections 5 and 7.
    """
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # of the examples with the same score
    true = np.cumsum(positive[order], dtype=float)[last]
    false = 1 + last - true
    precision = np.append((true / (true + false))[::-1], 1.0)
    recall = np.append((true / true[-1])[::-1], 0.0)
    average_precision = max(0.0, float(-np.sum(np.diff(recall) * precision[:-1])))
    if (
        len(false) > 2
    ):  # points within a straight stretch of the curve are left out, which changes how the sum is rounded
        corners = np.append(np.insert((np.diff(false, 2) != 0) | (np.diff(true, 2) != 0), 0, True), True)
        false, true = false[corners], true[corners]
    x, y = (np.insert(counts, 0, 0.0) / counts[-1] for counts in (false, true))
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2.0)), average_precision


def macro_f1(labels: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """The mean of 2 hits/(examples + predictions) over the classes that have any of either, that of scikit-learn to the bit.

    labels, predicted: (n,) in 0..classes-1. Van Rijsbergen, "Information Retrieval", 1979, chapter 7.
    """
    hits = np.bincount(labels[labels == predicted], minlength=classes)
    either = np.bincount(labels, minlength=classes) + np.bincount(predicted, minlength=classes)
    return float(np.mean(2.0 * hits[either > 0] / either[either > 0]))
