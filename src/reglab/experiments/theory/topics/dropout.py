"""The mean over all thinned networks, computed mask by mask, compared with one pass by the weight scaling rule.

Masks on n units give 2^n networks; one that keeps m units has probability keep^m (1 - keep)^(n - m). The prediction is
the arithmetic mean of their class probabilities, or the geometric mean, which is renormalised:

    P(y | x) proportional to prod over masks d of P(y | x; d)^chance(d)

For softmax regression log P(y | x; d) is w_y . (x d) + b_y, up to a term that is the same for all y, and linear in the
mask. So the geometric mean is the softmax of the mean scores, w_y . (keep x) + b_y: weight scaling is exact, the
lecture's result for keep = 1/2. It stays exact wherever scores are linear in each mask alone: in deep linear networks,
and for masks on the last hidden layer, whatever the layers before it are. With rectifiers between the masks and the
scores it is no longer exact, because E max(0, z) is not max(0, E z). The arithmetic mean differs from both even in
softmax regression; its probabilities are less extreme.

Sources: Goodfellow, Bengio and Courville, Deep Learning, 2016, section 7.12, eqs. 7.52 to 7.66; Warde-Farley, Goodfellow,
Courville and Bengio, An Empirical Analysis of Dropout in Piecewise Linear Networks, 2014.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar, NamedTuple

import torch
from annotated_types import Ge, Gt, Le, Lt
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import cross_entropy

from reglab.core.checks import Check, distance
from reglab.core.figures import COLORS, INK, canvas
from reglab.core.streams import generator
from reglab.data import load_source
from reglab.experiments.theory.base import Finding, Topic

CLASSES, DEPTHS = 10, (1, 2, 3)
RANDOM_NETWORKS = 6  # of each depth
STEPS, RATE, MOMENTUM = 300, 0.2, 0.9  # of training, all examples at once
FEW, MANY = 20, 100  # images held out on which random networks, and trained ones, are compared
KEEPS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)

Layers = Sequence[tuple[Tensor, Tensor]]  # weights (inputs, outputs) and biases (outputs,), the first layer first


class Predictions(NamedTuple):
    """Class probabilities (n, classes) by the mean over all masks, and by one pass with scaled units."""

    arithmetic: Tensor
    geometric: Tensor
    scaled: Tensor


def masks(units: int) -> Tensor:
    """All masks (2^units, units) of zeros and ones."""
    return (torch.arange(2**units)[:, None] >> torch.arange(units) & 1).double()


def chances(masks: Tensor, keep: float) -> Tensor:
    """keep^kept (1 - keep)^removed of each mask (masks,); they sum to one."""
    kept = masks.sum(1)
    return keep**kept * (1 - keep) ** (masks.shape[1] - kept)


def arithmetic(logs: Tensor, chances: Tensor) -> Tensor:
    """Mean over the networks of their probabilities, given as logarithms (networks, n, classes)."""
    return torch.einsum("d,dnc->nc", chances, logs.exp())


def geometric(logs: Tensor, chances: Tensor) -> Tensor:
    """The product of the probabilities, each to the power of its chance, renormalised."""
    return torch.einsum("d,dnc->nc", chances, logs).softmax(1)


def scores(
    layers: Layers, inputs: Tensor, masks: Sequence[Tensor | float], activation: Callable = torch.relu
) -> Tensor:
    """Class scores of a network whose inputs and hidden units are multiplied by masks, one for each layer of weights.

    Masks of shape (networks, 1, units) give (networks, n, classes); a number scales all units.
    """
    units = inputs * masks[0]
    for (weight, bias), mask in zip(layers[:-1], masks[1:], strict=True):
        units = activation(units @ weight + bias) * mask
    weight, bias = layers[-1]
    return units @ weight + bias


def thinned(layers: Layers, inputs: Tensor, activation: Callable = torch.relu) -> Tensor:
    """Log-probabilities (2^units, n, classes) under all masks on the inputs."""
    every = masks(inputs.shape[1])[:, None]
    return scores(layers, inputs, [every, *[1.0] * (len(layers) - 1)], activation).log_softmax(2)


def predictions(layers: Layers, inputs: Tensor, keep: float, activation: Callable = torch.relu) -> Predictions:
    """For masks on the inputs, kept with probability `keep`."""
    weights, outputs = chances(masks(inputs.shape[1]), keep), []
    for part in inputs.split(FEW):
        logs = thinned(layers, part, activation)
        outputs.append((arithmetic(logs, weights), geometric(logs, weights)))
    scaled = scores(layers, inputs, [keep, *[1.0] * (len(layers) - 1)], activation).softmax(1)
    return Predictions(*map(torch.cat, zip(*outputs, strict=True)), scaled)


def gap(one: Tensor, other: Tensor) -> float:
    """The total variation distance 1/2 sum_y |p_y - q_y|, from 0 to 1, mean over the images."""
    return ((one - other).abs().sum(1).mean() / 2).item()


def digits(units: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Principal components (n, units) of digits with standard deviation 1, and classes: one half, then the half held out."""
    from sklearn.decomposition import PCA

    images, labels = load_source("digits")
    flat = images.reshape(len(images), -1).astype(float)
    components = PCA(units, svd_solver="full", whiten=True).fit(flat[::2]).transform(flat)
    inputs, classes = torch.as_tensor(components), torch.as_tensor(labels)
    return inputs[::2], classes[::2], inputs[1::2], classes[1::2]


