"""Every setting of every technique does what its entry says: each law holds at two values, whatever the default."""

from dataclasses import fields, replace
from functools import partial
from math import log1p, radians
from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import softshrink

from reglab.attacks.ball import rowwise_norm
from reglab.core import registry
from reglab.core.checks import standard_errors
from reglab.core.streams import Moment, generator
from reglab.core.tasks import Classification
from reglab.data.loader import Batch, whole
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP
from reglab.regularizers.affine import drawn
from reglab.training.network import build
from reglab.training.penalties import half_squared_norm, norm
from reglab.training.weights import weights

ARCHITECTURES = [MLP(width=12, depth=3), ConvNet(width=4, depth=2)]
LAWS = {}  # "technique.setting" -> its law and the values at which it must hold
RATE = 0.1  # the learning rate that a hook gets


def law(setting, *values, **others):
    """Registers the assertions below as the law of a setting; `others` are settings of the same technique."""

    def register(assertions):
        LAWS[setting] = assertions, values, others
        return assertions

    return register


def a_network(architecture=ARCHITECTURES[0], step=3):
    """In training mode, at a step of seed 0, with a gradient on every parameter."""
    network = build(architecture, (1, 8, 8), 3, seed=0)
    network.moment = Moment(seed=0, epoch=0, step=step)
    for parameter in network.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator("gradients"))
    return network


def a_batch(low=0.3, high=0.7):
    inputs = low + (high - low) * torch.rand(8, 1, 8, 8, generator=generator("inputs"))
    return whole(inputs, torch.arange(8) % 3, 3)


def always_active(network):
    """Every hidden unit puts out a positive number, whatever it is given, so that only a technique makes zeros."""
    for layer in network.hidden_layers:
        linear = next(module for module in layer if hasattr(module, "bias"))
        torch.nn.init.zeros_(linear.weight)
        torch.nn.init.ones_(linear.bias)
    return network


def passes(network, do):
    """How often the network was called, and the inputs of the last time."""
    seen = []
    hook = network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    do()
    hook.remove()
    return len(seen), seen[-1] if seen else None


# Inputs and targets


@law("adversarial_training.epsilon", 0.02, 0.2, attack="fast_gradient")
def every_pixel_moves_by_epsilon(technique, epsilon):
    moved = technique.transform_batch(a_batch(), a_network()).inputs - a_batch().inputs
    assert torch.allclose(moved.abs(), torch.tensor(epsilon), rtol=0, atol=1e-6)


@law("adversarial_training.norm", "linf", "l2", attack="fast_gradient", epsilon=0.15)
def an_example_moves_by_epsilon_in_this_norm(technique, order):
    moved = technique.transform_batch(a_batch(), a_network()).inputs - a_batch().inputs
    assert torch.allclose(rowwise_norm(moved, order), torch.tensor(0.15), rtol=0, atol=1e-5)


@law("adversarial_training.attack", "fast_gradient", "projected_gradient", steps=5)
def one_pass_or_as_many_as_steps(technique, attack):
    network = a_network()
    count, _ = passes(network, lambda: technique.transform_batch(a_batch(), network))
    assert count == {"fast_gradient": 1, "projected_gradient": 5}[attack]


@law("adversarial_training.steps", 1, 4)
def as_many_passes_as_steps(technique, steps):
    network = a_network()
    assert passes(network, lambda: technique.transform_batch(a_batch(), network))[0] == steps


@law("adversarial_training.share", 0.25, 0.5, 1.0)
def this_share_of_the_examples_moves(technique, share):
    moved = technique.transform_batch(a_batch(), a_network()).inputs != a_batch().inputs
    assert moved.flatten(1).any(1).sum() == 8 * share


