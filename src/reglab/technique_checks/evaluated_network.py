"""Checks of the evaluated network: how a technique may change predictions."""

import torch

from reglab.technique_checks.results import NotApplicable, require
from reglab.technique_checks.workbench import CLASSES, Steps, difference, examples, stepped
from reglab.training.regularizer import Regularizer


def evaluation_mode_is_that_of_the_plain_network(technique: Regularizer) -> None:
    if technique.acts_in_prediction:
        raise NotApplicable("it says that it acts in prediction")
    inputs = examples().inputs
    with torch.no_grad():
        expected, scores = (Steps(*one).network.eval()(inputs) for one in ((), (technique,)))
    require(
        torch.equal(expected, scores),
        "its forward hooks act in evaluation mode; ask `layer.training`, or declare acts_in_prediction = True",
    )


def what_acts_in_prediction_is_declared_rightly(technique: Regularizer) -> None:
    if not technique.acts_in_prediction:
        raise NotApplicable("it does not say that it acts in prediction")
    if type(technique).prepare_model is Regularizer.prepare_model:
        require(False, "acts_in_prediction = True, and it registers no forward hook")


def prediction_gives_finite_scores_for_every_example(technique: Regularizer) -> None:
    scores = stepped(technique).predicted(examples().inputs)
    require(scores.shape == (len(examples().inputs), CLASSES), f"scores have the shape {tuple(scores.shape)}")
    require(bool(scores.isfinite().all()), "a score is NaN or infinite")


def prediction_twice_gives_the_same_bits(technique: Regularizer) -> None:
    learner = stepped(technique)
    one, other = (learner.predicted(examples().inputs) for _ in range(2))
    require(torch.equal(one, other), "two predictions of one network differ")


def a_prediction_does_not_depend_on_the_rest_of_the_batch(technique: Regularizer) -> None:
    learner, inputs = stepped(technique), examples().inputs
    together = learner.predicted(inputs)
    alone = torch.cat([learner.predicted(row[None]) for row in inputs])
    gap = (together - alone).abs().max().item()
    require(gap <= 1e-5, f"an example's scores differ by {gap:g} when it is alone; allowed: 1e-5")


def evaluating_leaves_the_network_as_it_is(technique: Regularizer) -> None:
    learner = stepped(technique)
    state = {key: value.clone() for key, value in learner.network.state_dict().items()}
    modes = [module.training for module in learner.network.modules()]
    technique.evaluation_model(learner.network)
    differ = difference(state, learner.network.state_dict())
    require(not differ, f"evaluation_model changes {differ} of the network that goes on training; copy it first")
    require([module.training for module in learner.network.modules()] == modes, "evaluation_model changes the mode")


def evaluating_between_steps_leaves_the_training_as_it_is(technique: Regularizer) -> None:
    batch, evaluated = examples(), Steps(technique)
    for _ in range(3):
        evaluated.take(batch)
        evaluated.predicted(batch.inputs)
    differ = difference(stepped(technique, steps=3).bits(), evaluated.bits())
    require(not differ, f"a network that is evaluated after every step trains otherwise: {differ}")
