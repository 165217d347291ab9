"""Checks of penalties, and of what a technique does to gradients, weights and the network."""

import copy

import torch
from torch import Tensor

from reglab.config.stacks import overrides
from reglab.technique_checks.results import NotApplicable, require
from reglab.technique_checks.workbench import Steps, examples, stepped
from reglab.training.regularizer import Regularizer, name
from reglab.training.weights import weights


def _penalty(technique: Regularizer) -> tuple[Steps, Tensor]:
    """A learner after two steps, and the penalty of the next."""
    if type(technique).penalty is Regularizer.penalty:
        raise NotApplicable("it has no penalty")
    learner, batch = stepped(technique), examples()
    shown = technique.transform_batch(batch, learner.network)
    penalty = technique.penalty(learner.network, shown, learner.network(shown.inputs))
    if penalty is None:
        raise NotApplicable("with these settings it has no penalty")
    return learner, penalty


def _tensors(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_tensors, value.values()))
    if isinstance(value, list | tuple | set):
        return any(map(_tensors, value))
    return isinstance(value, Tensor)


def a_penalty_is_one_finite_number(technique: Regularizer) -> None:
    _, penalty = _penalty(technique)
    require(isinstance(penalty, Tensor), f"the penalty is of type {type(penalty).__name__}; allowed: a tensor or None")
    require(penalty.ndim == 0, f"the penalty has the shape {tuple(penalty.shape)}; allowed: ()")
    require(bool(penalty.isfinite()), f"the penalty is {penalty.item()}")


def a_penalty_is_in_the_curves_under_its_own_name(technique: Regularizer) -> None:
    learner, _ = _penalty(technique)
    curves, key = learner.curves(), f"{name(technique)}_penalty"
    require(key in curves, f"the curves have {', '.join(curves)}, and no {key}")


def a_penalty_and_its_gradient_agree(technique: Regularizer) -> None:
    if not overrides(technique, "transform_loss"):
        _penalty(technique)
    if not technique.follows_penalty:
        raise NotApplicable("it says that its gradient leaves out a part of its loss's or penalty's")
    learner, batch, aside = stepped(technique, dtype=torch.float64), examples(), 1e-6
    batch = batch._replace(inputs=batch.inputs.double(), targets=batch.targets.double())
    random = torch.Generator().manual_seed(0)
    moved = [parameter for parameter in learner.network.parameters() if parameter.requires_grad]
    directions = [torch.randn(parameter.shape, generator=random, dtype=torch.float64) for parameter in moved]
    learner.optimizer.zero_grad()
    learner.training_step(batch).backward()
    learner.on_before_optimizer_step(learner.optimizer)
    slope = sum((parameter.grad * way).sum().item() for parameter, way in zip(moved, directions, strict=True))
    ends = []
    for sign in (1, -2):
        with torch.no_grad():
            for parameter, way in zip(moved, directions, strict=True):
                parameter.add_(way, alpha=sign * aside)
        ends.append(learner.training_step(batch).item())
    difference = (ends[0] - ends[1]) / (2 * aside)
    close = abs(difference - slope) <= 1e-4 * max(1, abs(slope))
    require(
        close,
        f"along a line the loss rises by {difference:g} and the gradients say {slope:g}; allowed: 1e-4 of it apart",
    )


def its_curves_are_finite_and_named_after_it(technique: Regularizer) -> None:
    curves = technique.curves(stepped(technique).network)
    if not curves:
        raise NotApplicable("it adds nothing to the curves")
    odd = [key for key in curves if not key.startswith(f"{name(technique)}_")]
    require(not odd, f"curves {', '.join(odd)}; allowed: names that begin with {name(technique)}_")
    wrong = {key: value for key, value in curves.items() if not isinstance(value, float) or value != value}
    require(not wrong, f"curves {wrong}; allowed: numbers")