def draws_reach_the_setting_and_no_further(technique, value, *, name):
    """Of 500 uniform draws the largest is above 0.97 of the limit; the other quantities stay at zero."""
    columns, limit = {
        "rotation": ([0], radians(value)),
        "shear": ([1], radians(value)),
        "scale": ([2], log1p(value)),
        "translation": ([3, 4], 8 * value),
    }[name]
    ramp = torch.arange(8).double() - 3.5
    images = torch.stack((ramp.expand(8, 8), ramp[:, None].expand(8, 8))).expand(500, -1, -1, -1)
    shown = technique.transform_batch(whole(images, [0] * 500, classes=2), a_network()).inputs
    result = drawn(shown[..., 3:5, 3:5]).abs().amax(0)
    for column in range(5):
        if column in columns:
            assert 0.97 * limit < result[column] <= limit + 1e-9
        else:
            assert result[column] < 1e-9


VALUES = {"rotation": (10.0, 20.0), "translation": (0.05, 0.1), "scale": (0.05, 0.2), "shear": (5.0, 15.0)}
for _name, _values in VALUES.items():
    still = {name: 0.0 for name in VALUES if name != _name}
    law(f"affine.{_name}", *_values, **still)(partial(draws_reach_the_setting_and_no_further, name=_name))


@law("cutmix.alpha", 0.5, 4.0)
def what_is_kept_has_the_variance_of_beta(technique, alpha):
    examples = 1500
    images = torch.arange(examples).float()[:, None, None, None].expand(-1, 1, 40, 40)
    mixed = technique.transform_batch(Batch(images, torch.eye(examples), None), a_network(step=1))
    kept = (mixed.inputs == images).float().mean((1, 2, 3))
    assert standard_errors((kept - 0.5) ** 2, 1 / (4 * (2 * alpha + 1))) < 4


@law("mixup.alpha", 0.2, 2.0)
def shares_have_the_variance_of_beta(technique, alpha):
    corners, shares = torch.eye(16, dtype=torch.float64), []
    for step in range(600):
        now = SimpleNamespace(moment=Moment(seed=0, epoch=0, step=step))
        shares.append(technique.transform_batch(Batch(corners, corners, None), now).targets.diag().min())
    assert standard_errors((torch.stack(shares) - 0.5) ** 2, 1 / (4 * (2 * alpha + 1))) < 4


@law("erasing.share", 0.1, 0.3)
def this_share_of_the_area_is_black(technique, share):
    white = whole(torch.ones(400, 1, 20, 20), [0] * 400, classes=2)
    black = (technique.transform_batch(white, a_network()).inputs == 0).float().mean((1, 2, 3))
    assert abs(black.mean().item() - share) < 0.01


@law("input_noise.std", 0.1, 0.8)
def inputs_move_by_noise_of_this_std(technique, std):
    blank = a_batch()._replace(inputs=torch.zeros(100, 1, 8, 8))
    noise = technique.transform_batch(blank, a_network()).inputs.flatten()
    assert standard_errors(noise**2, std**2) < 4


@law("label_smoothing.smoothing", 0.1, 0.6)
def the_right_class_loses_this_much(technique, smoothing):
    targets = technique.transform_batch(a_batch(), a_network()).targets
    assert torch.allclose(targets.amax(1), torch.tensor(max(1 - smoothing, smoothing / 2)), rtol=0, atol=1e-6)
    assert torch.allclose((targets * a_batch().targets).sum(1), torch.tensor(1 - smoothing), rtol=0, atol=1e-6)


# Hidden units


def removed(technique, architecture):
    """The share of zeros in what each layer is given, from the inputs to the head."""
    network, result = always_active(a_network(architecture)), []
    technique.prepare_model(network)
    for layer in network.hidden_layers:
        layer[0].register_forward_pre_hook(lambda _, inputs: result.append((inputs[0] == 0).double().flatten()))
    network.head.register_forward_pre_hook(lambda _, inputs: result.append((inputs[0] == 0).double().flatten()))
    network(torch.ones(500, 1, 8, 8))
    return result


@law("dropout.input_rate", 0.1, 0.4, hidden_rate=0.7)
def this_share_of_the_inputs_is_removed(technique, rate):
    for architecture in ARCHITECTURES:
        assert standard_errors(removed(technique, architecture)[0][:, None], rate) < 4


