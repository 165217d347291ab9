"""The optimizer against torch's own, bit for bit."""

import copy

import pytest
import torch
from torch import nn

from reglab.training import adam


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3))


def losses(network, optimizer, steps, first=0):
    """The losses of steps that leave the last bias alone before the third; the learning rate falls at the fifth."""
    seen = []
    for step in range(first, steps):
        random = torch.Generator().manual_seed(step)
        network[2].bias.requires_grad_(step >= 2)
        for group in optimizer.param_groups:
            group["lr"] = 0.01 if step < 4 else 0.002
        optimizer.zero_grad()
        loss = network(torch.randn(4, 5, generator=random)).square().mean()
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    return seen


def groups(network):
    return [{"params": network[0].parameters()}, {"params": network[2].parameters()}]


@pytest.mark.parametrize("split", [lambda network: network.parameters(), groups], ids=["one_group", "two_groups"])
def test_every_bit_is_that_of_torchs_fused_adam(split):
    ours, theirs = network(), network()
    expected = losses(theirs, torch.optim.Adam(split(theirs), 0.01, fused=True), 8)
    assert losses(ours, adam.Adam(split(ours), 0.01), 8) == expected
    assert all(torch.equal(one, other) for one, other in zip(ours.parameters(), theirs.parameters(), strict=True))


def test_a_restored_optimizer_goes_on_as_the_one_that_was_saved():
    whole, begun = network(), network()
    expected = losses(whole, adam.Adam(whole.parameters(), 0.01), 8)
    optimizer = adam.Adam(begun.parameters(), 0.01)
    losses(begun, optimizer, 4)
    restored = copy.deepcopy(begun)
    again = adam.Adam(restored.parameters(), 0.01)
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert losses(restored, again, 8, first=4) == expected[4:]


def test_an_optimizer_that_is_set_back_takes_the_same_steps_again():
    learned = network()
    optimizer = adam.Adam(learned.parameters(), 0.01)
    losses(learned, optimizer, 4)
    weights, state = copy.deepcopy(learned.state_dict()), copy.deepcopy(optimizer.state_dict())
    expected = losses(learned, optimizer, 8, first=4)
    learned.load_state_dict(weights)
    optimizer.load_state_dict(state)
    assert losses(learned, optimizer, 8, first=4) == expected


def test_no_gradient_is_left_in_any_group_when_gradients_are_forgotten():
    learned = network()
    optimizer = adam.Adam(groups(learned), 0.01)
    learned(torch.ones(4, 5)).sum().backward()
    optimizer.zero_grad()
    assert [parameter.grad for parameter in learned.parameters()] == [None] * 4


def test_torchs_own_step_is_taken_for_new_parameters_alone(monkeypatch):
    steps, torch_step = [], torch.optim.Adam.step
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self: steps.append(len(self.state)) or torch_step(self))
    learned = network()
    losses(learned, adam.Adam(learned.parameters(), 0.01), 8)
    assert len(steps) == 2  # the first step, and the first with the last bias


def test_a_closure_is_called_once_and_its_loss_returned():
    learned, calls = network(), []
    assert adam.Adam(learned.parameters(), 0.01).step(lambda: calls.append(1) or 0.5) == 0.5
    assert calls == [1]
