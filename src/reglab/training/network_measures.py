"""What a trained network is like besides what it predicts: shares of zeros, and the extent of its weights."""

import torch
from torch import Tensor
from torch.nn import Module

from reglab.core.losses import share
from reglab.data.loader import StoredTensor
from reglab.training.network import Network
from reglab.training.passes import pieces
from reglab.training.supervised import Supervised
from reglab.training.weights import weights


def measure_network(learner: Supervised, inputs: Tensor | StoredTensor) -> dict[str, float]:
    """Shares of zeros and the extent of the evaluated network, which may differ from the trained one."""
    network = learner.eval_network().eval().to(inputs.device)
    return {
        "zero_weights": share_of_zeros(network),
        "idle_units": share_of_idle_units(network, inputs),
    } | learner.extent()


def share_of_zeros(network: Module) -> float:
    """Share of the weights that are exactly zero."""
    flat = torch.cat([weight.detach().flatten() for weight in weights(network).values()])
    return share(flat == 0)


@torch.no_grad()
def share_of_idle_units(eval_network: Module, inputs: Tensor | StoredTensor) -> float:
    """Share of the outputs of all hidden layers that are exactly zero, over the inputs (n, *shape); 0 without any.

    Where a prediction takes several passes, as the mean over masks, all count; outputs are those before any mask.
    """
    network = next(module for module in eval_network.modules() if isinstance(module, Network))
    idle = seen = 0

    def count(_, __, units: Tensor) -> None:
        nonlocal idle, seen
        idle, seen = idle + int((units == 0).sum()), seen + units.numel()

    hooks = [layer.register_forward_hook(count) for layer in network.hidden_layers]
    for piece in pieces(inputs):
        eval_network(piece)
    for hook in hooks:
        hook.remove()
    return idle / seen if seen else 0.0