def gradients_stay_finite_and_keep_their_shape(technique: Regularizer) -> None:
    if type(technique).transform_gradients is Regularizer.transform_gradients:
        raise NotApplicable("it leaves gradients as they are")
    for scale in (0.0, 1.0, 1e6):
        learner = stepped(technique)
        for parameter in learner.network.parameters():
            parameter.grad.mul_(scale)
        before = [parameter.grad.shape for parameter in learner.network.parameters()]
        technique.transform_gradients(learner.network)
        gradients = [parameter.grad for parameter in learner.network.parameters()]
        require(
            all(gradient is not None and gradient.isfinite().all() for gradient in gradients),
            f"gradients of {scale:g} times their size become NaN, infinite or None",
        )
        require([gradient.shape for gradient in gradients] == before, "a gradient changes its shape")


def after_a_step_all_weights_are_finite(technique: Regularizer) -> None:
    if type(technique).after_step is Regularizer.after_step:
        raise NotApplicable("it leaves weights to the optimizer")
    for scale in (0.0, 1.0, 1e6):
        learner = Steps(technique)
        with torch.no_grad():
            for parameter in learner.network.parameters():
                parameter.mul_(scale)
        technique.after_step(learner.network, 0.1)
        finite = all(parameter.isfinite().all() for parameter in learner.network.parameters())
        require(finite, f"weights of {scale:g} times their size become NaN or infinite")


def after_a_step_it_changes_weights_only(technique: Regularizer) -> None:
    if type(technique).after_step is Regularizer.after_step:
        raise NotApplicable("it leaves weights to the optimizer")
    learner = stepped(technique)
    kept = {key: parameter.detach().clone() for key, parameter in learner.network.named_parameters()}
    technique.after_step(learner.network, 0.1)
    penalized = weights(learner.network)
    changed = [
        key
        for key, now in learner.network.named_parameters()
        if key not in penalized and not torch.equal(now, kept[key])
    ]
    require(not changed, f"it changes {', '.join(changed)}; allowed: what training.weights.weights lists")


def a_frozen_backbone_stays_frozen(technique: Regularizer) -> None:
    learner = Steps(technique, frozen=True)
    kept = {key: parameter.clone() for key, parameter in learner.network.backbone.named_parameters()}
    learner.take(examples(), examples())
    changed = [key for key, now in learner.network.backbone.named_parameters() if not torch.equal(now, kept[key])]
    require(not changed, f"it changes {', '.join(changed)} of a frozen backbone; take training.weights.learned_weights")


def parameters_keep_their_names_and_shapes(technique: Regularizer) -> None:
    expected, shapes = (
        {key: value.shape for key, value in stepped(*one).network.named_parameters()} for one in ((), (technique,))
    )
    require(
        shapes == expected,
        f"parameters {sorted(set(expected) ^ set(shapes)) or 'of another shape'}; what is kept beside is a buffer",
    )


def the_state_of_the_plain_network_is_part_of_its_state(technique: Regularizer) -> None:
    plain, state = (stepped(*one).network.state_dict() for one in ((), (technique,)))
    missing = [key for key in plain if key not in state or state[key].shape != plain[key].shape]
    require(not missing, f"the state dict lacks {', '.join(missing)}: a network restored from it would not be the same")


def what_lasts_from_step_to_step_is_in_the_state(technique: Regularizer) -> None:
    network = stepped(technique).network
    for path, module in network.named_modules():
        kept = [key for key, value in vars(module).items() if not key.startswith("_") and _tensors(value)]
        kept += sorted(module._non_persistent_buffers_set)
        require(
            not kept,
            f"{path or 'the network'} keeps {', '.join(kept)} beside its buffers: lost when a training is killed",
        )


def a_copy_of_the_network_predicts_the_same(technique: Regularizer) -> None:
    learner = stepped(technique)
    inputs = examples().inputs
    with torch.no_grad():
        copied = copy.deepcopy(learner.network).eval()(inputs)
        original = copy.copy(learner.network.eval()(inputs))
    require(torch.equal(copied, original), "a copy of the network predicts something else than the network")


def a_copy_of_the_network_is_independent(technique: Regularizer) -> None:
    learner, inputs = stepped(technique), examples().inputs
    copied = copy.deepcopy(learner.network).eval()
    with torch.no_grad():
        before = copied(inputs)
        learner.take(examples(), examples())
        require(torch.equal(copied(inputs), before), "a copy of the network changes when the network is trained on")
