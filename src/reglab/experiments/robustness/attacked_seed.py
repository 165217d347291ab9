"""Makes all attacks on one seed of a network: what they leave of its accuracy, or how far they raise its rmse."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import Module

from reglab.attacks.ball import Ball, extent
from reglab.attacks.base import accuracy, evaluation_mode, is_amounts
from reglab.attacks.fast_gradient import fast_gradient
from reglab.attacks.largest_error import largest_error
from reglab.attacks.objectives import loss
from reglab.attacks.projected_gradient import ascend, projected_gradient
from reglab.attacks.smallest import smallest_epsilon
from reglab.attacks.strong import strong
from reglab.attacks.units import Units
from reglab.core.checks import Check
from reglab.core.streams import generator
from reglab.core.tasks import Task
from reglab.data.prepared import Split
from reglab.data.stored_inputs import StoredInputs
from reglab.experiments.robustness.error_reliability import error_reliability_checks
from reglab.experiments.robustness.reliability import reliability_checks
from reglab.experiments.robustness.trained_networks import Rebuild

STEPS = 20  # of a projected gradient
PIECE = 2_048  # test examples that stay in their file, which are attacked at once
ROUNDING = 1e-4  # of probabilities, or of amounts in standard deviations, between the batches and devices of two passes


@dataclass(frozen=True)
class Measured:
    """The results of all attacks on one seed of a network.

    `clean`, `curves` (by attack, one for each epsilon) and `strong` are accuracies, or in a regression root mean squared
    errors in the unit of the target. `clean`, `curves` and `of_examples` (by name, of each test example) are on all test
    examples. The others are on those of the strong attack: `transferable` (examples, *shape) are the inputs to try on other
    networks; `checks` are the attack reliability checks, made for seed 0 alone.
    """

    clean: float
    curves: dict[str, list[float]]
    strong: float
    of_examples: dict[str, np.ndarray]
    transferable: np.ndarray
    checks: list[Check]


def examples_of(split: Split, count: int | None = None) -> tuple[Tensor, Tensor]:
    """The first test inputs (count, *shape) and labels (count,); all of them without a count."""
    return torch.as_tensor(split.inputs["test"][:count]), torch.as_tensor(split.labels["test"][:count])


def attacked_labels(labels: Tensor, task: Task) -> Tensor:
    """The labels (n,) as attacks take them: classes as they are, amounts (n, 1) as the loss takes them."""
    return task.targets(labels) if is_amounts(labels) else labels


@torch.no_grad()
def score(model: Module, inputs: Tensor, labels: Tensor, task: Task) -> float:
    """The accuracy for classes (n,), the rmse for amounts (n,) in their unit; in evaluation mode."""
    if not is_amounts(labels):
        return accuracy(model, inputs, labels)
    with evaluation_mode(model):
        return task.value(task.predictions(model(inputs)), labels)


@torch.no_grad()
def absolute_errors(model: Module, inputs: Tensor, labels: Tensor, task: Task) -> np.ndarray:
    """|prediction - label| of amounts (n,), in their unit."""
    with evaluation_mode(model):
        return (task.predictions(model(inputs))[:, 0] - labels).abs().float().numpy()


def measure(rebuild: Rebuild, folder: Path, split: Split, seed: int, attack) -> Measured:
    """Make all attacks on one seed of a network; the reliability checks are made for seed 0 alone.

    Epsilons are in units of the prepared inputs; where nothing scales those, in standard deviations of the training part.
    Test examples that stay in their file are attacked in pieces.
    """
    network, task = rebuild(folder, split, seed), split.task
    pieces = [of_test_examples(network, *piece, split, seed, attack) for piece in pieces_of_test(split)]
    few, few_labels = examples_of(split, attack.examples)
    units = Units.of(next(pieces_of_test(split))[0], split.spread)
    few, model = units.standard(few), units.model(network)
    few_aims, amounts = attacked_labels(few_labels, task), is_amounts(few_labels)
    largest, how = attack.epsilons[-1], {"norm": attack.norm, "bounds": split.bounds}
    worst = (largest_error if amounts else strong)(model, few, few_aims, largest, **how, seed=seed)
    checks = []
    if seed == 0:
        check = error_reliability_checks if amounts else reliability_checks
        checks = [
            rebuilt_check(network, folder, next(pieces_of_test(split))[0], seed, task),
            *check(model, few, few_aims, largest, worst, **how),
        ]
    return Measured(
        **over_pieces(pieces, amounts),
        strong=score(model, worst, few_labels, task),
        transferable=units.original(transferable_inputs(model, few, few_aims, largest, seed, **how)).numpy(),
        checks=checks,
    )


def pieces_of_test(split: Split) -> Iterator[tuple[Tensor, Tensor]]:
    """Test inputs and labels, in one piece; those that stay in their file in several."""
    size = PIECE if isinstance(split.inputs["test"], StoredInputs) else len(split.labels["test"])
    for start in range(0, len(split.labels["test"]), size):
        yield tuple(torch.as_tensor(of["test"][start : start + size]) for of in (split.inputs, split.labels))


class OfExamples(NamedTuple):
    """What attacks on so many test examples leave of their score, and what they find out about each; as in `Measured`."""

    count: int
    clean: float
    curves: dict[str, list[float]]
    of_examples: dict[str, np.ndarray]


def of_test_examples(network: Module, inputs: Tensor, labels: Tensor, split: Split, seed: int, attack) -> OfExamples:
    """Make the attacks that all test examples are shown on some of them."""
    task, units = split.task, Units.of(inputs, split.spread)
    inputs, model = units.standard(inputs), units.model(network)
    norm, bounds = attack.norm, split.bounds
    how, aims, amounts = {"norm": norm, "bounds": bounds}, attacked_labels(labels, task), is_amounts(labels)
    of_examples, curves = {}, {"fast_gradient": [], "projected_gradient": []}
    for epsilon in attack.epsilons:
        moved = fast_gradient(model, inputs, aims, epsilon, **how)
        curves["fast_gradient"].append(score(model, moved, labels, task))
        moved = projected_gradient(model, inputs, aims, epsilon, **how, steps=STEPS, seed=seed)
        curves["projected_gradient"].append(score(model, moved, labels, task))
        if amounts:
            of_examples[f"robust_error@{epsilon:g}"] = absolute_errors(model, moved, labels, task)
    if not amounts:
        whole = extent(inputs, bounds) * (1.0 if norm == "linf" else inputs[0].numel() ** 0.5)
        smallest = smallest_epsilon(projected_gradient, model, inputs, labels, **how, largest=whole)
        of_examples["smallest_epsilon"] = smallest.numpy()
    return OfExamples(len(labels), score(model, inputs, labels, task), curves, of_examples)


def over_pieces(pieces: Sequence[OfExamples], amounts: bool) -> dict:
    """`clean`, `curves` and `of_examples` of all pieces together: mean accuracies, or roots of mean squared errors."""
    if len(pieces) == 1:
        return {key: getattr(pieces[0], key) for key in ("clean", "curves", "of_examples")}
    power, counts = 2 if amounts else 1, [piece.count for piece in pieces]

    def mean(values: Iterable[float]) -> float:
        return float(np.average(np.power(list(values), power), weights=counts) ** (1 / power))

    curves = {
        kind: [mean(values) for values in zip(*(piece.curves[kind] for piece in pieces), strict=True)]
        for kind in pieces[0].curves
    }
    of_examples = {
        name: np.concatenate([piece.of_examples[name] for piece in pieces]) for name in pieces[0].of_examples
    }
    return {"clean": mean(piece.clean for piece in pieces), "curves": curves, "of_examples": of_examples}


def transferable_inputs(
    model: Module, inputs: Tensor, labels: Tensor, epsilon: float, seed: int, *, norm: str, bounds: tuple[float, float]
) -> Tensor:
    """Inputs (n, *shape) by a projected gradient that takes all its steps, even where the model is already fooled.

    An input that has just crossed the boundary of one model seldom fools another.
    """
    ball = Ball.around(inputs, epsilon, norm, bounds)
    start = ball.random(generator(seed, "transfer"))
    return ascend(model, start, ball, loss, labels, STEPS)


@torch.no_grad()
def rebuilt_check(model: Module, folder: Path, inputs: Tensor, seed: int, task: Task) -> Check:
    """Checks that the network has the published test predictions; where a record has several, those of one of them.

    The gap is that of probabilities; of amounts in standard deviations of the training labels.
    """
    computed, published = task.predictions(model(inputs)), load_file(folder / "predictions.safetensors")
    unit = getattr(task, "std", 1.0)
    named = [values for name, values in published.items() if name.startswith("test_predictions")]
    gap = min((computed - values[seed, : len(inputs)]).abs().max().item() for values in named) / unit
    return Check("the model attacked is the one that was judged", gap, ROUNDING)


def scores_on(rebuild: Rebuild, folder: Path, split: Split, seed: int, transferred: list[np.ndarray]) -> list[float]:
    """The `score` of a network on the inputs (examples, *shape) that were made to fool each network."""
    model = rebuild(folder, split, seed)
    labels = torch.as_tensor(split.labels["test"][: len(transferred[0])])
    return [score(model, torch.as_tensor(inputs), labels, split.task) for inputs in transferred]
