"""Metrics of predicted probabilities of labels, of which an example may have any number."""

import numpy as np
import torch
from torch import Tensor

from reglab.core.losses import share


def multilabel(probabilities: Tensor, labels: Tensor) -> dict[str, float]:
    """The metrics of `metric_table` for labels; those that are not defined are missing.

        hamming_loss = mean [ŷ_il ≠ y_il]       binary_cross_entropy = -mean y_il log p_il + (1 - y_il) log(1 - p_il)   (nats)
        subset_accuracy = mean_i [ŷ_i = y_i]    multilabel_brier = mean (p_il - y_il)²

    with ŷ_il = [p_il > 1/2]. The others are those of `of_each_label`. probabilities, labels: (examples, labels), labels of 0
    and 1. A probability of exactly 0 or 1 counts as in `classification`. Raises ValueError for logits and for NaN.

    Zhang and Zhou, A Review on Multi-Label Learning Algorithms, 2014, section 2.2, for Hamming loss and subset accuracy.
    """
    p, y = probabilities.double(), labels.double()
    if not ((p > -1e-3) & (p < 1 + 1e-3)).all():
        raise ValueError("probabilities must be finite, from 0 to 1")
    p, tiny = p.clamp(0, 1), torch.finfo(torch.float32).tiny
    wrong = (p > 0.5) != (y > 0.5)
    right = torch.where(y > 0.5, p, 1 - p)
    return {
        "hamming_loss": share(wrong),
        "subset_accuracy": share(~wrong.any(1)),
        "binary_cross_entropy": float(-right.clamp(min=tiny).log().mean()),
        "multilabel_brier": float((p - y).square().mean()),
    } | of_each_label(p, y)


def of_each_label(probabilities: Tensor, labels: Tensor) -> dict[str, float]:
    """Means over the labels, each of which counts alike: `multilabel_f1`, `multilabel_auroc`, `multilabel_average_precision`.

    The F1 score is the mean over the labels that an example has or is predicted to have. The area under the ROC curve and
    the average precision are means over the labels that some examples have and others lack; where there is no such label
    both are missing, for nothing can be ranked. By scikit-learn, a label at a time.

    Arguments as for `multilabel`. Zhang and Zhou, 2014, section 2.2.2, for the means over labels ("macro").
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    p, truth = probabilities.cpu().numpy(), labels.cpu().numpy() > 0.5
    predicted = p > 0.5
    counts = truth.sum(0) + predicted.sum(0)
    shared = (2 * (truth & predicted).sum(0))[counts > 0] / counts[counts > 0]
    measured = {"multilabel_f1": float(shared.mean())} if len(shared) else {}
    ranked = np.flatnonzero(truth.any(0) & ~truth.all(0))
    if len(ranked):
        for name, score in (
            ("multilabel_auroc", roc_auc_score),
            ("multilabel_average_precision", average_precision_score),
        ):
            measured[name] = float(np.mean([score(truth[:, label], p[:, label]) for label in ranked]))
    return measured
