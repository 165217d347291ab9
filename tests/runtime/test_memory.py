"""Freed memory stays in a worker for the next tensors."""

import resource
import sys

import pytest

from reglab.runtime.processes import run_all

STEPS = 10


def pages_of_later_steps() -> int:
    """Pages that the system had to provide for steps of a convolutional network after as many others.

    The least of several times: now and then a fork copies pages of its parent.
    """
    import torch
    from torch import nn

    first, second = (nn.Conv2d(n, m, 3, padding=1) for n, m in ((1, 16), (16, 32)))
    network = nn.Sequential(first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU(), nn.MaxPool2d(2))
    network, images = network.to(memory_format=torch.channels_last), torch.rand(64, 1, 32, 32)

    def pages() -> int:
        for _ in range(STEPS):
            network.zero_grad()
            network(images).sum().backward()
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    return min(-pages() + pages() for _ in range(4))


@pytest.mark.skipif(sys.platform != "linux", reason="mallopt belongs to the C library of Linux")
def test_a_worker_allocates_again_what_it_has_freed_without_new_pages_of_the_system():
    [pages] = run_all([(pages_of_later_steps,)], processes=1)
    assert pages < 100 * STEPS  # without it about 1,600 a step
