import numpy as np
import torch

from reglab.data.loader import Loader, PairedLoader, Repeated, whole, without_labels

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


def test_repeated_gives_as_many_full_batches_as_told_and_shows_all_examples_equally_often():
    loader = Repeated(EXAMPLES, 4, seed=0, steps=5)
    batches = list(loader)
    assert len(loader) == 5 and [len(batch.indices) for batch in batches] == [4] * 5
    shown = torch.cat([batch.indices for batch in batches])
    assert torch.bincount(shown).tolist() == [2] * 10
    assert sorted(shown[:10].tolist()) == list(range(10))


def test_repeated_on_fewer_examples_than_a_batch_fills_it():
    few = whole(np.zeros((3, 1), np.float32), np.arange(3), classes=3)
    assert [len(batch.indices) for batch in Repeated(few, 8, seed=0, steps=2)] == [8, 8]


def test_two_loaders_side_by_side_draw_apart_and_one_does_not_change_the_other():
    alone = epoch(Repeated(EXAMPLES, 4, seed=0, steps=5), 2)
    pairs = PairedLoader(Repeated(EXAMPLES, 4, 0, 5), Repeated(EXAMPLES, 6, 0, 5, stream="unlabelled_order"))
    pairs.set_epoch(2)
    both = list(pairs)
    assert len(pairs) == len(both) == 5
    assert torch.equal(torch.cat([pair.labelled.indices for pair in both]), alone)
    assert not torch.equal(torch.cat([pair.unlabelled.indices for pair in both])[:20], alone)


def test_without_labels_there_are_no_targets():
    batch = without_labels(np.ones((5, 1, 2, 2), np.float32))
    assert batch.targets.shape == (5, 0) and batch.indices.tolist() == list(range(5))


def test_both_sides_of_pairs_are_in_another_order_each_epoch():
    pairs = PairedLoader(Repeated(EXAMPLES, 4, 0, 5), Repeated(EXAMPLES, 4, 0, 5, stream="unlabelled_order"))
    orders = []
    for number in (0, 1):
        pairs.set_epoch(number)
        orders.append(
            [torch.cat([getattr(pair, side).indices for pair in pairs]) for side in ("labelled", "unlabelled")]
        )
    for first, second in zip(*orders, strict=True):
        assert not torch.equal(first, second)
