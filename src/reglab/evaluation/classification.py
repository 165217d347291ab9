"""Metrics of predicted class probabilities."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from reglab.core.losses import share

CALIBRATION_BINS = 15


def classification(probabilities: Tensor, labels: Tensor) -> dict[str, float]:
    """Accuracy, negative log-likelihood, Brier score and expected calibration error of k >= 2 classes.

        accuracy = mean [argmax_c p_ic = y_i]              nll = -mean log p_iy          (nats)
        brier    = mean sum_c (p_ic - [y_i = c])²          ece = sum_b n_b/n |accuracy_b - confidence_b|

    probabilities: (examples, k), rows summing to one; labels: (examples,) in 0..k-1. A probability of exactly 0 counts
    as float32's smallest normal number, so that one certain mistake costs 87.3 nats and not infinity. The ece is that of
    `calibration_error`. Raises ValueError for logits and for NaN.

    Brier, "Verification of forecasts expressed in terms of probability", 1950, eq. 2.
    """
    p = probabilities.double()
    if not (torch.allclose(p.sum(1), p.new_ones(()), atol=1e-3) and (p > -1e-3).all()):
        raise ValueError("probabilities must be finite, not negative, and sum to one in every row")
    p = p.clamp(0, 1)
    chosen = p.gather(1, labels[:, None]).clamp(min=torch.finfo(torch.float32).tiny)
    return {
        "accuracy": share(p.argmax(1) == labels),
        "nll": float(-chosen.log().mean()),
        "brier": float((p - one_hot(labels, p.shape[1])).square().sum(1).mean()),
        "ece": calibration_error(probabilities, labels),
    }


def calibration_error(probabilities: Tensor, labels: Tensor) -> float:
    """sum_b n_b/n |accuracy_b - confidence_b| over 15 bins ((b - 1)/15, b/15] of the confidence max_c p_ic.

    A confidence on an edge belongs to the bin below it, so that one of exactly 1 stands with those just under 1.
    Arguments as for `classification`. Guo et al., "On calibration of modern neural networks", 2017, eqs. 2 and 3.
    """
    confidence, chosen = probabilities.clamp(0, 1).max(1)
    upper = (torch.arange(1, CALIBRATION_BINS + 1, device=labels.device, dtype=torch.float64) / CALIBRATION_BINS).to(
        confidence.dtype  # 0.2 in single precision is above 0.2, but on the edge as it is in single precision
    )
    bins = torch.bucketize(confidence, upper).clamp(max=CALIBRATION_BINS - 1)
    excess = (chosen == labels).double() - confidence.double()
    return float(excess.new_zeros(CALIBRATION_BINS).index_add(0, bins, excess).abs().sum() / len(labels))
