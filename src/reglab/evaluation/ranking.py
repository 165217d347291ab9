"""How well scores rank the examples that have a label above those that lack it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torchmetrics.functional.classification import multilabel_auroc, multilabel_average_precision


def ranking(scores: Tensor, labels: Tensor) -> dict[str, float]:
    """`auroc` and `average_precision` of torchmetrics, means over the labels that some examples have and others lack.

        auroc = sum_k (F_k - F_k-1)(T_k + T_k-1)/2        average_precision = sum_k (T_k - T_k-1) P_k

    over the distinct scores from the highest down, with F and T the shares of the examples without and with the label that
    have at least this score, and P the share of those with it among them. Both are missing where there is no such label, for
    nothing can be ranked; torchmetrics would count such a label as 0. scores: (examples, labels) double in 0..1; labels:
    (examples, labels) bool.

    Fawcett, "An introduction to ROC analysis", 2006, sections 5 and 7.
    """
    ranked = labels.any(0) & ~labels.all(0)
    if not ranked.any():
        return {}
    arguments = scores[:, ranked], labels[:, ranked].long(), int(ranked.sum())
    with double_quotients():
        measured = {
            "auroc": multilabel_auroc(*arguments, validate_args=False).item(),
            "average_precision": multilabel_average_precision(*arguments, validate_args=False).item(),
        }
    return {name: min(value, 1.0) for name, value in measured.items()}  # a sum of rounded steps may be 1 + 2e-16


@contextmanager
def double_quotients() -> Iterator[None]:
    """Let torch divide whole numbers in double precision, as torchmetrics divides its counts; single gives 0.91250002."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
