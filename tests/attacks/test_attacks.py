"""What every attack keeps, whatever it is called on."""

from functools import partial

import pytest
import torch
from torch import nn

from reglab.attacks.ball import rowwise_norm
from reglab.attacks.base import accuracy
from reglab.attacks.fast_gradient import fast_gradient
from reglab.attacks.objectives import margin
from reglab.attacks.projected_gradient import projected_gradient
from reglab.attacks.square import square
from reglab.attacks.strong import strong
from reglab.core.errors import UserError

GRADIENT = {
    "fast": fast_gradient,
    "projected": partial(projected_gradient, steps=5, restarts=2),
    "projected_margin": partial(projected_gradient, steps=5, objective=margin),
    "strong": strong,
}
CASES = [(name, norm) for name in (*GRADIENT, "square") for norm in ("linf", "l2")]


def attack(name, norm):
    return partial(square, queries=60, norm=norm) if name == "square" else partial(GRADIENT[name], norm=norm)


def untrained(classes, shape=(1, 6, 5), seed=0):
    """A network that gives every class to some inputs, inputs of which many are 0 or 1, and any labels."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        features = torch.Size(shape).numel()
        model = nn.Sequential(nn.Flatten(), nn.Linear(features, 16), nn.ReLU(), nn.Linear(16, classes))
        inputs = (1.5 * torch.rand(30, *shape) - 0.25).clamp(0, 1)
        model[-1].bias -= model(inputs).mean(0)
        return model, inputs, torch.randint(classes, (30,))


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize(("name", "norm"), CASES)
def test_inputs_stay_in_the_ball_and_in_the_range(name, norm, classes):
    for seed, epsilon in enumerate((0.0, 0.03, 0.4, 3.0)):
        model, inputs, labels = untrained(classes, seed=seed)
        moved = attack(name, norm)(model, inputs, labels, epsilon, bounds=(0.0, 1.0))
        assert moved.shape == inputs.shape and moved.min() >= 0 and moved.max() <= 1
        assert rowwise_norm(moved - inputs, norm).max() <= epsilon + 1e-6


@pytest.mark.parametrize(("name", "norm"), CASES)
def test_other_ranges_and_an_epsilon_for_each_example(name, norm):
    model, inputs, labels = untrained(4)
    epsilon = torch.linspace(0, 0.5, len(inputs))
    moved = attack(name, norm)(model, 2 * inputs - 1, labels, epsilon, bounds=(-1.0, 1.0))
    assert moved.min() >= -1 and moved.max() <= 1
    assert (rowwise_norm(moved - (2 * inputs - 1), norm) <= epsilon + 1e-6).all()


@pytest.mark.parametrize(("name", "norm"), CASES)
def test_epsilon_zero_moves_nothing(name, norm):
    model, inputs, labels = untrained(4)
    assert torch.equal(attack(name, norm)(model, inputs, labels, 0.0), inputs)


@pytest.mark.parametrize(("name", "norm"), CASES)
def test_what_is_wrong_already_is_returned_as_it_is(name, norm):
    model, inputs, labels = untrained(4)
    wrong = model(inputs).argmax(1) != labels
    moved = attack(name, norm)(model, inputs, labels, 0.3)
    assert wrong.any() and torch.equal(moved[wrong], inputs[wrong])


@pytest.mark.parametrize(("name", "norm"), CASES)
def test_an_attack_finds_errors_on_a_trained_network_and_is_deterministic(name, norm, network, data):
    run, epsilon = attack(name, norm), 0.15 if norm == "linf" else 0.8
    inputs, labels = data.inputs[:40], data.labels[:40]
    moved = run(network, inputs, labels, epsilon)
    clean = accuracy(network, inputs, labels)
    assert clean > 0.8 and accuracy(network, moved, labels) < clean - 0.2
    torch.rand(3)  # nobody else's draws matter
    assert torch.equal(run(network, inputs, labels, epsilon), moved)


@pytest.mark.parametrize(("name", "norm"), CASES)
def test_parameters_and_modes_are_left_as_they_were(name, norm):
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(48, 3))
    model[0].bias.requires_grad_(False)
    model[2].eval()
    modes, asks = [m.training for m in model.modules()], [p.requires_grad for p in model.parameters()]
    model[4].weight.grad = torch.ones_like(model[4].weight)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    attack(name, norm)(model, torch.rand(8, 1, 6, 5), torch.arange(8) % 3, 0.1)
    assert [m.training for m in model.modules()] == modes and [p.requires_grad for p in model.parameters()] == asks
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())  # running statistics too
    assert torch.equal(model[4].weight.grad, torch.ones_like(model[4].weight)) and model[0].weight.grad is None


@pytest.mark.parametrize(("name", "norm"), CASES)
def test_features_without_an_image_shape_are_attacked_too(name, norm):
    model, inputs, labels = untrained(3, shape=(12,))
    labels = model(inputs).argmax(1)
    moved = attack(name, norm)(model, inputs, labels, 0.5 if norm == "linf" else 2.0)
    assert moved.shape == inputs.shape and accuracy(model, moved, labels) < 1


@pytest.mark.parametrize(("name", "norm"), CASES)
@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"epsilon": -0.1}, "epsilon: found -0.1; allowed: 0 or more"),
        ({"epsilon": float("nan")}, "epsilon: found nan"),
        ({"inputs": torch.full((30, 1, 6, 5), 1.5)}, "inputs: found 1.5 to 1.5; the declared range is 0 to 1"),
        ({"inputs": torch.full((30, 1, 6, 5), float("nan"))}, "inputs: found nan"),
        ({"labels": torch.full((30,), -100)}, "labels: found -100 to -100; allowed: 0 to 2"),
        ({"labels": torch.full((30,), 3)}, "labels: found 3 to 3; allowed: 0 to 2"),
        ({"labels": torch.zeros(30, 3)}, "labels: found torch.float32 of shape (30, 3)"),
        ({"model": lambda inputs: inputs.flatten(1)[:, :3] * float("inf")}, "NaN or infinite"),
        ({"model": lambda inputs: inputs.flatten(1)[:, :1]}, "at least two classes"),
    ],
)
def test_bad_input_is_refused_with_what_was_found(name, norm, changes, line):
    model, inputs, labels = untrained(3)
    given = {"model": model, "inputs": inputs, "labels": labels, "epsilon": 0.1} | changes
    with pytest.raises(UserError) as caught:
        attack(name, norm)(**given)
    assert line in str(caught.value)


@pytest.mark.parametrize("name", GRADIENT)
def test_a_model_without_gradients_is_refused_by_who_needs_them(name):
    model, inputs, _ = untrained(3)
    for blind in (lambda inputs: model(inputs).detach(), lambda inputs: model(inputs.detach())):
        with pytest.raises(UserError, match="no gradient with respect to its inputs"):
            GRADIENT[name](blind, inputs, model(inputs).argmax(1), 0.1)


def test_the_square_attack_needs_scores_alone(network, data):
    moved = square(lambda inputs: network(inputs).detach(), data.inputs, data.labels, 0.15, queries=100)
    assert accuracy(network, moved, data.labels) < 0.5


def test_an_unknown_norm_is_refused():
    model, inputs, labels = untrained(3)
    with pytest.raises(UserError, match="allowed: linf, l2"):
        fast_gradient(model, inputs, labels, 0.1, norm="l1")


def test_no_examples_are_no_error():
    model, inputs, labels = untrained(3)
    for name, norm in CASES:
        assert attack(name, norm)(model, inputs[:0], labels[:0], 0.1).shape == (0, 1, 6, 5)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_stronger_attacks_leave_no_higher_accuracy(network, data, norm):
    inputs, labels, epsilon = data.inputs[:20], data.labels[:20], 0.1 if norm == "linf" else 0.5
    attacks = (fast_gradient, projected_gradient, strong)
    left = [accuracy(network, attack(network, inputs, labels, epsilon, norm=norm), labels) for attack in attacks]
    assert left == sorted(left, reverse=True) and left[0] > left[-1]


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_projected_gradient_is_no_weaker_than_foolboxs(network, data, norm):
    foolbox = pytest.importorskip("foolbox", reason="see benchmarks/requirements.txt")
    epsilon = 0.1 if norm == "linf" else 0.5
    theirs = {"linf": foolbox.attacks.LinfPGD, "l2": foolbox.attacks.L2PGD}[norm](steps=20, rel_stepsize=2.5 / 20)
    _, _, fooled = theirs(foolbox.PyTorchModel(network, bounds=(0, 1)), data.inputs, data.labels, epsilons=epsilon)
    moved = projected_gradient(network, data.inputs, data.labels, epsilon, norm=norm)
    assert abs(accuracy(network, moved, data.labels) - (1 - fooled.double().mean().item())) <= 0.03
