"""Which parameters are weights, and which of those are learned."""

from torch import nn

from reglab.training.periodic import Periodic

WITHOUT_WEIGHTS = (nn.LayerNorm, nn.RMSNorm, Periodic)  # layers whose parameters are no weights, even with two axes


def weights(model: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that penalties and constraints act on, by name: those with at least two axes.

    A kernel or matrix has two or more; biases and the gains of normalization layers have one and stay free, as the lecture
    says ("in general only weights are regularized"; Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.1).
    So do layers WITHOUT_WEIGHTS: the gains of a layer normalization of whole maps, and the frequencies of an embedding.
    """
    free = [f"{path}." for path, module in model.named_modules() if isinstance(module, WITHOUT_WEIGHTS)]
    return {
        name: parameter
        for name, parameter in model.named_parameters()
        if parameter.ndim >= 2 and not (free and name.startswith(tuple(free)))
    }


def learned_weights(model: nn.Module) -> dict[str, nn.Parameter]:
    """The weights that training may change, by name: no penalty or projection reaches those of a frozen backbone."""
    return {name: weight for name, weight in weights(model).items() if weight.requires_grad}
