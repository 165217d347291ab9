"""The common basis of all attacks: the model in evaluation mode, which examples are correct, gradients at the inputs.

An attack is a pure function `attack(model, inputs, labels, epsilon, ...) -> adversarial inputs`. Those stay within
epsilon of the inputs and within the pixel range; an example that the model gets wrong anyway is returned unchanged.
So the robust accuracy is the accuracy on the inputs that an attack returns.

Labels are classes (n,) int64, or amounts (n, 1) float as the loss takes them. An amount is not right or wrong: every example
is attacked, and the inputs that are returned have the largest loss that was found.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import Module

from reglab.core.errors import UserError
from reglab.core.losses import share

Model = Callable[[Tensor], Tensor]  # inputs (n, *shape) -> scores (n, classes) before any softmax, or amounts (n, 1)
Objective = Callable[[Tensor, Tensor], Tensor]  # scores (n, classes), targets (n, ...) -> what an attack raises (n,)


@contextmanager
def evaluation_mode(model: Model) -> Iterator[None]:
    """Put every module of the model in evaluation mode, and afterwards each back into its former mode.

    So a pass inside a training step draws no dropout mask, fires no hook of a training step and leaves the running
    statistics of batch normalisation alone.
    """
    modules = list(model.modules()) if isinstance(model, Module) else []
    modes = [module.training for module in modules]
    try:
        if modules:
            model.eval()
        yield
    finally:
        for module, training in zip(modules, modes, strict=True):
            module.training = training


@contextmanager
def under_attack(model: Model) -> Iterator[None]:
    """Evaluation mode, with parameters that require no gradient: computing those would take time for nothing."""
    parameters = [p for p in model.parameters() if p.requires_grad] if isinstance(model, Module) else []
    with evaluation_mode(model):
        try:
            for parameter in parameters:
                parameter.requires_grad_(False)
            yield
        finally:
            for parameter in parameters:
                parameter.requires_grad_(True)


def gradient(model: Model, points: Tensor, objective: Objective, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Scores (n, classes), values (n,) and d value / d points (n, *shape); no parameter's `grad` is touched.

    NaN in the gradient counts as zero. UserError where the model has no gradient with respect to its inputs.
    """
    with torch.enable_grad():
        points = points.detach().requires_grad_()
        scores = model(points.view_as(points))  # not a leaf, which torch's flop counter refuses as a module's input
        values = objective(scores, targets)
        total = values.sum()
    slope = torch.autograd.grad(total, points, allow_unused=True)[0] if total.requires_grad else None
    if slope is None:
        raise UserError(
            "attack: the model gives no gradient with respect to its inputs; allowed: a model of torch operations "
            "from inputs to scores; for any other take the black-box attack `square`"
        )
    return scores.detach(), values.detach(), slope.nan_to_num(nan=0.0)


@torch.no_grad()
def correct(model: Model, inputs: Tensor, labels: Tensor) -> Tensor:
    """Whether each example's largest score is its label's: (n,) bool; UserError for unusable labels or scores."""
    scores = model(inputs)
    if scores.ndim != 2 or len(scores) != len(inputs) or scores.shape[1] < 2:
        raise UserError(
            f"attack: the model gave scores of shape {tuple(scores.shape)} for {len(inputs)} inputs; "
            "allowed: (inputs, classes) with at least two classes"
        )
    if not scores.isfinite().all():
        raise UserError("attack: the model gave scores that are NaN or infinite; allowed: finite scores")
    if labels.shape != scores.shape[:1] or labels.dtype != torch.int64:
        raise UserError(
            f"attack: labels: found {labels.dtype} of shape {tuple(labels.shape)}; allowed: one int64 for each input"
        )
    if len(labels) and not (labels.min() >= 0 and labels.max() < scores.shape[1]):
        raise UserError(
            f"attack: labels: found {labels.min().item()} to {labels.max().item()}; allowed: 0 to {scores.shape[1] - 1}"
        )
    return scores.argmax(1) == labels


def attackable(model: Model, inputs: Tensor, labels: Tensor) -> Tensor:
    """The examples that an attack changes, (n,) bool: the `correct` ones; of amounts all. UserError as `correct`."""
    if not is_amounts(labels):
        return correct(model, inputs, labels)
    outputs = model(inputs)
    if outputs.shape != (len(inputs), 1) or labels.shape != outputs.shape:
        raise UserError(
            f"attack: the model gave outputs of shape {tuple(outputs.shape)} for {len(inputs)} inputs and amounts of shape "
            f"{tuple(labels.shape)}; allowed: (inputs, 1) for both"
        )
    if not (outputs.isfinite().all() and labels.isfinite().all()):
        raise UserError("attack: found outputs or amounts that are NaN or infinite; allowed: finite numbers")
    return torch.ones(len(inputs), dtype=torch.bool, device=inputs.device)


def standing(scores: Tensor, labels: Tensor) -> Tensor:
    """The examples (n,) bool that an attack goes on with: those of which the class is still right; of amounts all."""
    if is_amounts(labels):
        return torch.ones(len(labels), dtype=torch.bool, device=labels.device)
    return scores.argmax(1) == labels


def is_amounts(labels: Tensor) -> bool:
    """Whether the labels are amounts (n, 1) or (n,), not classes."""
    return labels.is_floating_point() and labels.shape[1:] in ((), (1,))


def accuracy(model: Model, inputs: Tensor, labels: Tensor) -> float:
    """Share of the examples that the model, in evaluation mode, gets right; of adversarial inputs, robust accuracy."""
    with evaluation_mode(model):
        return share(correct(model, inputs, labels))
