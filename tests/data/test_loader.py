import numpy as np
import torch

from reglab.data.loader import Loader, whole

EXAMPLES = whole(np.arange(10, dtype=np.float32).reshape(10, 1), np.arange(10) % 3, classes=3)


def epoch(loader, number):
    loader.set_epoch(number)
    return torch.cat([batch.indices for batch in loader])


def test_an_epoch_shows_every_example_once_with_its_own_target():
    loader = Loader(EXAMPLES, size=4, seed=0)
    batches = list(loader)
    assert [len(batch.inputs) for batch in batches] == [4, 4, 2] and len(loader) == 3
    assert sorted(torch.cat([batch.indices for batch in batches]).tolist()) == list(range(10))
    for batch in batches:
        assert torch.equal(batch.inputs[:, 0].long(), batch.indices)
        assert torch.equal(batch.targets.argmax(1), batch.indices % 3)


def test_the_order_is_a_function_of_seed_and_epoch():
    one, two = Loader(EXAMPLES, 4, seed=0), Loader(EXAMPLES, 3, seed=0)
    epoch(one, 0)
    torch.rand(100)
    assert torch.equal(epoch(one, 5), epoch(two, 5))
    assert not torch.equal(epoch(one, 5), epoch(one, 6))
    assert not torch.equal(epoch(one, 5), epoch(Loader(EXAMPLES, 4, seed=1), 5))
