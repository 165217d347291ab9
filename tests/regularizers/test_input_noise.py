import torch

from reglab.core.checks import standard_errors
from reglab.core.streams import Moment, generator
from reglab.regularizers.input_noise import InputNoise


def test_only_inputs_change_and_by_noise_of_the_deviation(network, batch):
    shown = InputNoise(0.3).transform_batch(batch._replace(inputs=torch.zeros(500, 1, 4, 4)), network)
    assert shown.targets is batch.targets and shown.indices is batch.indices
    assert standard_errors(shown.inputs.flatten(), 0.0) < 4
    assert standard_errors(shown.inputs.flatten() ** 2, 0.09) < 4


def test_noise_is_a_function_of_seed_and_step_and_of_nothing_that_was_drawn_before(network, batch):
    def shown(seed, step):
        network.moment = Moment(seed, epoch=0, step=step)
        return InputNoise(0.3).transform_batch(batch, network).inputs

    first = shown(0, 1)
    torch.rand(3)
    torch.rand(3, generator=generator("other"))
    assert torch.equal(shown(0, 1), first)
    assert not torch.equal(shown(0, 2), first) and not torch.equal(shown(1, 1), first)


def test_deviation_zero_shows_the_inputs_bit_for_bit(network, batch):
    assert torch.equal(InputNoise(0.0).transform_batch(batch, network).inputs, batch.inputs)
