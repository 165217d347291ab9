"""Several networks of one architecture, evaluated in one pass: each linear layer is one product for all of them.

A step of a small network takes less time in its matrix products than in the calls around them. The networks stay ordinary
ones; only where their weights lie in memory changes. For a layer with weights W_m, of the inputs X_m (batch, inputs) of the
members m = 1, 2, ..., one batched product computes all

    Y_m = b_m + X_m W_m^T,   dJ/dX_m = G_m W_m,   dJ/dW_m = G_m^T X_m,   dJ/db_m = sum of the rows of G_m,

with G_m = dJ/dY_m. Activations act on all members at once. Every other layer, and every forward hook that a technique has
registered, sees one member after the other, exactly as in that network's own pass.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from reglab.training.network import Block, Network, ResidualBlock
from reglab.training.stacked_linear import ALIGNED, LinearFunction, products_agree, side_by_side
from reglab.training.weights import weights

CHAINS = (nn.Sequential, Block)  # one layer after another
ELEMENTWISE = (nn.Identity, nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.SiLU, nn.ELU, nn.Softplus)


class NetworkStack:
    """Outputs (members, batch, outputs) of networks for the inputs of each, members tensors (batch, *shape).

    Their gradients lie in the stack after a backward pass, until `hand_out_gradients`.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self.networks = list(networks)
        self.backbone = layer([network.backbone for network in self.networks])
        self.head = layer([network.head for network in self.networks])

    def __call__(self, inputs: Sequence[Tensor]) -> Tensor:
        return self.head(self.backbone(torch.stack(list(inputs))).flatten(2))

    def hand_out_gradients(self) -> None:
        """After a backward pass: give every network the gradients of its own loss."""
        for each in (self.backbone, self.head):
            each.hand_out()


def can_be_stacked(network: nn.Module) -> bool:
    """Whether the network has weights in plain linear layers alone, and no hook of its own."""
    if type(network) is not Network or any(hooks_of(network) + hooks_of(network.head)):
        return False
    layers = {name.rpartition(".")[0] for name in weights(network)}
    return all(type(network.get_submodule(path)) is nn.Linear for path in layers)


def lie_evenly(network: Network, members: int, inputs: Tensor) -> bool:
    """Whether, for such inputs (batch, *shape), what each member's layers see begins at a multiple of 64 bytes in the stack.

    The outputs of the head need not where its products agree nevertheless, for no product follows.
    """
    layers, head = [module for module in network.modules() if isinstance(module, nn.Linear)], network.head
    units = [inputs.shape[1:].numel(), *(layer.in_features for layer in layers)]
    if any(len(inputs) * each % ALIGNED for each in units):
        return False
    sizes = (members, len(inputs), head.in_features, head.out_features, head.bias is not None, inputs.device.type)
    return len(inputs) * head.out_features % ALIGNED == 0 or products_agree(*sizes)


def hooks_of(module: nn.Module) -> list[dict]:
    """The hooks of a module by kind; the same dictionaries have those that are registered later."""
    return [module._forward_pre_hooks, module._forward_hooks, *hooks_without_stack(module)]


def hooks_without_stack(module: nn.Module) -> list[dict]:
    """Those of the kinds that a container in a stack does not call: all but forward hooks that take inputs and outputs."""
    return [
        module._backward_hooks,
        module._backward_pre_hooks,
        module._forward_hooks_with_kwargs,
        module._forward_pre_hooks_with_kwargs,
        module._forward_hooks_always_called,
    ]


def layer(members: Sequence[nn.Module]) -> "Each":
    """The layer that stands for the same layer of each member."""
    kinds = {type(member) for member in members}
    if len(kinds) > 1:
        return Each(members)
    [kind] = kinds
    if kind in CHAINS:
        return Chain(members)
    if kind is ResidualBlock:
        return Residual(members)
    if kind is nn.Linear:
        return Linear(members) if alike(members) else Each(members)
    if kind is nn.Flatten and all((member.start_dim, member.end_dim) == (1, -1) for member in members):
        return Flatten(members)
    return Elementwise(members) if kind in ELEMENTWISE else Each(members)


def alike(members: Sequence[nn.Linear]) -> bool:
    """Whether all have a bias or none, and the training changes those of all or of none."""
    return (
        len({tuple((name, each.requires_grad) for name, each in member.named_parameters()) for member in members}) == 1
    )


