"""The residual network: its layers, sizes and formula."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from reglab.core.streams import generator
from reglab.models.resnet import Projection, ResNet
from reglab.training.network import ResidualBlock, build
from reglab.training.weights import weights

CLASSES = 4


def images(shape, count=3):
    return torch.randn(count, *shape, generator=generator("resnet"), dtype=torch.float64)


@pytest.mark.parametrize(("depth", "layers"), [(3, 20), (5, 32), (9, 56)])
def test_with_three_stages_it_has_the_layers_that_he_et_al_trained_on_cifar_10(depth, layers):
    network = build(ResNet(depth=depth), (3, 32, 32), 10, seed=0)
    projections = [name for name in weights(network) if "shortcut" in name]
    assert len(weights(network)) - len(projections) == layers and len(projections) == 2


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (2, 9, 13), (1, 1, 1), (4, 5, 64)])
def test_each_stage_but_the_first_halves_the_image_and_doubles_the_channels(shape):
    model = ResNet(width=3, depth=2, stages=3)
    network = build(model, shape, CLASSES, seed=0).double()
    units, channels, size = network.hidden_layers[0](images(shape)), 3, list(shape[1:])
    for number, block in enumerate(network.hidden_layers[1:-1]):
        assert isinstance(block, ResidualBlock)
        if number in (2, 4):
            channels, size = 2 * channels, [-(-side // 2) for side in size]
        units = block(units)
        assert units.shape == (3, channels, *size)
    assert network.head.in_features == channels
    assert network(images(shape)).shape == (3, CLASSES)


def normalized(maps, kind):
    if kind == "none":
        return maps
    axes = (0, 2, 3) if kind == "batch" else (1, 2, 3)
    return (maps - maps.mean(axes, keepdim=True)) / (maps.var(axes, keepdim=True, correction=0) + 1e-5).sqrt()


@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
def test_it_computes_its_formula(normalization):
    model = ResNet(width=3, depth=2, stages=2, normalization=normalization)
    network = build(model, (2, 6, 5), CLASSES, seed=0).double()
    state = network.state_dict()
    at = {"none": ("1", "3")}.get(normalization, ("2", "5"))

    def convolution(maps, name, **how):
        return functional.conv2d(maps, state[f"backbone.{name}.weight"], state.get(f"backbone.{name}.bias"), **how)

    units = convolution(images((2, 6, 5)), "0.0", padding=1)
    for number in (1, 2, 3, 4):
        stride = 2 if number == 3 else 1
        inner = convolution(
            normalized(units, normalization).clamp(min=0), f"{number}.branch.{at[0]}", padding=1, stride=stride
        )
        branch = convolution(normalized(inner, normalization).clamp(min=0), f"{number}.branch.{at[1]}", padding=1)
        units = (convolution(units, f"{number}.shortcut", stride=2) if stride == 2 else units) + branch
    features = normalized(units, normalization).clamp(min=0).mean((2, 3))
    expected = features @ network.head.weight.T + network.head.bias
    assert torch.allclose(network(images((2, 6, 5))), expected, rtol=0, atol=1e-12)


def test_convolutions_have_a_bias_only_where_nothing_normalizes_them():
    for normalization in ("none", "batch", "layer"):
        network = build(ResNet(width=2, depth=1, normalization=normalization), (1, 8, 8), CLASSES, seed=0)
        biases = [module.bias is not None for module in network.modules() if isinstance(module, torch.nn.Conv2d)]
        assert set(biases) == {normalization == "none"}


@pytest.mark.parametrize("size", [6, 7])
def test_a_projection_is_the_convolution_with_a_stride(size):
    torch.manual_seed(0)
    projection = Projection(3, 6, 2, bias=True)
    strided = nn.Conv2d(3, 6, kernel_size=1, stride=2)
    strided.load_state_dict(projection.state_dict())
    maps = torch.randn(4, 3, size, size)
    assert torch.allclose(projection(maps), strided(maps), rtol=0, atol=1e-6)