def random_layers(sizes: Sequence[int], *keys: int | str) -> Layers:
    """Layers between so many units; normal weights of variance 2 / inputs (He et al., 2015), biases zero."""
    random = generator("dropout", *keys)
    return [
        (torch.randn(n, m, generator=random, dtype=torch.float64) * (2 / n) ** 0.5, torch.zeros(m, dtype=torch.float64))
        for n, m in pairwise(sizes)
    ]


def trained(layers: Layers, inputs: Tensor, classes: Tensor, keep: float) -> Layers:
    """The network after training by dropout on its inputs, a fresh mask for each example and step."""
    random = generator("dropout", "training", len(layers))
    parameters = [parameter.clone().requires_grad_() for layer in layers for parameter in layer]
    velocities = [torch.zeros_like(parameter) for parameter in parameters]
    learning = list(zip(parameters[::2], parameters[1::2], strict=True))
    for _ in range(STEPS):
        mask = (torch.rand(inputs.shape, generator=random, dtype=inputs.dtype) < keep).to(inputs)
        loss = cross_entropy(scores(learning, inputs, [mask, *[1.0] * (len(layers) - 1)]), classes)
        slopes = torch.autograd.grad(loss, parameters)
        for parameter, velocity, slope in zip(parameters, velocities, slopes, strict=True):
            velocity.mul_(MOMENTUM).sub_(RATE * slope)
            parameter.data.add_(velocity)
    return [(weight.detach(), bias.detach()) for weight, bias in learning]


@dataclass(frozen=True)
class Dropout(Topic):
    """Digits as `units` principal components, masked, in softmax regression and networks with layers of `width`."""

    lecture: ClassVar[str] = "dropout"

    units: Annotated[int, Ge(2), Le(12)] = 12
    keep: Annotated[float, Gt(0), Lt(1)] = 0.5
    width: Annotated[int, Ge(8), Le(64)] = 32

    def run(self) -> Finding:
        from sklearn.linear_model import LogisticRegression

        train, classes, test, truth = digits(self.units)
        model, few, many = LogisticRegression(max_iter=1000).fit(train, classes), test[:FEW], test[:MANY]
        networks = {0: [(torch.as_tensor(model.coef_.T), torch.as_tensor(model.intercept_))]}
        for depth in DEPTHS:
            networks[depth] = trained(self.start(depth, "trained"), train, classes, self.keep)
        averages = {depth: predictions(layers, many, self.keep) for depth, layers in networks.items()}
        untrained = {
            depth: [predictions(self.start(depth, number), few, self.keep) for number in range(RANDOM_NETWORKS)]
            for depth in DEPTHS
        }
        numbers = {}
        for depth, by in averages.items():
            name = f"hidden_layers_{depth}" if depth else "softmax_regression"
            numbers[f"{name}_gap_to_geometric"] = gap(by.scaled, by.geometric)
            numbers[f"{name}_gap_to_arithmetic"] = gap(by.scaled, by.arithmetic)
            for mean, probabilities in by._asdict().items():
                numbers[f"{name}_accuracy_{mean}"] = (probabilities.argmax(1) == truth[:MANY]).double().mean()
        checks = [*regression_checks(networks[0], model, few, self.keep), *network_checks(few, self.keep)]
        figure = self.draw(networks, averages, untrained, few)
        return Finding({name: float(value) for name, value in numbers.items()}, checks, figure)

    def start(self, depth: int, *keys: int | str) -> Layers:
        return random_layers([self.units, *[self.width] * depth, CLASSES], depth, *keys)

    def draw(self, networks: dict[int, Layers], averages: dict, untrained: dict, few: Tensor) -> Figure:
        """Probabilities by the two means against weight scaling; the gap against depth, and against keep."""
        figure, (plane, depths, keeps) = canvas(7.6, 3.0, columns=3)
        regression = averages[0]
        for color, label, of in (
            (COLORS[1], "arithmetic mean", "arithmetic"),
            (COLORS[0], "geometric mean", "geometric"),
        ):
            values = getattr(regression, of)[:FEW].flatten()
            plane.plot(regression.scaled[:FEW].flatten(), values, "o", color=color, markersize=2.5, label=label)
        plane.plot((0, 1), (0, 1), color=INK, linewidth=0.6, zorder=0)
        plane.set(xlabel="probability by weight scaling", ylabel=f"probability, mean over {2**self.units:,} masks")
        plane.set_title("Softmax regression", fontsize=9)
        plane.legend(fontsize=7)

        for depth, nets in untrained.items():
            label = "random weights" if depth == DEPTHS[0] else None
            gaps = [gap(by.scaled, by.geometric) for by in nets]
            depths.plot([depth] * len(gaps), gaps, "o", color=COLORS[5], markersize=3, label=label)
        gaps = [gap(by.scaled, by.geometric) for by in averages.values()]
        depths.plot(list(averages), gaps, "o-", color=COLORS[0], label="trained on digits")
        linear = [predictions(self.start(depth, 0), few, self.keep, lambda units: units) for depth in DEPTHS]
        gaps = [gap(by.scaled, by.geometric) for by in linear]
        depths.plot(DEPTHS, gaps, "s", color=COLORS[2], markersize=4, label="without rectifiers")
        depths.set(xlabel="hidden layers behind the masks", ylabel="gap to the geometric mean (0 to 1)")
        depths.set_xticks((0, *DEPTHS))
        depths.set_title(f"Networks, keep = {self.keep:g}", fontsize=9)
        depths.legend(fontsize=7, loc="center", bbox_to_anchor=(0.62, 0.17))

        for depth, style, name in ((0, "--", "softmax regression"), (2, "-", "2 hidden layers")):
            logs, every = thinned(networks[depth], few), masks(self.units)
            others = [1.0] * (len(networks[depth]) - 1)
            scaled = [scores(networks[depth], few, [keep, *others]).softmax(1) for keep in KEEPS]
            for color, mean in ((COLORS[1], arithmetic), (COLORS[0], geometric)):
                gaps = [gap(one, mean(logs, chances(every, keep))) for one, keep in zip(scaled, KEEPS, strict=True)]
                keeps.plot(KEEPS, gaps, style, color=color, label=f"{mean.__name__}, {name}")
        keeps.set(xlabel="chance to keep a unit", ylabel="gap of weight scaling (0 to 1)", xlim=(0, 1))
        keeps.set_ylim(None, 1.6 * keeps.get_ylim()[1])
        keeps.set_title("Same weights, other chances", fontsize=9)
        keeps.legend(fontsize=7, loc="upper right")
        return figure


