"""The parts of a stack: the shared pass of the networks, their memory, the batches and the criteria."""

import pytest
import torch

from reglab.core.tasks import Classification, Multilabel, Regression
from reglab.data import loader
from reglab.data.loader import Loader, whole
from reglab.models.mlp import MLP
from reglab.training import stacked_linear, stacked_network
from reglab.training.network import build
from reglab.training.stacked_network import NetworkStack, lie_evenly

NETWORK = MLP(width=32, depth=2)


def test_the_parameters_of_a_stack_stay_those_of_the_networks():
    networks = [build(NETWORK, (1, 6, 6), 3, seed) for seed in range(3)]
    before = [{name: each.clone() for name, each in network.state_dict().items()} for network in networks]
    parameters = [list(network.parameters()) for network in networks]
    inputs = torch.rand(3, 16, 1, 6, 6)
    stack = NetworkStack(networks)
    outputs = stack(list(inputs))
    assert all(
        torch.equal(each, network(given)) for each, network, given in zip(outputs, networks, inputs, strict=True)
    )
    outputs.square().sum().backward()
    stack.hand_out_gradients()
    given = [[parameter.grad.clone() for parameter in each] for each in parameters]
    for network, state, own, expected, each in zip(networks, before, parameters, given, inputs, strict=True):
        assert all(one is other for one, other in zip(network.parameters(), own, strict=True))
        assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
        network.zero_grad()
        network(each).square().sum().backward()
        assert all(torch.equal(one.grad, other) for one, other in zip(own, expected, strict=True))


def test_weights_that_are_replaced_in_memory_are_the_ones_that_count():
    networks = [build(NETWORK, (1, 6, 6), 3, seed) for seed in range(2)]
    stack, inputs = NetworkStack(networks), list(torch.rand(2, 16, 1, 6, 6))
    stack(inputs)
    networks[1].head.weight.data = torch.zeros_like(networks[1].head.weight)
    assert torch.equal(stack(inputs)[1], networks[1].head.bias.expand(16, 3))


def test_views_of_larger_pieces_are_the_batches_of_the_loader(monkeypatch):
    monkeypatch.setattr(loader, "PIECE", 36 * 16 * 2)  # two batches
    examples = whole(torch.rand(48, 1, 6, 6), torch.arange(48) % 3, 3)._replace(weights=torch.arange(48.0))
    batches = Loader(examples, 16, seed=0)
    batches.set_epoch(3)
    for one, other in zip(batches, batches.views(), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("shape", [(10,), (7, 3), (16, 4)], ids=str)
def test_tensors_side_by_side_begin_at_multiples_of_64_bytes(shape):
    tensors = [torch.rand(shape) for _ in range(3)]
    together_ = stacked_linear.side_by_side(tensors)
    assert torch.equal(together_, torch.stack(tensors))
    assert all(each.data_ptr() % 64 == 0 for each in together_)


TASKS = {"classes": Classification(3), "amounts": Regression(1.0, 2.0), "labels": Multilabel(3)}


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_criteria_of_several_networks_are_their_criterion(task):
    outputs, targets = torch.randn(4, 16, task.outputs), torch.rand(4, 16, task.outputs)
    each = [task.criterion(*member) for member in zip(outputs, targets, strict=True)]
    assert torch.equal(task.criteria(outputs, targets), torch.stack(each))


@pytest.mark.parametrize(
    ("batch", "width", "even"), [(16, 27, True), (4, 32, True), (4, 27, False), (3, 32, False)], ids=str
)
def test_inputs_and_hidden_units_of_every_member_begin_at_multiples_of_64_bytes_where_a_stack_is_used(
    batch, width, even
):
    network = build(MLP(width=width, depth=2), (1, 6, 6), 16, 0)
    assert lie_evenly(network, 3, torch.rand(batch, 1, 6, 6)) is even


@pytest.mark.parametrize("agree", [True, False])
def test_outputs_of_the_head_may_lie_unevenly_where_its_products_agree(monkeypatch, agree):
    monkeypatch.setattr(stacked_network, "products_agree", lambda *sizes: agree)
    network = build(NETWORK, (1, 6, 6), 3, 0)
    assert lie_evenly(network, 3, torch.rand(4, 1, 6, 6)) is agree
    assert lie_evenly(network, 3, torch.rand(16, 1, 6, 6))
