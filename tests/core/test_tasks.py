"""The three tasks: targets, losses and predictions of classes, of amounts and of labels."""

import numpy as np
import pytest
import torch
from sklearn.metrics import hamming_loss, log_loss
from torch.nn import functional

from reglab.core.tasks import Classification, Multilabel, Regression

TASKS = [Classification(3), Regression(1e5, 20.0), Multilabel(4)]
OUTPUTS = {
    "classification": torch.randn(8, 3, generator=torch.Generator().manual_seed(0)),
    "regression": torch.randn(8, 1, generator=torch.Generator().manual_seed(0)),
    "multilabel": torch.randn(8, 4, generator=torch.Generator().manual_seed(0)),
}
LABELS = {
    "classification": np.arange(8) % 3,
    "regression": 1e5 + 20.0 * np.arange(8.0),
    "multilabel": (np.arange(32).reshape(8, 4) % 3 == 0).astype(np.uint8),
}
each_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


def case(task):
    return OUTPUTS[task.name], task.targets(LABELS[task.name]), torch.as_tensor(LABELS[task.name])


@each_task
def test_the_criterion_is_the_mean_of_the_losses_of_the_examples(task):
    outputs, targets, _ = case(task)
    mean = task.losses(outputs, targets).mean().item()
    assert task.criterion(outputs, targets).item() == pytest.approx(mean, abs=1e-6)


@each_task
def test_outputs_of_predictions_predict_the_same(task):
    predictions = task.predictions(OUTPUTS[task.name].double())
    assert torch.allclose(task.predictions(task.outputs_of(predictions)), predictions, rtol=1e-9)


@each_task
def test_the_targets_as_outputs_have_the_best_value(task):
    _, targets, labels = case(task)
    best = 1.0 if task.name == "classification" else 0.0
    assert task.value(task.predictions(targets.double()), labels) == pytest.approx(best, abs=1e-9)


@each_task
def test_the_curves_measure_what_the_predictions_say(task):
    outputs, targets, labels = case(task)
    measured = task.measure(outputs, targets)
    assert next(iter(measured)) == task.loss
    value = task.value(task.predictions(outputs.double()), labels)
    assert measured[task.score].item() == pytest.approx(value, rel=1e-6)


def test_a_classification_is_torchs_cross_entropy():
    outputs, targets, labels = case(TASKS[0])
    assert torch.equal(TASKS[0].criterion(outputs, targets), functional.cross_entropy(outputs, targets))
    assert torch.equal(targets.argmax(1), labels)


def test_amounts_are_standardized_and_come_back_in_their_unit():
    _, targets, labels = case(TASKS[1])
    assert targets[:, 0].tolist() == list(range(8))
    assert torch.allclose(TASKS[1].predictions(targets.double())[:, 0], labels)


def test_labels_are_scikit_learns_log_loss_of_each_label():
    outputs, targets, labels = case(TASKS[2])
    losses = [log_loss(labels[:, label], outputs[:, label].sigmoid().double()) for label in range(4)]
    assert TASKS[2].criterion(outputs, targets).item() == pytest.approx(np.mean(losses), abs=1e-6)
    value = TASKS[2].value(TASKS[2].predictions(outputs), labels)
    assert value == pytest.approx(hamming_loss(labels, (outputs > 0).numpy()), abs=1e-12)


def test_a_network_of_labels_is_not_made_to_choose_one():
    """Every label is certain, and the probabilities of an example sum to the number of its labels."""
    outputs = torch.tensor([[40.0, 40.0, -40.0], [-40.0, -40.0, -40.0]])
    assert TASKS[2].predictions(outputs).sum(1).tolist() == pytest.approx([2.0, 0.0], abs=1e-6)
    assert Multilabel(3).criterion(outputs, torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])).item() < 1e-12


def test_a_certain_probability_has_a_finite_output():
    assert TASKS[2].outputs_of(torch.tensor([0.0, 1.0])).isfinite().all()
