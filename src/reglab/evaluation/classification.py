"""Metrics of predicted class probabilities."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torchmetrics.functional.classification import multiclass_stat_scores

from reglab.evaluation.ranking import ranking

CALIBRATION_BINS = 15


def classification(probabilities: Tensor, labels: Tensor) -> dict[str, float]:
    """The metrics of `metric_table` and the calibration error, of k >= 2 classes; those that are not defined are missing.

        accuracy = mean [argmax_c p_ic = y_i]              nll = -mean log p_iy          (nats)
        brier    = mean sum_c (p_ic - [y_i = c])²          ece = sum_b n_b/n |accuracy_b - confidence_b|

    probabilities: (examples, k), rows summing to one; labels: (examples,) in 0..k-1. A probability of exactly 0 counts
    as float32's smallest normal number, so that one certain mistake costs 87.3 nats and not infinity. torchmetrics has
    neither nll nor brier; the ece is that of `calibration_error`, the others are those of `of_each_class`. Raises ValueError
    for logits and for NaN.

    Brier, "Verification of forecasts expressed in terms of probability", 1950, eq. 2.
    """
    p = probabilities.double()
    if not (torch.allclose(p.sum(1), p.new_ones(()), atol=1e-3) and (p > -1e-3).all()):
        raise ValueError("probabilities must be finite, not negative, and sum to one in every row")
    p = p.clamp(0, 1)
    chosen = p.gather(1, labels[:, None]).clamp(min=torch.finfo(torch.float32).tiny)
    counted = of_each_class(p, labels)
    return {
        "accuracy": counted["accuracy"],
        "nll": float(-chosen.log().mean()),
        "brier": float((p - one_hot(labels, p.shape[1])).square().sum(1).mean()),
        "ece": calibration_error(probabilities, labels),
    } | counted


def of_each_class(probabilities: Tensor, labels: Tensor) -> dict[str, float]:
    """`accuracy`, and means over classes: `balanced_accuracy`, `macro_f1`, `auroc` and `average_precision`.

    The balanced accuracy is the mean recall of the classes that have examples, the macro F1 the mean over those and the
    classes that are predicted. Of two classes, the area under the ROC curve and the average precision are those of the
    second by its probability; of more, the mean over the classes that some examples belong to and others do not, each
    against the rest (`ranking`).

    The first three are quotients of torchmetrics' counts, for its own quotients of them are in single precision. Arguments
    as for `classification`. Fawcett, "An introduction to ROC analysis", 2006, sections 7 and 9, and for F1 van Rijsbergen,
    "Information Retrieval", 1979, chapter 7.
    """
    classes = probabilities.shape[1]
    scores = multiclass_stat_scores(probabilities.argmax(1), labels, classes, average="none", validate_args=False)
    hits, false, _, missed, support = scores.cpu().numpy().T
    present, either = support > 0, 2 * hits + false + missed
    columns = [1] if classes == 2 else slice(None)
    return {
        "accuracy": float(hits.sum() / support.sum()),
        "balanced_accuracy": float((hits[present] / support[present]).mean()),
        "macro_f1": float((2 * hits[either > 0] / either[either > 0]).mean()),
    } | ranking(probabilities[:, columns], one_hot(labels, classes)[:, columns].bool())


def calibration_error(probabilities: Tensor, labels: Tensor) -> float:
    """sum_b n_b/n |accuracy_b - confidence_b| over 15 bins ((b - 1)/15, b/15] of the confidence max_c p_ic.

    A confidence on an edge belongs to the bin below it, so that one of exactly 1 stands with those just under 1. In
    torchmetrics it belongs to the bin above, so that a confidence of 1 has a bin of its own, and all is in single precision.
    Arguments as for `classification`. Guo et al., "On calibration of modern neural networks", 2017, eqs. 2 and 3.
    """
    confidence, chosen = probabilities.clamp(0, 1).max(1)
    upper = (torch.arange(1, CALIBRATION_BINS + 1, device=labels.device, dtype=torch.float64) / CALIBRATION_BINS).to(
        confidence.dtype  # 0.2 in single precision is above 0.2, but on the edge as it is in single precision
    )
    bins = torch.bucketize(confidence, upper).clamp(max=CALIBRATION_BINS - 1)
    excess = (chosen == labels).double() - confidence.double()
    return float(excess.new_zeros(CALIBRATION_BINS).index_add(0, bins, excess).abs().sum() / len(labels))