def regression_checks(layers: Layers, model, inputs: Tensor, keep: float) -> list[Check]:
    """On the fitted softmax regression, of which `model` is scikit-learn's own."""
    [(weight, bias)], every = layers, masks(inputs.shape[1])
    means = {chance: predictions(layers, inputs, chance).geometric for chance in (0.5, keep, 0.1, 0.9)}
    apart = {chance: distance(mean, (inputs @ (chance * weight) + bias).softmax(1)) for chance, mean in means.items()}
    mean = torch.einsum("d,dnc->nc", chances(every, keep), scores(layers, inputs, [every[:, None]]))
    theirs = torch.as_tensor(model.predict_proba(keep * inputs))
    return [
        Check("softmax regression, keep 1/2: geometric mean = halved weights", apart[0.5], 1e-12),
        Check("softmax regression, other chances: geometric mean = scaled weights", max(apart.values()), 1e-12),
        Check("softmax regression: scikit-learn's prediction for scaled inputs", distance(means[keep], theirs), 1e-12),
        Check("linear layer: mean over masks = scaled weights", distance(mean, inputs @ (keep * weight) + bias), 1e-12),
    ]


def network_checks(inputs: Tensor, keep: float) -> list[Check]:
    """On random networks with masks elsewhere than on the inputs."""
    every = masks(12)[:, None]
    weights = chances(every[:, 0], keep)
    linear = random_layers([inputs.shape[1], 6, 6, CLASSES], "linear")
    logs = scores(linear, inputs, [1.0, every[..., :6], every[..., 6:]], lambda units: units).log_softmax(2)
    scaled = scores(linear, inputs, [1.0, keep, keep], lambda units: units).softmax(1)
    rectified = random_layers([inputs.shape[1], 32, 12, CLASSES], "rectified")
    last = scores(rectified, inputs, [1.0, 1.0, every]).log_softmax(2)
    scaled_last = scores(rectified, inputs, [1.0, 1.0, keep]).softmax(1)
    above = torch.einsum("d,dnc->nc", weights, last).exp() - arithmetic(last, weights)
    return [
        Check("deep linear network, all hidden units masked", distance(geometric(logs, weights), scaled), 1e-12),
        Check("rectifiers, last hidden layer masked", distance(geometric(last, weights), scaled_last), 1e-12),
        Check("geometric means, not renormalised, are the smaller", above.clamp(min=0).max().item(), 1e-15),
    ]
