"""Metrics of predicted probabilities of labels, of which an example may have any number."""

import torch
from torch import Tensor
from torchmetrics.functional.classification import multilabel_exact_match, multilabel_stat_scores
from torchmetrics.functional.regression import mean_squared_error

from reglab.evaluation.ranking import ranking


def multilabel(probabilities: Tensor, labels: Tensor) -> dict[str, float]:
    """The metrics of `metric_table` for labels; those that are not defined are missing.

        hamming_loss = mean [ŷ_il ≠ y_il]       binary_cross_entropy = -mean y_il log p_il + (1 - y_il) log(1 - p_il)   (nats)
        subset_accuracy = mean_i [ŷ_i = y_i]    multilabel_brier = mean (p_il - y_il)²

    with ŷ_il = [p_il > 1/2]. The others are those of `of_each_label`. probabilities, labels: (examples, labels), labels of 0
    and 1. A probability of exactly 0 or 1 counts as in `classification`. torchmetrics has no binary cross-entropy. Raises
    ValueError for logits and for NaN.

    Zhang and Zhou, A Review on Multi-Label Learning Algorithms, 2014, section 2.2, for Hamming loss and subset accuracy.
    """
    p, y = probabilities.double(), labels.double()
    if not ((p > -1e-3) & (p < 1 + 1e-3)).all():
        raise ValueError("probabilities must be finite, from 0 to 1")
    p, tiny = p.clamp(0, 1), torch.finfo(torch.float32).tiny
    right = torch.where(y > 0.5, p, 1 - p)
    counted = of_each_label(p, y > 0.5)
    return {
        "hamming_loss": counted["hamming_loss"],
        "subset_accuracy": counted["subset_accuracy"],
        "binary_cross_entropy": float(-right.clamp(min=tiny).log().mean()),
        "multilabel_brier": mean_squared_error(p.flatten(), y.flatten()).item(),
    } | counted


def of_each_label(probabilities: Tensor, labels: Tensor) -> dict[str, float]:
    """`hamming_loss`, `subset_accuracy`, and means over labels: `multilabel_f1`, `_auroc` and `_average_precision`.

    The F1 score is the mean over the labels that an example has or is predicted to have; it is missing where there is none.
    The area under the ROC curve and the average precision are means over the labels that some examples have and others lack
    (`ranking`). Hamming loss and F1 are quotients of torchmetrics' counts, for its own quotients are in single precision.

    Arguments as for `multilabel`, labels bool. Zhang and Zhou, 2014, section 2.2.2, for the means over labels ("macro").
    """
    decided, arguments = (probabilities > 0.5).long(), {"num_labels": labels.shape[1], "validate_args": False}
    scores = multilabel_stat_scores(decided, labels.long(), average="none", **arguments)
    hits, false, _, missed, _ = scores.cpu().numpy().T
    exact = multilabel_exact_match(decided, labels.long(), multidim_average="samplewise", **arguments)
    either = 2 * hits + false + missed
    measured = {
        "hamming_loss": float((false + missed).sum() / labels.numel()),
        "subset_accuracy": exact.double().mean().item(),  # of an example it is 0 or 1
    }
    if either.any():
        measured["multilabel_f1"] = float((2 * hits[either > 0] / either[either > 0]).mean())
    return measured | {f"multilabel_{name}": value for name, value in ranking(probabilities, labels).items()}
