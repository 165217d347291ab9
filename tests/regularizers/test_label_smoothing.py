import torch

from reglab.regularizers.label_smoothing import LabelSmoothing, smooth
from reglab.regularizers.mixup import mix


def test_the_right_class_loses_what_the_others_share(network, batch):
    smoothed = LabelSmoothing(0.2).transform_batch(batch, network)
    right = batch.targets.bool()
    assert torch.allclose(smoothed.targets[right], torch.tensor(0.8)) and torch.allclose(
        smoothed.targets[~right], torch.tensor(0.1)
    )
    assert smoothed.inputs is batch.inputs and smoothed.indices is batch.indices


def test_with_two_classes_half_is_no_information():
    assert torch.equal(smooth(torch.eye(2), 0.5), torch.full((2, 2), 0.5))


def test_smoothing_zero_leaves_the_targets_bit_for_bit(batch):
    assert torch.equal(smooth(batch.targets, 0.0), batch.targets)


def test_it_commutes_with_mixing(batch):
    partner = torch.arange(7, -1, -1)
    one = smooth(mix(batch, 0.3, partner).targets, 0.2)
    other = mix(batch._replace(targets=smooth(batch.targets, 0.2)), 0.3, partner).targets
    assert torch.allclose(one, other, rtol=0, atol=1e-7) and torch.allclose(one.sum(1), torch.ones(8))