@law("dropout.hidden_rate", 0.2, 0.6, input_rate=0.05)
def this_share_of_every_hidden_layer_is_removed(technique, rate):
    for architecture in ARCHITECTURES:
        inputs, *hidden = removed(technique, architecture)
        assert len(hidden) == architecture.depth
        for units in hidden:
            assert standard_errors(units[:, None], rate) < 4
        assert standard_errors(inputs[:, None], 0.05) < 4


@law("dropout.prediction", "weight_scaling", "arithmetic", "geometric", masks=3)
def prediction_is_this_mean_over_masks(technique, prediction):
    network = a_network().eval()
    judged = technique.evaluation_model(network)
    if prediction == "weight_scaling":
        assert judged is network
        return
    thinned = judged.thinned(a_batch().inputs)
    arithmetic, geometric = thinned.softmax(2).mean(0), thinned.mean(0).softmax(1)
    expected = arithmetic if prediction == "arithmetic" else geometric
    assert torch.allclose(judged(a_batch().inputs).softmax(1), expected, rtol=0, atol=1e-6)
    assert not torch.allclose(arithmetic, geometric, rtol=0, atol=1e-4)


@law("dropout.masks", 2, 5, prediction="arithmetic")
def prediction_takes_a_pass_a_mask(technique, masks):
    network, rows = a_network().eval(), []
    network.head.register_forward_hook(lambda _, given, scores: rows.append(len(scores)))
    technique.evaluation_model(network)(a_batch().inputs)
    assert sum(rows) == masks * len(a_batch().inputs)


@law("hidden_noise.std", 0.1, 1.0)
def every_layer_hands_on_noise_of_this_std(technique, std):
    clean, noisy = always_active(a_network()), always_active(a_network())
    technique.prepare_model(noisy)
    inputs = torch.ones(400, 1, 8, 8)
    for one, other in zip(clean.hidden_layers, noisy.hidden_layers, strict=True):
        given, inputs = inputs, other(inputs)
        assert standard_errors((inputs - one(given)).flatten() ** 2, std**2) < 4


@law("k_sparse.active_units", 1, 5)
def so_many_units_stay_in_every_layer(technique, active):
    network = always_active(a_network())
    technique.prepare_model(network)
    units = a_batch().inputs
    for layer in network.hidden_layers:
        units = layer(units)
        assert ((units != 0).flatten(1).sum(1) == active).all()


# The loss


@law("sparse_activations.strength", 0.1, 0.7)
def the_penalty_is_strength_times_the_mean_sum_of_units(technique, strength):
    network = always_active(a_network())  # three layers of twelve units that are all one
    technique.prepare_model(network)
    network(a_batch().inputs)
    assert technique.penalty(network, a_batch(), None).item() == pytest.approx(strength * 36, rel=1e-6)


def trades_penalty(technique):
    """Its value, how many passes it took, and how far the worst inputs lie from the examples."""
    network, value = a_network(), []
    count, last = passes(network, lambda: value.append(technique.penalty(network, a_batch(), None).item()))
    return value[0], count, (last - a_batch().inputs).abs()


@law("trades.strength", 0.5, 3.0)
def the_penalty_is_proportional(technique, strength):
    one, result = (trades_penalty(replace(technique, strength=amount))[0] for amount in (1.0, strength))
    assert result == pytest.approx(strength * one, rel=1e-5) and one > 0


@law("trades.epsilon", 0.02, 0.2, steps=10)
def the_worst_inputs_lie_epsilon_away(technique, epsilon):
    away = trades_penalty(technique)[2]
    assert away.max() <= epsilon + 1e-6 and (away > 0.99 * epsilon).float().mean() > 0.8


@law("trades.steps", 1, 4)
def a_pass_a_step_beside_that_of_both_predictions(technique, steps):
    assert trades_penalty(technique)[1] == steps + 2


@law("weight_decay.strength", 0.1, 0.4)
def loss_and_gradients_rise_by_strength(technique, strength):
    network, before = a_network(), a_network()
    expected = strength * half_squared_norm(weights(network).values()).item()
    assert technique.penalty(network, a_batch(), None).item() == pytest.approx(expected, rel=1e-6)
    technique.transform_gradients(network)
    for weight, old in zip(weights(network).values(), weights(before).values(), strict=True):
        assert torch.allclose(weight.grad - old.grad, strength * weight, rtol=0, atol=1e-6)


