"""Class weighting against scikit-learn and PyTorch, and what it leaves as it is."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import cross_entropy

from reglab.data.loader import whole
from reglab.regularizers.class_weighting import ClassWeighting, balanced
from reglab.technique_checks.workbench import Steps, difference, examples

LABELS = torch.tensor([0, 0, 0, 0, 0, 1, 2, 2])


def prepared(network, batch, strength=1.0):
    technique = ClassWeighting(strength)
    technique.prepare_model(network)
    criterion = technique.transform_criterion(cross_entropy, network)
    technique.prepare_training(network, whole(batch.inputs, LABELS, 3))
    return criterion


@pytest.mark.parametrize("check", ClassWeighting.checks(), ids=lambda check: check.name)
def test_it_meets_its_closed_form(check):
    assert check.passed, check


def test_the_weights_are_those_of_scikit_learn():
    labels = LABELS.numpy()
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    assert np.allclose(balanced(torch.bincount(LABELS).double()).numpy(), expected, rtol=1e-12)


def test_a_class_without_examples_keeps_weight_one_and_does_not_count():
    assert balanced(torch.tensor([3.0, 0.0, 1.0])).tolist() == pytest.approx([4 / 6, 1.0, 2.0])


@pytest.mark.parametrize("strength", [0.25, 1.0])
def test_the_loss_is_that_of_torch_with_class_weights_and_the_mean_over_the_batch(network, batch, strength):
    criterion = prepared(network, batch, strength)
    logits = network(batch.inputs)
    weights = 1 + strength * (balanced(torch.bincount(LABELS).double()).float() - 1)
    expected = cross_entropy(logits, batch.targets.argmax(1), weight=weights, reduction="sum") / len(logits)
    assert criterion(logits, batch.targets).item() == pytest.approx(expected.item(), rel=1e-6)


def test_balanced_classes_are_trained_as_without_weights_bit_for_bit():
    balanced_examples = examples(6)
    result = []
    for techniques in ((), (ClassWeighting(),)):
        learner = Steps(*techniques)
        learner.prepare_training(balanced_examples)
        result.append(learner.take(balanced_examples, balanced_examples).bits())
    assert not difference(*result)
