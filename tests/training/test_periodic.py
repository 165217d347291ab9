"""Periodic embeddings against their formula."""

import numpy as np
import torch

from reglab.core.streams import generator
from reglab.training.periodic import Periodic


def test_each_number_becomes_the_sines_and_cosines_of_its_own_frequencies():
    layer = Periodic(features=3, frequencies=2, std=0.7).double()
    inputs = torch.randn(4, 3, generator=generator("embedding"), dtype=torch.float64)
    x, c = inputs.numpy(), layer.frequencies.detach().numpy()
    expected = []
    for row in x:
        values = []
        for number, frequencies in zip(row, c, strict=True):
            values += [np.sin(2 * np.pi * each * number) for each in frequencies]
            values += [np.cos(2 * np.pi * each * number) for each in frequencies]
        expected.append(values)
    assert np.allclose(layer(inputs).detach(), expected, rtol=0, atol=1e-12)


def test_a_number_and_the_next_one_a_period_away_are_embedded_alike():
    layer = Periodic(features=1, frequencies=1, std=1.0).double()
    period = 1 / layer.frequencies.detach()
    inputs = torch.linspace(-1, 1, 9, dtype=torch.float64).unsqueeze(1)
    assert torch.allclose(layer(inputs), layer(inputs + period), rtol=0, atol=1e-12)


def test_frequencies_start_from_a_normal_distribution_of_the_given_deviation():
    torch.manual_seed(0)
    drawn = Periodic(features=100, frequencies=100, std=0.3).frequencies.detach()
    assert abs(drawn.mean()) < 4 * 0.3 / 100  # four standard errors of 10^4 draws
    assert abs(drawn.std() - 0.3) < 4 * 0.3 / np.sqrt(2 * 10**4)
    assert abs((drawn.abs() < 0.3).double().mean() - 0.6827) < 4 * np.sqrt(0.6827 * 0.3173 / 10**4)


def test_images_are_read_as_rows_of_numbers():
    layer = Periodic(features=12, frequencies=5, std=0.1)
    images = torch.rand(2, 3, 2, 2)
    assert layer(images).shape == (2, 12 * 2 * 5) and torch.equal(layer(images), layer(images.flatten(1)))
