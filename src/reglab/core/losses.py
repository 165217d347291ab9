"""Losses and accuracies as pure functions of tensors; targets are distributions (batch, classes) everywhere."""

from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean over the batch of -sum_y t_y log softmax(z)_y, in nats."""
    return functional.cross_entropy(logits, targets)


def accuracy(logits: Tensor, targets: Tensor) -> Tensor:
    """Share of the batch whose largest score is at the largest target."""
    return (logits.argmax(1) == targets.argmax(1)).double().mean()


def share(hits: Tensor) -> float:
    """The fraction of `hits` (bool) that are true, as a quotient of whole numbers: single precision gives 0.91250002."""
    return int(hits.sum()) / hits.numel()
