"""What one training costs, relative to a plain loop in PyTorch that gives the same weights and learning curves.

    python benchmarks/training.py [CASE ...]

About ten minutes. `train_seed` and the plain loop take turns in one process with one thread, and each turn counts in
seconds of processor time, from the initial weights to the last prediction. Both see the same batches, evaluate both parts
after every epoch and predict the three parts at the end; the benchmark ends with an error where a weight or a curve differs.
The cases of STACKS are eleven seeds in one stack against eleven plain loops.
"""

import os
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

import numpy as np
import torch
from tools.ratios import cpu_seconds, save, spread
from torch import Tensor, nn
from torch.nn import functional

from reglab.core import registry, streams
from reglab.data.prepared import Split
from reglab.data.sources.digits import load
from reglab.models.convnet import ConvNet
from reglab.models.mlp import MLP
from reglab.tracking.journal import Journal
from reglab.training.network import Network, build
from reglab.training.one_seed import Recipe, finished_seed, train_seed
from reglab.training.settings import Training
from reglab.training.together import SeedTraining, train_together

TURNS = 9
SIZES = {"labelled": 900, "validation": 300, "test": 500}
CASES = {  # the network, the side of the images, epochs
    "mlp_256x2": (MLP(width=256, depth=2), 8, 25),
    "mlp_64x2": (MLP(width=64, depth=2), 8, 25),
    "convnet_32x32": (ConvNet(width=16, depth=2), 32, 4),
}

STACKS = {  # the network, which learns the digits of 8x8 pixels in 25 epochs
    "stack_256x2": MLP(width=256, depth=2),
    "stack_64x2": MLP(width=64, depth=2),
    "stack_16x2": MLP(width=16, depth=2),
}
SEEDS = 11


def digits(side: int) -> Split:
    """Digits, enlarged to side x side pixels."""
    images, labels = load()
    images = functional.interpolate(torch.as_tensor(images), (side, side)).numpy()
    ends = np.cumsum([0, *SIZES.values()])
    rows = {part: np.arange(low, high) for part, low, high in zip(SIZES, ends, ends[1:], strict=False)}
    inputs, labels = ({part: each[rows[part]] for part in SIZES} for each in (images, labels))
    return Split(inputs, labels, rows, classes=10)


def indexed_batches(inputs: Tensor, labels: Tensor, training: Training, epoch: int, seed: int = 0):
    """The batches of an epoch, those of the project."""
    order = torch.randperm(len(inputs), generator=streams.generator(seed, "batch_order", epoch))
    for rows in order.split(training.batch_size):
        yield inputs[rows], labels[rows]


def plain_training(
    split: Split, architecture, training: Training, batches=indexed_batches, seed: int = 0
) -> tuple[dict[str, Tensor], list[dict], dict]:
    """The loop that one would write: the trained weights, the learning curves, and the class probabilities."""
    model = plain_network(build(architecture, split.shape, split.task, seed))
    inputs = {part: torch.as_tensor(each) for part, each in split.inputs.items()}
    labels = {part: functional.one_hot(torch.as_tensor(each), 10).float() for part, each in split.labels.items()}
    optimizer = torch.optim.Adam(model.parameters(), training.learning_rate, fused=True)
    matrices = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
    start = [matrix.detach().clone() for matrix in matrices]
    curves = []
    for epoch in range(training.epochs):
        total, steps = torch.zeros(()), 0
        for batch, targets in batches(inputs["labelled"], labels["labelled"], training, epoch):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(batch), targets)
            loss.backward()
            optimizer.step()
            total += loss.detach()
            steps += 1
        with torch.no_grad():
            measured = {"loss": total.item() / steps}
            model.eval()
            for part, name in (("labelled", "train"), ("validation", "validation")):
                scores = model(inputs[part])
                measured[f"{name}_nll"] = functional.cross_entropy(scores, labels[part]).item()
                hits = scores.argmax(1) == labels[part].argmax(1)
                measured[f"{name}_accuracy"] = hits.double().mean().item()
            model.train()
            measured["weight_norm"] = norm(matrices)
            measured["distance_from_start"] = norm([now - before for now, before in zip(matrices, start, strict=True)])
        curves.append(measured)
    model.eval()
    with torch.no_grad():
        predictions = {part: model(each).softmax(1) for part, each in inputs.items()}
    return model.state_dict(), curves, predictions


