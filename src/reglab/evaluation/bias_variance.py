"""The Brier score split into bias² and variance over models trained on resampled training sets.

For an example with one-hot target t that m models predict as p_1 ... p_m, with mean p̄:

    bias² = |p̄ - t|²,    variance = 1/m sum_j |p_j - p̄|²,    bias² + variance = 1/m sum_j |p_j - t|²

With few models the spread around their own mean is too small: its expectation is (m-1)/m of the true variance, and
the missing 1/m of it turns up in bias². Moving variance/(m-1) across removes both problems and leaves the sum as it is;
that is what `unbiased` does. It matters for resampled splits, where two or three models predict an example.
Geman, Bienenstock & Doursat, "Neural networks and the bias/variance dilemma", 1992, section 3.
"""

from typing import NamedTuple

import numpy as np


class BrierSplit(NamedTuple):
    """bias_squared + variance = brier, the mean over `predictions` predictions; NaN where these are 0."""

    bias_squared: float
    variance: float
    brier: float
    predictions: int


def resampled_brier_split(
    probabilities: np.ndarray, labels: np.ndarray, indices: np.ndarray, unbiased: bool = False
) -> BrierSplit:
    """Split the Brier score of models with test examples of their own, over the examples that at least two models predict.

    Each example weighs as much as the number of its predictions, so that the identity holds over just these
    predictions. A model with NaN in its probabilities (it diverged) is left out as a whole.

    probabilities: (models, examples, classes); labels, indices: (models, examples), an index naming the same example in
    every model. Raises ValueError when an example has two labels.
    """
    finite = np.isfinite(probabilities).all(axis=(1, 2))
    p = np.asarray(probabilities, dtype=np.float64)[finite].reshape(-1, probabilities.shape[-1])
    labels, indices = np.asarray(labels)[finite].ravel(), np.asarray(indices)[finite].ravel()

    _, example, count = np.unique(indices, return_inverse=True, return_counts=True)
    shared = count[example] >= 2
    if not shared.any():
        return BrierSplit(np.nan, np.nan, np.nan, 0)
    p, labels = p[shared], labels[shared]
    _, first, example, count = np.unique(indices[shared], return_index=True, return_inverse=True, return_counts=True)
    if (labels != labels[first][example]).any():
        raise ValueError("an example has different labels in different models")

    target = np.eye(p.shape[1])[labels]
    total = np.zeros((len(count), p.shape[1]))
    np.add.at(total, example, p)
    mean = (total / count[:, None])[example]  # (predictions, classes): each prediction beside its example's mean
    squares = np.square(p - mean).sum(1)
    shift = squares / (count[example] - 1) if unbiased else 0.0
    return BrierSplit(
        bias_squared=float((np.square(mean - target).sum(1) - shift).mean()),
        variance=float((squares + shift).mean()),
        brier=float(np.square(p - target).sum(1).mean()),
        predictions=len(p),
    )