class Each:
    """A layer of any kind: units (members, batch, ...) go through that of each member."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        self.members = list(members)
        self.hooks = [hooks for member in members for hooks in hooks_of(member)]

    def __call__(self, units: Tensor) -> Tensor:
        if any(self.hooks):
            return self.one_by_one(units)
        return self.together(units)

    def together(self, units: Tensor) -> Tensor:
        return self.one_by_one(units)

    def hand_out(self) -> None:
        """After a backward pass: give every member its gradients, where it has none yet."""

    def one_by_one(self, units: Tensor) -> Tensor:
        return torch.stack([member(each) for member, each in zip(self.members, units.unbind(), strict=True)])


class Elementwise(Each):
    """An activation function, the same of every member."""

    def together(self, units: Tensor) -> Tensor:
        return self.members[0](units)


class Flatten(Each):
    """Units (members, batch, ...) as rows (members, batch, units)."""

    def together(self, units: Tensor) -> Tensor:
        return units.flatten(2)


class Container(Each):
    """A layer made of layers, whose forward hooks see one member after the other."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__(members)
        names = [name for name, _ in members[0].named_children()]
        self.unlike = [hooks for member in members for hooks in hooks_without_stack(member)]
        self.before = [member._forward_pre_hooks for member in members]
        self.after = [member._forward_hooks for member in members]
        self.children = OrderedDict((name, layer([getattr(member, name) for member in members])) for name in names)

    def __call__(self, units: Tensor) -> Tensor:
        if any(self.unlike):
            return self.one_by_one(units)
        if any(self.before):
            units = torch.stack([before(member, each) for member, each in self.of_members(units)])
        inputs, units = units, self.together(units)
        if any(self.after):
            each_input = inputs.unbind()
            units = torch.stack(
                [after(member, each_input[m], each) for m, (member, each) in enumerate(self.of_members(units))]
            )
        return units

    def hand_out(self) -> None:
        for child in self.children.values():
            child.hand_out()

    def of_members(self, units: Tensor) -> list[tuple[nn.Module, Tensor]]:
        return list(zip(self.members, units.unbind(), strict=True))


class Chain(Container):
    """A sequence of layers."""

    def together(self, units: Tensor) -> Tensor:
        for child in self.children.values():
            units = child(units)
        return units


class Residual(Container):
    """A `ResidualBlock`."""

    def together(self, units: Tensor) -> Tensor:
        return self.children["shortcut"](units) + self.children["branch"](units)


def before(module: nn.Module, units: Tensor) -> Tensor:
    """The units as the forward pre-hooks of a module change them."""
    for hook in module._forward_pre_hooks.values():
        changed = hook(module, (units,))
        if changed is not None:
            units = changed[0] if isinstance(changed, tuple) else changed
    return units


def after(module: nn.Module, inputs: Tensor, units: Tensor) -> Tensor:
    """The output of a module as its forward hooks change it."""
    for hook in module._forward_hooks.values():
        changed = hook(module, (inputs,), units)
        if changed is not None:
            units = changed
    return units


class Linear(Each):
    """Linear layers, whose weights (outputs, inputs) and biases lie one behind the other in memory.

    A backward pass through them leaves the gradients beside each other, too; `hand_out` gives each parameter its own.
    """

    def __init__(self, members: Sequence[nn.Linear]) -> None:
        super().__init__(members)
        self.parameters = {
            name: [member.get_parameter(name) for member in members]
            for name in ("weight", "bias")
            if getattr(members[0], name) is not None
        }
        self.together_in_memory: dict[str, Tensor] = {}
        self.addresses: list[int] = []

    def together(self, units: Tensor) -> Tensor:
        if not products_agree(*units.shape, self.members[0].out_features, "bias" in self.parameters, units.device.type):
            return self.one_by_one(units)
        if self.addresses != self.places():
            self.gather()
        return LinearFunction.apply(units, *self.together_in_memory.values())

    def places(self) -> list[int]:
        return [parameter.data_ptr() for parameters in self.parameters.values() for parameter in parameters]

    @torch.no_grad()
    def gather(self) -> None:
        """Lay the parameters side by side; each stays the same parameter, with the same values."""
        for name, parameters in self.parameters.items():
            together = side_by_side([parameter.data for parameter in parameters])
            for parameter, values in zip(parameters, together.unbind(), strict=True):
                parameter.data = values
            self.together_in_memory[name] = together.requires_grad_(parameters[0].requires_grad)
        self.addresses = self.places()

    def hand_out(self) -> None:
        """Add the gradients of the last backward pass to those of the parameters."""
        for name, together in self.together_in_memory.items():
            if together.grad is None:
                continue
            for parameter, gradient in zip(self.parameters[name], together.grad.unbind(), strict=True):
                parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
            together.grad = None
