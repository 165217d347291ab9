import torch

from reglab.core.streams import Moment, generator, seed_of


def test_a_stream_depends_on_its_keys_alone():
    first = torch.rand(5, generator=generator(1, "mixup", 7))
    torch.rand(1000)
    torch.rand(3, generator=generator(1, "dropout/0", 7))
    assert torch.equal(first, torch.rand(5, generator=generator(1, "mixup", 7)))


def test_ten_thousand_streams_have_seeds_that_hardly_collide():
    seeds = {seed_of(seed, stream, step) for seed in range(10) for stream in ("a", "b") for step in range(500)}
    assert len(seeds) >= 9_990  # the expected number of collisions among 10,000 draws of 32 bits is 0.012


def test_keys_are_not_run_together():
    assert seed_of(1, "1") != seed_of(11, "") and seed_of("a", 12) != seed_of("a1", 2)


def test_an_example_is_augmented_alike_in_whatever_batch_it_sits():
    moment = Moment(seed=3, epoch=5, step=70)
    alone = moment.uniform("affine", torch.tensor([17]), draws=4, examples=50)
    among = moment.uniform("affine", torch.tensor([2, 17, 40]), draws=4, examples=50)
    assert torch.equal(alone[0], among[1])
    later = Moment(seed=3, epoch=5, step=99).uniform("affine", torch.tensor([17]), draws=4, examples=50)
    assert torch.equal(alone, later)
    assert not torch.equal(alone, Moment(3, 6, 70).uniform("affine", torch.tensor([17]), draws=4, examples=50))
