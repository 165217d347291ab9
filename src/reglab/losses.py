"""Losses as pure functions of tensors; targets are distributions (batch, classes) everywhere."""

from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean over the batch of -sum_y t_y log softmax(z)_y, in nats."""
    return functional.cross_entropy(logits, targets)


def accuracy(logits: Tensor, targets: Tensor) -> Tensor:
    """Share of the batch whose largest score is at the largest target."""
    return (logits.argmax(1) == targets.argmax(1)).float().mean()
