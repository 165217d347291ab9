import torch
from torch.utils._python_dispatch import TorchDispatchMode

from reglab.regularizers.placebo import Placebo
from reglab.training.regularizer import Regularizer


class Random(TorchDispatchMode):
    """Counts the operations that draw random numbers."""

    def __init__(self):
        super().__init__()
        self.draws = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.draws += torch.Tag.nondeterministic_seeded in operation.tags
        return operation(*args, **(kwargs or {}))


def test_it_hands_the_batch_on_and_does_draw(network, batch):
    with Random() as random:
        assert Placebo().transform_batch(batch, network) is batch
    assert random.draws == 1


def test_it_has_no_other_hook():
    assert {name for name in vars(Regularizer) if not name.startswith("_")} & set(vars(Placebo)) == {
        "topic",
        "lecture",
        "off",
        "checks",
        "transform_batch",
    }
