"""Losses and accuracies as pure functions of tensors; targets are distributions (batch, classes) everywhere."""

import torch
from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean over the batch of -sum_y t_y log softmax(z)_y, in nats."""
    return functional.cross_entropy(logits, targets)


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """sum_i w_i v_i / sum_i w_i of values (batch,) with weights (batch,) of 0 or more; 0 where every weight is 0.

    Divided by the sum of the weights, not by their number, as torch.nn.CrossEntropyLoss divides by those of the classes: only
    the ratios of weights matter, and whole weights count as repeated rows. A batch thus estimates the weighted mean of all
    examples as a ratio of two sums: Sarndal, Swensson and Wretman, Model Assisted Survey Sampling, 1992, section 5.7.
    """
    return (weights * values).sum() / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)


def symmetric_divergence(one: Tensor, other: Tensor) -> Tensor:
    """(KL(p, q) + KL(q, p))/2 = sum_y (p_y - q_y)(log p_y - log q_y)/2 of each row, for scores (batch, classes)."""
    logs, others = one.log_softmax(1), other.log_softmax(1)
    return ((logs.exp() - others.exp()) * (logs - others)).sum(1) / 2


def consistency(scores: Tensor, opinions: Tensor, temperature: float) -> Tensor:
    """Mean over the batch of KL(q || p), p = softmax(scores) and q = softmax(opinions / temperature), in nats.

    Both are class scores (batch, classes). A temperature below 1 sharpens the target: with 1, equal scores cost nothing.
    """
    target = functional.log_softmax(opinions / temperature, 1)
    return functional.kl_div(functional.log_softmax(scores, 1), target, reduction="batchmean", log_target=True)


def accuracy(logits: Tensor, targets: Tensor) -> Tensor:
    """Share of the batch whose largest score is at the largest target."""
    return (logits.argmax(1) == targets.argmax(1)).double().mean()


def share(hits: Tensor) -> float:
    """The fraction of `hits` (bool) that are true, as a quotient of whole numbers: single precision gives 0.91250002."""
    return int(hits.sum()) / hits.numel()