def plain_network(network: Network) -> nn.Sequential:
    """The same layers with the same initial weights, one after another."""
    layers = [
        layer
        for layer in network.backbone.modules()
        if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ReLU, nn.MaxPool2d))
    ]
    flat = isinstance(layers[0], nn.Linear)
    return (
        nn.Sequential(nn.Flatten(), *layers, network.head)
        if flat
        else nn.Sequential(*layers, nn.Flatten(), network.head)
    )


def norm(matrices: list[Tensor]) -> float:
    return nn.utils.get_total_norm(matrices).item()


def turn(split: Split, architecture, training: Training) -> tuple[float, float]:
    """Seconds of a training through the project and through the plain loop, one after the other."""
    recipe = Recipe((registry.find("regularizers", "none")(),), architecture, training)
    with TemporaryDirectory() as name:
        folder, results = Path(name), []
        ours = cpu_seconds(lambda: train_seed(recipe, split, 0, folder))
        plain = cpu_seconds(lambda: results.extend(plain_training(split, architecture, training)))
        compare(folder, *results)
    return ours, plain


def turn_of_stack(split: Split, architecture, training: Training) -> tuple[float, float]:
    """Seconds of the eleven seeds in one stack, and of their plain loops."""
    recipe = Recipe((registry.find("regularizers", "none")(),), architecture, training)
    with TemporaryDirectory() as name:
        folder, results = Path(name), []
        trainings = [SeedTraining(recipe, split, seed, folder) for seed in range(SEEDS)]
        ours = cpu_seconds(lambda: train_together(trainings))
        plain = cpu_seconds(
            lambda: results.extend(
                plain_training(split, architecture, training, partial(indexed_batches, seed=seed), seed)
                for seed in range(SEEDS)
            )
        )
        for seed, result in enumerate(results):
            compare(folder, *result, seed)
    return ours, plain


def compare(
    folder: Path, weights: dict[str, Tensor], curves: list[dict], predictions: dict[str, Tensor], seed: int = 0
) -> None:
    """An error unless the plain loop gave the same weights and predictions to the bit, and the same learning curves."""
    _, tensors = finished_seed(folder, seed)
    ours = sorted(
        name for name in tensors if name.startswith("weights/")
    )  # the layers have other names in the same order
    for name, expected in zip(ours, sorted(weights), strict=True):
        np.testing.assert_array_equal(tensors[name], weights[expected].numpy())
    for part, expected in predictions.items():
        np.testing.assert_array_equal(tensors[f"predictions/{part}"], expected.numpy())
    lines = Journal(folder / f"seed-{seed}.jsonl").lines
    for line, epoch in zip(lines, curves, strict=True):
        assert set(line["metrics"]) == set(epoch)
        for name, value in epoch.items():
            np.testing.assert_allclose(line["metrics"][name], value, rtol=1e-6)


def measure(name: str, one_turn, split: Split, architecture, training: Training, trainings: int) -> None:
    """Print and save the ratio of the two sides of a turn, each of so many trainings."""
    one_turn(split, architecture, training)  # both warm
    turns = [one_turn(split, architecture, training) for _ in range(TURNS)]
    ratio = spread(turns)
    steps = trainings * training.epochs * -(-SIZES["labelled"] // training.batch_size)
    ours, plain = (np.median(each) / steps * 1e3 for each in zip(*turns, strict=True))
    print(f"{name:16} {ours:6.2f} ms a step, {plain:6.2f} plain: {ratio['median']:.2f}", flush=True)
    save({f"training of {name}, against a plain loop": ratio})


def main() -> None:
    torch.set_num_threads(1)
    for name in sys.argv[1:] or [*CASES, *STACKS]:
        if name in STACKS:
            measure(name, turn_of_stack, digits(8), STACKS[name], Training(epochs=25, learning_rate=0.005), SEEDS)
        else:
            architecture, side, epochs = CASES[name]
            measure(name, turn, digits(side), architecture, Training(epochs=epochs, learning_rate=0.005), 1)


if __name__ == "__main__":
    main()
