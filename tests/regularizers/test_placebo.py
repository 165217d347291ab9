import torch

from reglab.regularizers.base import Regularizer
from reglab.regularizers.placebo import Placebo


def test_it_hands_the_batch_on_and_does_draw(network, batch):
    before = torch.get_rng_state()
    assert Placebo().transform_batch(batch, network) is batch
    assert not torch.equal(torch.get_rng_state(), before)


def test_it_has_no_other_hook():
    assert {name for name in vars(Regularizer) if not name.startswith("_")} & set(vars(Placebo)) == {
        "topic",
        "checks",
        "transform_batch",
    }
