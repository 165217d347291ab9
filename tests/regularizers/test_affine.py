import pytest
import torch

from reglab.core.errors import UserError
from reglab.core.streams import Moment
from reglab.regularizers.affine import Affine

NOTHING = {"rotation": 0.0, "translation": 0.0, "scale": 0.0, "shear": 0.0}


@pytest.mark.parametrize("name", NOTHING)
def test_each_setting_alone_moves_the_images_and_nothing_else(network, batch, name):
    shown = Affine(**NOTHING | {name: 0.3 if name in ("translation", "scale") else 30.0}).transform_batch(
        batch, network
    )
    assert shown.targets is batch.targets and shown.indices is batch.indices
    assert not torch.equal(shown.inputs, batch.inputs)
    assert shown.inputs.min() >= 0 and shown.inputs.max() <= 1  # mixtures of pixels and of zeros


def test_without_any_setting_the_images_stay_bit_for_bit(network, batch):
    assert torch.equal(Affine(**NOTHING).transform_batch(batch, network).inputs, batch.inputs)


def test_maps_are_a_function_of_seed_and_step(network, batch):
    def shown(seed, step):
        network.moment = Moment(seed, epoch=0, step=step)
        return Affine().transform_batch(batch, network).inputs

    assert torch.equal(shown(0, 1), shown(0, 1))
    assert not torch.equal(shown(0, 2), shown(0, 1)) and not torch.equal(shown(1, 1), shown(0, 1))


def test_an_example_twice_in_a_batch_is_shown_in_two_ways(network, batch):
    twice = batch._replace(inputs=batch.inputs[:1].expand(2, -1, -1, -1), indices=torch.zeros(2, dtype=torch.long))
    one, other = Affine().transform_batch(twice, network).inputs
    assert not torch.equal(one, other)


def test_what_is_no_image_is_refused(network, batch):
    with pytest.raises(UserError, match="examples of 16 numbers; allowed: images"):
        Affine().transform_batch(batch._replace(inputs=batch.inputs.flatten(1)), network)
