"""Checks of the loss, and of what a technique does before the first step, between epochs and after training."""

from torch import Tensor

from reglab.config.stacks import overrides
from reglab.technique_checks.results import NotApplicable, require
from reglab.technique_checks.workbench import difference, examples, stepped
from reglab.training.regularizer import Regularizer


def its_loss_is_one_finite_number(technique: Regularizer) -> None:
    if not (overrides(technique, "transform_loss") or overrides(technique, "transform_criterion")):
        raise NotApplicable("it leaves the loss as it is")
    learner, batch = stepped(technique), examples()
    loss = learner.criterion(learner.network(batch.inputs), batch.targets)
    for result in (loss, technique.transform_loss(loss, learner.network, batch, learner.criterion)):
        require(isinstance(result, Tensor), f"the loss is of type {type(result).__name__}; allowed: a tensor")
        require(result.ndim == 0, f"the loss has the shape {tuple(result.shape)}; allowed: ()")
        require(bool(result.isfinite()), f"the loss is {result.item()}")


def preparing_a_training_again_changes_nothing(technique: Regularizer) -> None:
    if not overrides(technique, "prepare_training"):
        raise NotApplicable("it does not look at the examples beforehand")
    learner = stepped(technique)
    before = learner.bits()
    technique.prepare_training(learner.network, examples())
    differ = difference(before, learner.bits())
    require(not differ, f"called again, as where a killed training goes on, prepare_training changes {differ}")


def between_epochs_and_after_training_it_changes_buffers_only(technique: Regularizer) -> None:
    if not (overrides(technique, "after_epoch") or overrides(technique, "after_training")):
        raise NotApplicable("it does nothing after an epoch or after training")
    learner, batch = stepped(technique), examples()
    kept = {key: parameter.detach().clone() for key, parameter in learner.network.named_parameters()}
    technique.after_epoch(learner.network, batch, 1.0)
    learner.after_training(batch)
    differ = difference(kept, dict(learner.network.named_parameters()))
    require(not differ, f"it changes {differ}; allowed: buffers, which evaluation_model uses")
    odd = [key for key, value in learner.network.state_dict().items() if not value.isfinite().all()]
    require(not odd, f"{', '.join(odd)} becomes NaN or infinite")
