import pytest
import torch
from torch.nn import functional

from reglab.core.tasks import Multilabel
from reglab.models.mlp import MLP
from reglab.regularizers.label_smoothing import LabelSmoothing, smooth
from reglab.regularizers.mixup import mix
from reglab.training.network import build


def test_the_right_class_loses_what_the_others_share(network, batch):
    smoothed = LabelSmoothing(0.2).transform_batch(batch, network)
    right = batch.targets.bool()
    assert torch.allclose(smoothed.targets[right], torch.tensor(0.8)) and torch.allclose(
        smoothed.targets[~right], torch.tensor(0.1)
    )
    assert smoothed.inputs is batch.inputs and smoothed.indices is batch.indices


def test_with_two_classes_half_is_no_information():
    assert torch.equal(smooth(torch.eye(2), 0.5, 1), torch.full((2, 2), 0.5))


def test_smoothing_zero_leaves_the_targets_bit_for_bit(batch):
    assert torch.equal(smooth(batch.targets, 0.0, 2), batch.targets)


def test_it_commutes_with_mixing(batch):
    partner = torch.arange(7, -1, -1)
    one = smooth(mix(batch, 0.3, partner).targets, 0.2, 2)
    other = mix(batch._replace(targets=smooth(batch.targets, 0.2, 2)), 0.3, partner).targets
    assert torch.allclose(one, other, rtol=0, atol=1e-7) and torch.allclose(one.sum(1), torch.ones(8))


def test_each_of_several_labels_is_smoothed_for_itself(batch):
    """torch's cross-entropy of the two classes "there" and "not there", with twice the smoothing spread over both."""
    labels = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    outputs = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    network = build(MLP(depth=0), (4,), Multilabel(3), seed=0)
    given = LabelSmoothing(0.1).transform_batch(batch._replace(targets=labels), network).targets
    assert torch.allclose(given, torch.where(labels == 1, 0.9, 0.1))
    both = torch.stack([-outputs / 2, outputs / 2], 2).flatten(0, 1)  # softmax of these is the sigmoid of the output
    theirs = functional.cross_entropy(both, labels.flatten().long(), label_smoothing=0.2)
    assert network.task.criterion(outputs, given).item() == pytest.approx(theirs.item(), abs=1e-6)
