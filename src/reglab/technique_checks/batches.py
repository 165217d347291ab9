"""Checks of `transform_batch`: how a technique may change inputs and targets."""

from itertools import product

import torch

from reglab.core.errors import UserError
from reglab.data.loader import Batch
from reglab.technique_checks.results import NotApplicable, require
from reglab.technique_checks.workbench import EXAMPLES, Steps, examples
from reglab.training.regularizer import Regularizer


def _shown(technique: Regularizer, batch: Batch, **how) -> Batch:
    learner = Steps(
        technique, shape=batch.inputs.shape[1:], classes=batch.targets.shape[1], dtype=batch.inputs.dtype, **how
    )
    return technique.transform_batch(batch, learner.network.to(batch.inputs.device))


def _transforms(technique: Regularizer) -> None:
    if type(technique).transform_batch is Regularizer.transform_batch:
        raise NotApplicable("it leaves batches as they are")


def _soft(batch: Batch) -> Batch:
    return batch._replace(targets=0.6 * batch.targets + 0.4 * batch.targets.roll(1, 1))


def targets_stay_distributions(technique: Regularizer) -> None:
    _transforms(technique)
    for given in (examples(), _soft(examples()), examples(classes=2), examples(1)):
        targets = _shown(technique, given).targets
        require(bool((targets >= 0).all()), f"a target becomes {targets.min().item():g}")
        gap = (targets.sum(1) - 1).abs().max().item()
        require(gap <= 1e-5, f"the targets of an example sum to one up to {gap:g}; allowed: 1e-5")


def _weighted(batch: Batch) -> Batch:
    """The batch with a weight for each example, so that all its fields are tensors."""
    return batch._replace(weights=torch.ones_like(batch.targets[:, 0]))


def a_batch_keeps_its_shape(technique: Regularizer) -> None:
    _transforms(technique)
    given = _weighted(examples())
    shown = _shown(technique, given)
    require(isinstance(shown, Batch), f"it returns {type(shown).__name__}; allowed: batch._replace(...)")
    for name in Batch._fields:
        one, other = getattr(given, name).shape, getattr(shown, name).shape
        require(one == other, f"{name} of shape {tuple(one)} become {tuple(other)}")


def a_batch_keeps_its_type_and_device(technique: Regularizer) -> None:
    _transforms(technique)
    devices = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    for device, dtype in product(devices, (torch.float32, torch.float64)):
        inputs, targets, indices = (part.to(device) for part in examples()[:3])
        given = _weighted(Batch(inputs.to(dtype), targets.to(dtype), indices))
        shown = _shown(technique, given)
        for name in Batch._fields:
            one, other = getattr(given, name), getattr(shown, name)
            require(one.dtype == other.dtype, f"{name} of {one.dtype} become {other.dtype}")
            require(one.device == other.device, f"{name} on {one.device} go to {other.device}")


def a_batch_keeps_the_order_of_its_examples(technique: Regularizer) -> None:
    _transforms(technique)
    given = examples()
    require(torch.equal(_shown(technique, given).indices, given.indices), "it changes the indices of the examples")


def inputs_stay_finite(technique: Regularizer) -> None:
    _transforms(technique)
    blank = examples()._replace(inputs=torch.zeros_like(examples().inputs))
    for given in (examples(), blank, blank._replace(inputs=blank.inputs + 1)):
        require(bool(_shown(technique, given).inputs.isfinite().all()), "an input becomes NaN or infinite")


def inputs_stay_between_zero_and_one(technique: Regularizer) -> None:
    _transforms(technique)
    if technique.leaves_unit_range:
        raise NotApplicable("it says that inputs leave [0, 1]")
    white = examples()._replace(inputs=torch.ones_like(examples().inputs))
    for given in (examples(), white):
        for first in range(20):
            inputs = _shown(technique, given, first=first).inputs
            low, high = inputs.min().item(), inputs.max().item()
            require(
                low >= 0 and high <= 1,
                f"inputs in [0, 1] become {low!r} to {high!r}; allowed: leaves_unit_range = True",
            )


def inputs_carry_no_gradient(technique: Regularizer) -> None:
    _transforms(technique)
    shown = _shown(technique, examples())
    require(not shown.inputs.requires_grad and not shown.targets.requires_grad, "it hands on a graph: call detach()")


def the_inputs_of_the_data_set_stay_as_they_are(technique: Regularizer) -> None:
    data = examples()
    kept = data.inputs.clone()
    Steps(technique).take(data, data)
    require(torch.equal(data.inputs, kept), "it changes the inputs of the data set in place; return new ones")


def the_labels_of_the_data_set_stay_as_they_are(technique: Regularizer) -> None:
    data = examples()
    kept = data.targets.clone(), data.indices.clone()
    Steps(technique).take(data, data)
    same = torch.equal(data.targets, kept[0]) and torch.equal(data.indices, kept[1])
    require(same, "it changes the targets or indices of the data set in place; return new ones")


def a_batch_of_one_can_be_trained(technique: Regularizer) -> None:
    bits = Steps(technique).take(examples(1), examples(1)).bits()
    require(all(value.isfinite().all() for value in bits.values()), "after a batch of one something is NaN or infinite")


def a_smaller_last_batch_can_be_trained(technique: Regularizer) -> None:
    bits = Steps(technique).take(examples(), examples(EXAMPLES - 3), examples()).bits()
    require(
        all(value.isfinite().all() for value in bits.values()), "after a smaller batch something is NaN or infinite"
    )


def two_classes_can_be_trained(technique: Regularizer) -> None:
    bits = Steps(technique, classes=2).take(examples(classes=2), examples(classes=2)).bits()
    require(all(value.isfinite().all() for value in bits.values()), "with two classes something is NaN or infinite")


def inputs_that_are_no_images_are_taken_or_refused_as_declared(technique: Regularizer) -> None:
    flat = examples(shape=(6,))
    try:
        Steps(technique, shape=(6,)).take(flat, flat)
    except UserError as error:
        require("images" in technique.needs, f'rows of numbers are refused ({error}), and needs lacks "images"')
    else:
        require("images" not in technique.needs, 'rows of numbers are taken, though needs has "images"')


def inputs_beyond_zero_and_one_are_taken_or_refused_as_declared(technique: Regularizer) -> None:
    wide = examples()
    wide = wide._replace(inputs=6 * wide.inputs - 3)
    try:
        Steps(technique).take(wide, wide)
    except UserError as error:
        require(
            "unit_range" in technique.needs, f'inputs from -3 to 3 are refused ({error}), and needs lacks "unit_range"'
        )
    else:
        require("unit_range" not in technique.needs, 'inputs from -3 to 3 are taken, though needs has "unit_range"')
