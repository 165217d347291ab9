"""The linear layers of several networks as one batched product, and whether that gives the same bits."""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from reglab.core.streams import generator

ALIGNED = 16  # numbers in 64 bytes: at other places in memory matrix products are summed in another order


def side_by_side(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors of one shape as (members, *shape), each of which begins at a multiple of 64 bytes.

    As memory that is new: matrix products of other places are summed in another order.
    """
    first = tensors[0].contiguous()
    step = -(-first.numel() // ALIGNED) * ALIGNED
    together = first.new_empty(len(tensors) * step).as_strided((len(tensors), *first.shape), (step, *first.stride()))
    for place, tensor in zip(together, tensors, strict=True):
        place.copy_(tensor)
    return together


@cache
def products_agree(members: int, batch: int, inputs: int, outputs: int, with_bias: bool, device: str) -> bool:
    """Whether products of this size are the same together and one by one, which depends on the machine and its library.

    Tried with drawn numbers. One output, for instance, is a product of a matrix and a vector, summed in another order.
    """
    random = generator("products_agree", device=device)
    units, weight, bias, slope = (
        torch.randn(members, *shape, generator=random, device=device)
        for shape in ((batch, inputs), (outputs, inputs), (outputs,), (batch, outputs))
    )
    given = [units, *(side_by_side(values.unbind()) for values in (weight, bias)[: 1 + with_bias])]
    given = [values.requires_grad_() for values in given]
    outputs_together = LinearFunction.apply(*given)
    slopes = torch.autograd.grad(outputs_together, given, slope)
    for member in range(members):
        alone = [values.detach()[member].clone().requires_grad_() for values in given]
        outputs_alone = functional.linear(*alone)
        ways = (
            (outputs_alone, *torch.autograd.grad(outputs_alone, alone, slope[member].clone())),
            (outputs_together[member], *(values[member] for values in slopes)),
        )
        if not all(map(same, *ways)):
            return False
    return True


def same(one: Tensor | None, other: Tensor | None) -> bool:
    """Whether two tensors are the same to the bit; on another device than the processor, to its precision."""
    if one is None or other is None:
        return one is other
    return torch.equal(one, other) if one.device.type == "cpu" else torch.allclose(one, other, 1e-3, 1e-5)


class LinearFunction(torch.autograd.Function):
    """The linear layers of all members, with the products that torch computes for one layer.

    Of units (members, batch, inputs), weights (members, outputs, inputs) and biases (members, outputs).
    """

    @staticmethod
    def forward(ctx, units: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        ctx.save_for_backward(units, weight)
        if bias is None:
            return torch.bmm(units, weight.transpose(1, 2))
        return torch.baddbmm(bias[:, None], units, weight.transpose(1, 2))

    @staticmethod
    @once_differentiable
    def backward(ctx, slope: Tensor) -> tuple[Tensor | None, ...]:
        (units, weight), (units_need, weight_needs, *bias_needs) = ctx.saved_tensors, ctx.needs_input_grad
        of_units = torch.bmm(slope, weight) if units_need else None
        of_weight = torch.bmm(slope.transpose(1, 2), units) if weight_needs else None
        return of_units, of_weight, *(slope.sum(1) if needed else None for needed in bias_needs)
