"""An example before and after one step of an attack: the picture of a panda that becomes a gibbon."""

from typing import NamedTuple

import numpy as np
import torch
from torch.nn import Module

from reglab.attacks.ball import Ball
from reglab.attacks.base import evaluation_mode, gradient, is_amounts
from reglab.attacks.objectives import loss
from reglab.attacks.units import Units
from reglab.data.prepared import Split
from reglab.experiments.robustness.attacked_seed import attacked_labels, examples_of


class Panda(NamedTuple):
    """An example, the step that was added, and their sum (height, width, channels); in words the predictions of both ends."""

    image: np.ndarray
    direction: np.ndarray
    moved: np.ndarray
    before: str
    after: str


def panda(model: Module, split: Split, attack) -> Panda | None:
    """The example whose prediction a single step at the largest epsilon changes most clearly; None if inputs are no images.

    Examples are ranked by the smaller of two confidences: before the step in the right class, after it in a wrong one.
    Those that are fooled come first. Amounts are ranked by how far the step moves the prediction.
    """
    images, labels = examples_of(split, attack.examples)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        return None
    units = Units.of(images, split.spread)
    inputs, model = units.standard(images), units.model(model)
    ball, aims = (
        Ball.around(inputs, attack.epsilons[-1], attack.norm, split.bounds),
        attacked_labels(labels, split.task),
    )
    with evaluation_mode(model):
        direction = ball.steepest(gradient(model, inputs, loss, aims)[2])
        moved = ball.project(inputs + ball.radius * direction)
        with torch.no_grad():
            before, after = (split.task.predictions(model(each)) for each in (inputs, moved))
    if is_amounts(labels):
        chosen = int((after - before).abs()[:, 0].argmax())
        words = [f"{each[chosen].item():.4g}" for each in (before, after)]
    else:
        wrong = after.scatter(1, labels[:, None], -1.0).amax(1)
        fooled = (before.argmax(1) == labels) & (after.argmax(1) != labels)
        confidence = torch.minimum(before.gather(1, labels[:, None])[:, 0], wrong) + fooled
        chosen = int(confidence.argmax())
        words = [confident(int(each[chosen].argmax()), float(each[chosen].max())) for each in (before, after)]
    return Panda(
        *(np.moveaxis(each[chosen].numpy(), 0, -1) for each in (images, direction, units.original(moved))), *words
    )


def confident(label: int, confidence: float) -> str:
    """A class and the confidence in it."""
    return f"“{label}”, {100 * confidence:.1f} %"
