"""Supervised training against loops by hand: every setting of `training` acts, techniques act in their order."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch

from reglab.attacks.base import evaluation_mode
from reglab.data.loader import Loader, whole
from reglab.data.prepared import Split
from reglab.models.mlp import MLP
from reglab.regularizers.gradient_clipping import GradientClipping
from reglab.regularizers.l1 import L1
from reglab.regularizers.max_norm import MaxNorm
from reglab.regularizers.weight_decay import WeightDecay
from reglab.training.network import build
from reglab.training.one_seed import Recipe, finished_seed, learner_of, train_seed
from reglab.training.regularizer import Regularizer
from reglab.training.settings import Training
from reglab.training.supervised import Supervised
from reglab.training.weights import weights

CLASSES, SIZES = 3, {"labelled": 11, "unlabelled": 2, "validation": 6, "test": 6}


@pytest.fixture(scope="module")
def split():
    random = np.random.default_rng(0)
    inputs = {part: random.random((size, 1, 3, 3), dtype=np.float32) for part, size in SIZES.items()}
    labels = {part: random.integers(0, CLASSES, size) for part, size in SIZES.items()}
    return Split(inputs, labels, {part: np.arange(size) for part, size in SIZES.items()}, classes=CLASSES)


def trained(folder, split, *techniques, architecture=None, **training):
    """The trained parameters by name."""
    folder.mkdir(exist_ok=True)
    settings = Training(**{"epochs": 2, "batch_size": 4, "optimizer": "sgd", "learning_rate": 0.1} | training)
    recipe = Recipe(techniques, architecture or MLP(depth=0), settings)
    train_seed(recipe, split, 0, folder)
    tensors = finished_seed(folder, 0)[1]
    return {name.removeprefix("weights/"): value for name, value in tensors.items() if name.startswith("weights/")}


def sgd(rate, momentum):
    """v <- momentum v + g, w <- w - rate v."""
    velocity = 0

    def step(weight, gradient):
        nonlocal velocity
        velocity = momentum * velocity + gradient
        return weight - rate * velocity

    return step


def adam(rate, first=0.9, second=0.999, smallest=1e-8):
    """Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015, algorithm 1."""
    mean = square = count = 0

    def step(weight, gradient):
        nonlocal mean, square, count
        count += 1
        mean = first * mean + (1 - first) * gradient
        square = second * square + (1 - second) * gradient**2
        return weight - rate * (mean / (1 - first**count)) / (np.sqrt(square / (1 - second**count)) + smallest)

    return step


def by_hand(split, step, epochs, batch_size):
    """Softmax regression by numpy in double precision: the weights (classes, 9 and a bias) after so many epochs."""
    start = build(MLP(depth=0), (1, 3, 3), CLASSES, seed=0)
    weight = np.hstack([start.head.weight.detach().double(), start.head.bias.detach().double()[:, None]])
    examples = whole(split.inputs["labelled"], split.labels["labelled"], CLASSES)
    loader = Loader(examples, batch_size, seed=0)
    for epoch in range(epochs):
        loader.set_epoch(epoch)
        for batch in loader:
            inputs = np.hstack([batch.inputs.flatten(1).double(), np.ones((len(batch.inputs), 1))])
            scores = np.exp(inputs @ weight.T)
            wrong = scores / scores.sum(1, keepdims=True) - batch.targets.double().numpy()
            weight = step(weight, wrong.T @ inputs / len(inputs))
    return weight


@pytest.mark.parametrize(
    ("formula", "arguments", "training"),
    [
        (sgd, (0.1, 0.0), {}),
        (sgd, (0.3, 0.0), {"learning_rate": 0.3}),
        (sgd, (0.1, 0.8), {"momentum": 0.8}),
        (sgd, (0.1, 0.0), {"epochs": 4}),
        (sgd, (0.1, 0.0), {"batch_size": 11}),
        (adam, (0.02,), {"optimizer": "adam", "learning_rate": 0.02}),
        (adam, (0.05,), {"optimizer": "adam", "learning_rate": 0.05, "momentum": 0.8}),  # momentum is for sgd
    ],
    ids=["sgd", "learning_rate", "momentum", "epochs", "batch_size", "adam", "adam without momentum"],
)
def test_a_training_is_the_optimizers_formula_on_the_gradients(tmp_path, split, formula, arguments, training):
    result = trained(tmp_path, split, **training)
    expected = by_hand(split, formula(*arguments), training.get("epochs", 2), training.get("batch_size", 4))
    assert np.allclose(result["head.weight"], expected[:, :-1], rtol=0, atol=2e-6)
    assert np.allclose(result["head.bias"], expected[:, -1], rtol=0, atol=2e-6)


class Log:
    """What techniques noted, in order."""

    lines: ClassVar[list] = []


@dataclass(frozen=True)
class Noting(Regularizer):
    """Logs each hook with its arguments and changes nothing."""

    label: str

    def note(self, hook, *arguments):
        Log.lines.append((self.label, hook, *arguments))

    def prepare_model(self, network):
        self.note("prepare_model")

    def transform_batch(self, batch, network):
        self.note("transform_batch", len(batch.inputs))
        return batch

    def penalty(self, network, batch, logits):
        self.note("penalty", tuple(logits.shape))

    def transform_gradients(self, network):
        self.note("transform_gradients")

    def after_step(self, network, learning_rate):
        self.note("after_step", learning_rate)

    def curves(self, network):
        self.note("curves")
        return {}

    def evaluation_model(self, network):
        self.note("evaluation_model")
        return network


def test_hooks_are_called_as_the_base_class_says_and_each_in_the_order_of_the_list(tmp_path, split):
    Log.lines.clear()
    trained(tmp_path, split, Noting("a"), Noting("b"), epochs=1)

    def both(hook, *arguments):
        return [(name, hook, *arguments) for name in "ab"]

    expected = both("prepare_model")
    for size in (4, 4, 3):
        expected += both("transform_batch", size) + both("penalty", (size, CLASSES))
        expected += both("transform_gradients") + both("after_step", 0.1)
    judged = [(name, "evaluation_model") for name in "ab"]
    result = [line for line in Log.lines if line[1] not in ("evaluation_model", "curves")]
    assert result == expected
    assert [line for line in Log.lines if line[1] == "curves"] == both("curves")
    evaluations = [line for line in Log.lines if line[1] == "evaluation_model"]
    assert evaluations == judged * (len(evaluations) // 2) and len(evaluations) >= 2


@dataclass(frozen=True)
class Plus(Regularizer):
    """x <- x + 1."""

    def transform_batch(self, batch, network):
        return batch._replace(inputs=batch.inputs + 1)


@dataclass(frozen=True)
class Twice(Regularizer):
    """x <- 2 x."""

    def transform_batch(self, batch, network):
        return batch._replace(inputs=2 * batch.inputs)


@dataclass(frozen=True)
class SumOfInputs(Regularizer):
    """A penalty that shows which batch it was given."""

    def penalty(self, network, batch, logits):
        return batch.inputs.sum()


@pytest.mark.parametrize(
    ("techniques", "expected"),
    [([Plus(), Twice()], lambda x: 2 * (x + 1)), ([Twice(), Plus()], lambda x: 2 * x + 1)],
    ids=["plus first", "twice first"],
)
def test_inputs_are_transformed_in_the_order_of_the_list_and_every_penalty_sees_the_result(split, techniques, expected):
    network = build(MLP(depth=0), (1, 3, 3), CLASSES, seed=0)
    batch, seen = whole(split.inputs["labelled"], split.labels["labelled"], CLASSES), []
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    for order in ([SumOfInputs(), *techniques], [*techniques, SumOfInputs()]):
        learner = Supervised(network, order, Training(), seed=0)
        learner.training_step(batch)
        assert torch.equal(seen[-1], expected(batch.inputs))
        assert learner.curves()["test_supervised_penalty"] == pytest.approx(
            expected(batch.inputs).sum().item(), rel=1e-6
        )


@pytest.mark.parametrize("clipped_last", [True, False])
def test_gradients_are_transformed_in_the_order_of_the_list(tmp_path, split, clipped_last):
    """Weight decay behind the clipping is not clipped: one step against the formula."""
    decay, clipping = WeightDecay(2.0), GradientClipping(0.05)
    start, none = (
        trained(tmp_path / str(rate), split, learning_rate=rate, epochs=1, batch_size=11) for rate in (1e-30, 1.0)
    )
    gradient = {name: start[name] - none[name] for name in start}
    stacked = [decay, clipping] if clipped_last else [clipping, decay]
    result = trained(tmp_path / "both", split, *stacked, learning_rate=1.0, epochs=1, batch_size=11)

    def clip(gradients):
        length = np.sqrt(sum((values**2).sum() for values in gradients.values()))
        assert length > 0.05
        return {name: values * 0.05 / length for name, values in gradients.items()}

    def decayed(gradients):
        return gradients | {"head.weight": gradients["head.weight"] + 2 * start["head.weight"]}

    expected = clip(decayed(gradient)) if clipped_last else decayed(clip(gradient))
    for name, change in expected.items():
        assert np.allclose(start[name] - result[name], change, rtol=0, atol=1e-5), name


@pytest.mark.parametrize("projected_last", [True, False])
def test_weights_are_changed_after_a_step_in_the_order_of_the_list(tmp_path, split, projected_last):
    """A soft threshold behind the projection makes weights shorter than the radius; the other way round they meet it."""
    threshold, projection = L1(0.5), MaxNorm(0.3)
    plain = trained(tmp_path / "plain", split, epochs=1, batch_size=11)["head.weight"]

    def shrunk(weight):
        return np.sign(weight) * np.maximum(np.abs(weight) - 0.1 * 0.5, 0)

    def within(weight):
        return weight * np.minimum(1, 0.3 / np.linalg.norm(weight, axis=1, keepdims=True))

    stacked = [threshold, projection] if projected_last else [projection, threshold]
    expected = within(shrunk(plain)) if projected_last else shrunk(within(plain))
    other = shrunk(within(plain)) if projected_last else within(shrunk(plain))
    result = trained(tmp_path / "both", split, *stacked, epochs=1, batch_size=11)["head.weight"]
    assert np.allclose(result, expected, rtol=0, atol=1e-6) and np.abs(expected - other).max() > 0.01


@dataclass(frozen=True)
class Judging(Regularizer):
    """What is judged gives scores + 1, or 2 scores."""

    change: str

    def evaluation_model(self, network):
        return torch.nn.Sequential(network, Change(self.change))


class Change(torch.nn.Module):
    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, scores):
        return scores + 1 if self.change == "plus" else 2 * scores


def test_what_is_judged_is_made_in_the_order_of_the_list(split):
    inputs = torch.as_tensor(split.inputs["test"])
    for order in (["plus", "twice"], ["twice", "plus"]):
        recipe = Recipe(tuple(map(Judging, order)), MLP(width=4, depth=1), Training())
        learner = learner_of(recipe, split, seed=0)
        with torch.no_grad(), evaluation_mode(learner.network):
            plain, judged = learner.network(inputs), learner.eval_network()(inputs)
        expected = 2 * (plain + 1) if order[0] == "plus" else 2 * plain + 1
        assert torch.equal(judged, expected)


@pytest.mark.parametrize("depth", [1, 3])
def test_a_recipe_trains_the_network_of_its_width_and_depth(tmp_path, split, depth):
    result = trained(tmp_path, split, architecture=MLP(width=5, depth=depth))
    sizes = [9, *[5] * depth, CLASSES]
    names = [f"backbone.{layer}.1.weight" for layer in range(depth)] + ["head.weight"]
    shapes = {name: result[name].shape for name in result if name.endswith("weight")}
    assert shapes == {name: (m, n) for name, n, m in zip(names, sizes[:-1], sizes[1:], strict=True)}
    start = build(MLP(width=5, depth=depth), (1, 3, 3), CLASSES, seed=0)
    for name, weight in weights(start).items():
        assert not np.array_equal(weight.detach().numpy(), result[name]), f"{name} is not trained"
