"""The squared error split into bias² and variance over models trained on resampled training sets.

Of class probabilities it is the Brier score. For an example with target t, one-hot or an amount, that m models predict as
p_1 ... p_m, with mean p̄ (of labels, each square is the mean over the labels):

    bias² = |p̄ - t|²,    variance = 1/m sum_j |p_j - p̄|²,    bias² + variance = 1/m sum_j |p_j - t|²

With few models the spread around their own mean is too small: its expectation is (m-1)/m of the true variance, and
the missing 1/m of it turns up in bias². Moving variance/(m-1) across removes both problems and leaves the sum as it is;
that is what `unbiased` does. It matters for resampled splits, where two or three models predict an example.
Geman, Bienenstock & Doursat, "Neural networks and the bias/variance dilemma", 1992, section 3.
"""

from typing import NamedTuple

import numpy as np

from reglab.data.target_kind import task_of


class ErrorSplit(NamedTuple):
    """bias_squared + variance = squared_error, the mean over `predictions` predictions; NaN where these are 0."""

    bias_squared: float
    variance: float
    squared_error: float
    predictions: int


def resampled_split(
    predictions: np.ndarray, labels: np.ndarray, indices: np.ndarray, unbiased: bool = False
) -> ErrorSplit:
    """Split the squared error of models with test examples of their own, over the examples that at least two models predict.

    Each example weighs as much as the number of its predictions, so that the identity holds over just these
    predictions. A model with NaN in its predictions (it diverged) is left out as a whole.

    predictions: (models, examples, outputs); labels, indices: (models, examples), an index naming the same example in every
    model. Labels are class numbers, or amounts with one output; of several labels (models, examples, outputs), 0 and 1.
    Raises ValueError when an example has two labels.
    """
    finite = np.isfinite(predictions).all(axis=(1, 2))
    p = np.asarray(predictions, dtype=np.float64)[finite].reshape(-1, predictions.shape[-1])
    labels, indices = np.asarray(labels)[finite], np.asarray(indices)[finite].ravel()
    labels = labels.reshape(-1, *labels.shape[2:])

    _, example, count = np.unique(indices, return_inverse=True, return_counts=True)
    shared = count[example] >= 2
    if not shared.any():
        return ErrorSplit(np.nan, np.nan, np.nan, 0)
    p, labels = p[shared], labels[shared]
    _, first, example, count = np.unique(indices[shared], return_index=True, return_inverse=True, return_counts=True)
    if (labels != labels[first][example]).any():
        raise ValueError("an example has different labels in different models")

    task = task_of(labels)
    target = np.eye(p.shape[1])[labels] if task == "classification" else labels.reshape(len(labels), -1)
    terms = p.shape[1] if task == "multilabel" else 1  # squares are sums over classes and means over labels
    total = np.zeros((len(count), p.shape[1]))
    np.add.at(total, example, p)
    mean = (total / count[:, None])[example]  # (predictions, classes): each prediction beside its example's mean
    squares = np.square(p - mean).sum(1) / terms
    shift = squares / (count[example] - 1) if unbiased else 0.0
    return ErrorSplit(
        bias_squared=float((np.square(mean - target).sum(1) / terms - shift).mean()),
        variance=float((squares + shift).mean()),
        squared_error=float((np.square(p - target).sum(1) / terms).mean()),
        predictions=len(p),
    )
