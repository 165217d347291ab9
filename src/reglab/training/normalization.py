"""Normalization of hidden units, and the running averages that batch normalization keeps."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

Normalization = Literal["none", "batch", "layer"]


class _RunningAveragesForOneValue:
    """Normalizes by the running averages, as in prediction, where a training batch has one value per unit."""

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training and inputs.numel() == inputs.shape[1]:
            return functional.batch_norm(
                inputs, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(inputs)


class BatchNorm1d(_RunningAveragesForOneValue, nn.BatchNorm1d):
    """Batch normalization of units (batch, units) that also takes the last batch of an epoch when it has one example.

    One value has no variance, so torch's own layer raises there. Source: Ioffe and Szegedy, Batch Normalization:
    Accelerating Deep Network Training by Reducing Internal Covariate Shift, 2015, algorithms 1 and 2.
    """


class BatchNorm2d(_RunningAveragesForOneValue, nn.BatchNorm2d):
    """The same for maps (batch, channels, height, width), normalized over batch and places; one value: 1 x 1 pixels."""


def of_units(normalization: Normalization, units: int) -> list[nn.Module]:
    """The layer that normalizes units (batch, units), in a list that is empty for `none`.

    `batch`: each unit over the batch. `layer`: each example over its units (Ba, Kiros and Hinton, Layer Normalization,
    2016, eq. 4). Both have a gain and a bias for each unit.
    """
    return {"none": [], "batch": [BatchNorm1d(units)], "layer": [nn.LayerNorm(units)]}[normalization]


def of_maps(normalization: Normalization, channels: int) -> list[nn.Module]:
    """The layer that normalizes maps (batch, channels, height, width), in a list that is empty for `none`.

    `batch`: each channel over batch and places. `layer`: each example over channels and places, which is group
    normalization with one group (Wu and He, Group Normalization, 2018, section 3.1). Gains and biases are by channel.
    """
    return {"none": [], "batch": [BatchNorm2d(channels)], "layer": [nn.GroupNorm(1, channels)]}[normalization]


def _batch_norms(model: nn.Module) -> Iterator[_BatchNorm]:
    return (module for module in model.modules() if isinstance(module, _BatchNorm) and module.track_running_stats)


@contextmanager
def running_averages_kept(model: nn.Module) -> Iterator[None]:
    """Within the block batch normalization uses the statistics of the batch and leaves its running averages as they are.

    For a second pass of a training step, so that a step moves the running averages once.
    """
    layers = list(_batch_norms(model))
    try:
        for layer in layers:
            layer.track_running_stats = False
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True


def running_averages(model: nn.Module) -> Iterator[tuple[nn.Module, str]]:
    """Each layer of batch normalization, with the names of its buffers of running means and variances."""
    return ((layer, name) for layer in _batch_norms(model) for name in ("running_mean", "running_var"))
