"""Norms of weights as penalties, and the step that a norm with a corner needs, as pure functions of tensors."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class Norm(torch.autograd.Function):
    """||w||_1 or ||w||_2 over all tensors together, with its gradient sign(w) or w/||w||, which is zero at the origin.

    Written out it is one node of the graph; left to autograd it is a dozen, and a step's penalty costs half as much again.
    """

    @staticmethod
    def forward(ctx, order: int, *tensors: Tensor) -> Tensor:
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(tensors, order)), order)
        ctx.order = order
        ctx.save_for_backward(norm, *tensors)
        return norm

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        norm, *tensors = ctx.saved_tensors
        if ctx.order == 1:
            return None, *torch._foreach_mul(torch._foreach_sign(tensors), gradient)
        return None, *torch._foreach_mul(tensors, torch.where(norm > 0, gradient / norm, 0.0))


def norm(tensors: Iterable[Tensor], order: int = 2) -> Tensor:
    """||w||_1 or ||w||_2, over all tensors together; the gradient at the origin is zero."""
    return Norm.apply(order, *tensors)


def half_squared_norm(tensors: Iterable[Tensor]) -> Tensor:
    """Omega(w) = 1/2 ||w||_2^2, over all tensors together."""
    return norm(tensors).square() / 2


def soft_threshold(weight: Tensor, threshold: float) -> Tensor:
    """sign(w) max(|w| - threshold, 0): the proximal operator of threshold ||w||_1."""
    return weight - weight.clamp(-threshold, threshold)


def tying(one: Iterable[Tensor], other: Iterable[Tensor]) -> Tensor:
    """Omega(wA, wB) = ||wA - wB||_2^2 for two networks of the same shapes: soft parameter tying.

    Source: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.9.
    """
    return sum((a - b).square().sum() for a, b in zip(one, other, strict=True))
