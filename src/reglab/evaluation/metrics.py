"""How good predicted class probabilities are."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_calibration_error

CALIBRATION_BINS = 15


def classification(probabilities: Tensor, labels: Tensor) -> dict[str, float]:
    """Accuracy, negative log-likelihood, Brier score and expected calibration error of k >= 2 classes.

        accuracy = mean [argmax_c p_ic = y_i]              nll = -mean log p_iy          (nats)
        brier    = mean sum_c (p_ic - [y_i = c])²          ece = sum_b n_b/n |accuracy_b - confidence_b|

    probabilities: (examples, k), rows summing to one; labels: (examples,) in 0..k-1. A probability of exactly 0 counts
    as float32's smallest normal number, so that one certain mistake costs 87.3 nats and not infinity. The bins b are
    15 of equal width over the confidence max_c p_ic. Raises ValueError for logits and for NaN.

    Brier, "Verification of forecasts expressed in terms of probability", 1950, eq. 2; Guo et al., "On calibration of
    modern neural networks", 2017, eq. 3.
    """
    p = probabilities.double()
    if not (torch.allclose(p.sum(1), p.new_ones(()), atol=1e-3) and (p > -1e-3).all()):
        raise ValueError("probabilities must be finite, not negative, and sum to one in every row")
    p = p.clamp(0, 1)  # torchmetrics takes a row with 1.0000001 in it for logits, and applies a softmax
    classes = p.shape[1]
    chosen = p.gather(1, labels[:, None]).clamp(min=torch.finfo(torch.float32).tiny)
    scores = {
        "accuracy": multiclass_accuracy(p, labels, classes, average="micro"),
        "nll": -chosen.log().mean(),
        "brier": (p - one_hot(labels, classes)).square().sum(1).mean(),
        "ece": multiclass_calibration_error(p, labels, classes, n_bins=CALIBRATION_BINS, norm="l1"),
    }
    return {name: float(score) for name, score in scores.items()}