@law("weight_decay.decoupled", False, True, strength=0.5)
def weights_shrink_after_the_step_and_not_by_the_loss(technique, decoupled):
    network, before = a_network(), a_network()
    technique.transform_gradients(network)
    technique.after_step(network, RATE)
    for weight, old in zip(weights(network).values(), weights(before).values(), strict=True):
        assert torch.equal(weight.grad, old.grad) == decoupled
        assert torch.allclose(weight, old * (1 - RATE * 0.5 if decoupled else 1), rtol=0, atol=1e-7)
    assert (technique.penalty(network, a_batch(), None) is None) == decoupled


# Gradients and weights


@law("l1.strength", 0.1, 0.5)
def weights_move_towards_zero_by_rate_times_strength(technique, strength):
    network, before = a_network(), a_network()
    technique.after_step(network, RATE)
    for weight, old in zip(weights(network).values(), weights(before).values(), strict=True):
        assert torch.allclose(weight, softshrink(old, RATE * strength), rtol=0, atol=1e-7)


@law("l1.step", "proximal", "subgradient", strength=0.5)
def by_a_threshold_or_by_the_gradient(technique, step):
    network, before = a_network(), a_network()
    penalty = technique.penalty(network, a_batch(), None)
    technique.transform_gradients(network)
    technique.after_step(network, RATE)
    for weight, old in zip(weights(network).values(), weights(before).values(), strict=True):
        added, moved = (0.0, softshrink(old, RATE * 0.5)) if step == "proximal" else (0.5 * old.sign(), old)
        assert torch.allclose(weight.grad - old.grad, torch.as_tensor(added), rtol=0, atol=1e-6)
        assert torch.allclose(weight, moved, rtol=0, atol=1e-7)
    assert (penalty is None) == (step == "proximal")


def shrunk_as_by_the_elastic_net(technique):
    network, before = a_network(), a_network()
    technique.after_step(network, RATE)
    absolute = RATE * technique.strength * technique.l1_ratio
    squared = RATE * technique.strength * (1 - technique.l1_ratio)
    for weight, old in zip(weights(network).values(), weights(before).values(), strict=True):
        assert torch.allclose(weight, softshrink(old, absolute) / (1 + squared), rtol=0, atol=1e-7)


@law("elastic_net.strength", 0.2, 0.9, l1_ratio=0.3)
def the_shrinkage_is_that_of_its_strength(technique, strength):
    assert (technique.strength, technique.l1_ratio) == (strength, 0.3)
    shrunk_as_by_the_elastic_net(technique)


@law("elastic_net.l1_ratio", 0.0, 0.3, 1.0, strength=0.9)
def the_shrinkage_is_shared_out(technique, share):
    assert (technique.strength, technique.l1_ratio) == (0.9, share)
    shrunk_as_by_the_elastic_net(technique)


@law("max_norm.radius", 0.1, 0.3)
def no_unit_is_longer(technique, radius):
    network = a_network()
    technique.after_step(network, RATE)
    longest = max(weight.detach().flatten(1).norm(dim=1).max().item() for weight in weights(network).values())
    assert longest == pytest.approx(radius, rel=1e-5)


@law("gradient_clipping.threshold", 0.1, 0.7)
def the_gradient_is_no_longer(technique, threshold):
    network = a_network()
    technique.transform_gradients(network)
    assert norm([parameter.grad for parameter in network.parameters()]).item() == pytest.approx(threshold, rel=1e-4)


def constrained(technique):
    """The network with a multiplier of one, and the excess that the penalty then is."""
    network = a_network()
    technique.prepare_model(network)
    network.norm_multiplier.fill_(1.0)
    return network, technique.penalty(network, a_batch(), None).item()


