from types import SimpleNamespace

import pytest
import torch

from reglab.core.checks import standard_errors
from reglab.core.streams import Moment, generator
from reglab.data.loader import Batch
from reglab.regularizers.cutmix import CutMix, paste


def test_pixels_inside_are_the_partners_and_targets_mix_in_the_shares_of_the_pixels(batch):
    inside = torch.zeros(8, 1, 4, 4, dtype=torch.bool)
    inside[0, :, :2, 1:4] = True  # 6 of 16 pixels
    partner = torch.tensor([1, 0, 3, 2, 5, 4, 7, 6])
    mixed = paste(batch, inside, partner)
    assert torch.equal(mixed.inputs[0, 0, :2, 1:], batch.inputs[1, 0, :2, 1:])
    assert torch.equal(mixed.inputs[0, 0, 2:], batch.inputs[0, 0, 2:])
    assert torch.equal(mixed.targets[0], torch.tensor([10 / 16, 6 / 16, 0]))
    assert torch.equal(mixed.inputs[1:], batch.inputs[1:]) and torch.equal(mixed.targets[1:], batch.targets[1:])


@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0])
def test_shares_follow_the_symmetric_beta_distribution_and_are_those_of_the_pixels(alpha):
    examples, side = 3000, 40
    images = torch.arange(examples).float()[:, None, None, None].expand(-1, 1, side, side)
    now = SimpleNamespace(moment=Moment(seed=0, epoch=0, step=1))
    mixed = CutMix(alpha).transform_batch(Batch(images, torch.eye(examples), None), now)
    kept = (mixed.inputs == images).float().mean((1, 2, 3))
    assert torch.allclose(mixed.targets.diag(), kept, atol=1e-6)
    assert torch.allclose(mixed.targets.sum(1), torch.ones(examples), atol=1e-6)
    assert standard_errors(kept, 0.5) < 4
    assert standard_errors((kept - 0.5) ** 2, 1 / (4 * (2 * alpha + 1))) < 4


def test_rectangles_lie_in_different_places(network):
    batch = Batch(torch.rand(64, 1, 16, 16, generator=generator("cutmix test")), torch.eye(64), torch.arange(64))
    mixed = CutMix(5.0).transform_batch(batch, network)
    changed = (mixed.inputs != batch.inputs)[:, 0]
    first = changed.flatten(1).float().argmax(1)  # the upper left corner of each rectangle
    assert len(first.unique()) > 20


def test_strength_zero_mixes_nothing(network, batch):
    assert CutMix(0.0).transform_batch(batch, network) is batch


def test_the_same_step_mixes_alike_and_another_step_otherwise(network, batch):
    def inputs(step):
        network.moment = Moment(seed=0, epoch=0, step=step)
        return CutMix().transform_batch(batch, network).inputs

    assert torch.equal(inputs(1), inputs(1)) and not torch.equal(inputs(1), inputs(2))
