from types import SimpleNamespace

import pytest
import torch

from reglab.core.checks import standard_errors
from reglab.core.streams import Moment
from reglab.data.loader import Batch
from reglab.regularizers.mixup import Mixup, mix


def test_rows_of_targets_sum_to_one_and_inputs_lie_between_their_parents(batch):
    partner = torch.tensor([1, 0, 3, 2, 5, 4, 7, 6])
    mixed = mix(batch, 0.25, partner)
    assert torch.allclose(mixed.targets.sum(1), torch.ones(8))
    assert torch.allclose(mixed.inputs, 0.25 * batch.inputs + 0.75 * batch.inputs[partner])
    assert torch.allclose(mixed.targets, 0.25 * batch.targets + 0.75 * batch.targets[partner])


@pytest.mark.parametrize("alpha", [0.4, 2.0])
def test_shares_follow_the_symmetric_beta_distribution(alpha):
    corners = torch.eye(16, dtype=torch.float64)  # a mixed corner shows its share
    shares = []
    for step in range(600):
        now = SimpleNamespace(moment=Moment(seed=0, epoch=0, step=step))
        mixed = Mixup(alpha).transform_batch(Batch(corners, corners, None), now)
        assert torch.equal(mixed.inputs, mixed.targets)
        shares.append(mixed.inputs.diag().min())
    shares = torch.stack(shares)
    assert standard_errors(shares, 0.5) < 4
    assert standard_errors((shares - 0.5) ** 2, 1 / (4 * (2 * alpha + 1))) < 4


def test_strength_zero_mixes_nothing(network, batch):
    assert Mixup(0.0).transform_batch(batch, network) is batch