@law("norm_constraint.norm", "l1", "l2", radius=2.0)
def the_excess_is_that_of_the_norm_and_the_gradient_its_own(technique, order):
    (network, excess), before = constrained(technique), a_network()
    parameters = list(weights(network).values())
    expected = norm(parameters, order=1).item() - 2 if order == "l1" else half_squared_norm(parameters).item() - 2
    assert excess == pytest.approx(expected, rel=1e-5)
    technique.transform_gradients(network)
    for weight, old in zip(parameters, weights(before).values(), strict=True):
        slope = weight.sign() if order == "l1" else weight
        assert torch.allclose(weight.grad - old.grad, slope, rtol=0, atol=1e-6)
    length = norm(parameters, order=1 if order == "l1" else 2).item()
    assert technique.curves(network)["norm_constraint_norm"] == pytest.approx(length, rel=1e-6)


@law("norm_constraint.radius", 1.0, 3.0)
def the_bound_is_half_its_square(technique, radius):
    network, excess = constrained(technique)
    assert excess == pytest.approx(half_squared_norm(weights(network).values()).item() - radius**2 / 2, rel=1e-5)


@law("norm_constraint.rate", 0.1, 0.4, radius=1.0)
def the_multiplier_ascends_at_this_rate(technique, rate):
    network, excess = constrained(technique)
    technique.after_step(network, RATE)
    assert excess > 0 and network.norm_multiplier.item() == pytest.approx(1 + rate * excess, rel=1e-5)
    assert technique.curves(network)["norm_constraint_multiplier"] == network.norm_multiplier.item()


@law("weight_averaging.decay", 0.5, 0.9)
def the_average_goes_this_share_of_the_way(technique, decay):
    network, before = a_network(), a_network()
    technique.prepare_model(network)
    with torch.no_grad():
        network.head.weight.add_(1)
    technique.after_step(network, RATE)
    judged = technique.evaluation_model(network)
    assert torch.allclose(judged.head.weight - before.head.weight, torch.tensor(1 - decay), rtol=0, atol=1e-6)


@law("early_stopping.patience", 1, 4)
def it_stops_after_so_many_epochs_without_a_lower_loss(technique, patience):
    _, stop = technique.callbacks()
    of_each_epoch = SimpleNamespace(val_check_interval=1.0, check_val_every_n_epoch=1)
    stop.setup(of_each_epoch, SimpleNamespace(network=SimpleNamespace(task=Classification(3))), "fit")
    strategy = SimpleNamespace(reduce_boolean_decision=lambda decision, all: decision)
    epochs = 0
    for nll in [1.0, *[2.0] * 10]:
        trainer = SimpleNamespace(
            callback_metrics={"validation_nll": torch.tensor(nll)},
            current_epoch=epochs,
            fast_dev_run=False,
            should_stop=False,
            strategy=strategy,
            world_size=1,
        )
        stop._run_early_stopping_check(trainer)
        epochs += 1
        if trainer.should_stop:
            break
    assert epochs == 1 + patience


CASES = [(setting, value) for setting, (_, values, _) in LAWS.items() for value in values]


@pytest.mark.parametrize(("setting", "value"), CASES, ids=[f"{setting}={value}" for setting, value in CASES])
def test_a_setting_obeys_its_law(setting, value):
    (name, field), (assertions, _, others) = setting.split("."), LAWS[setting]
    assertions(registry.find("regularizers", name)(**others | {field: value}), value)


def test_a_technique_has_a_law_for_every_setting_or_for_none():
    """Those of a technique that was added since are held by the contract alone, unless somebody writes a law."""
    lawful = {setting.partition(".")[0] for setting in LAWS}
    wanted = {f"{name}.{field.name}" for name in lawful for field in fields(registry.find("regularizers", name))}
    assert set(LAWS) == wanted and len(lawful) == 20


@pytest.mark.parametrize("setting", LAWS)
def test_a_law_is_tried_at_two_values_and_one_of_them_is_not_the_default(setting):
    (name, field), (_, values, _) = setting.split("."), LAWS[setting]
    assert len(set(values)) >= 2 and set(values) - {getattr(registry.find("regularizers", name)(), field)}
