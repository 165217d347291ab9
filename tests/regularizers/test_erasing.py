import pytest
import torch

from reglab.core.streams import Moment
from reglab.regularizers.erasing import Erasing


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 1.0])
def test_the_share_asked_for_goes_black_and_the_rest_stays(network, batch, share):
    images = torch.ones(300, 2, 20, 20) / 2
    shown = Erasing(share).transform_batch(batch._replace(inputs=images), network)
    erased = shown.inputs == 0
    assert torch.equal(shown.inputs[~erased], images[~erased]) and torch.equal(erased[:, 0], erased[:, 1])
    assert (erased[:, 0].float().mean((1, 2)) - share).abs().max() <= 10 / 400 + 1e-6  # half of at most 20 rows
    assert (erased[:, 0].float().mean((1, 2)).mean() - share).abs() < 0.01
    assert shown.targets is batch.targets and shown.indices is batch.indices


def test_share_zero_shows_the_inputs_bit_for_bit(network, batch):
    assert torch.equal(Erasing(0.0).transform_batch(batch, network).inputs, batch.inputs)


def test_each_step_erases_elsewhere_and_the_same_step_alike(network, batch):
    def shown(step):
        network.moment = Moment(seed=0, epoch=0, step=step)
        return Erasing(0.3).transform_batch(batch, network).inputs

    assert torch.equal(shown(1), shown(1)) and not torch.equal(shown(1), shown(2))
