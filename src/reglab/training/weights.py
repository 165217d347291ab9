"""Which parameters are weights, and which of those are learned."""

from torch import nn


def weights(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that penalties and constraints act on, by name: those with at least two axes.

    A kernel or matrix has two or more; biases and the scales of normalisation layers have one and stay free, as the lecture
    says ("in general only weights are regularized"; Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.1).
    """
    return {name: parameter for name, parameter in model.named_parameters() if parameter.ndim >= 2}


def learned_weights(model: nn.Module) -> dict[str, nn.Parameter]:
    """The weights that training may change, by name: no penalty or projection reaches those of a frozen backbone."""
    return {name: weight for name, weight in weights(model).items() if weight.requires_grad}
