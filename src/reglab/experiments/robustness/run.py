"""From a family of trained networks to the record of how they stand up to attacks, and whether that can be believed.

What is attacked is what was evaluated: each network is rebuilt from its published weights, and a line of its honesty card
compares its probabilities with the published ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import isfinite
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import Module

from reglab.attacks.ball import Ball
from reglab.attacks.base import accuracy, evaluation_mode, gradient
from reglab.attacks.fast_gradient import fast_gradient
from reglab.attacks.objectives import cross_entropy
from reglab.attacks.projected_gradient import ascend, projected_gradient
from reglab.attacks.smallest import smallest_epsilon
from reglab.attacks.strong import strong
from reglab.core.checks import Check, row
from reglab.core.errors import UserError
from reglab.core.streams import generator
from reglab.data.prepared import Prepared, Split
from reglab.evaluation.rounding import mean
from reglab.experiments.robustness import reliability
from reglab.experiments.robustness.figure import Panda, figure
from reglab.tracking import record
from reglab.tracking.stage import Stage

Rebuild = Callable[[Path, Split, int], Module]  # folder of the record, split, seed -> the network that was judged

STEPS = 20  # of a projected gradient
ROUNDING = 1e-4  # of probabilities, between the batches and devices on which they were computed


@dataclass(frozen=True)
class Measured:
    """What the attacks left of one seed of a network: accuracies, by attack and epsilon where they are curves.

    `clean`, `curves` and `smallest` (test examples,), the smallest epsilons, are on all test examples. The others are on
    those of the strong attack: `carried` (examples, *shape) are the inputs made to be tried on other networks; `lines`
    is the honesty card, empty unless asked for.
    """

    clean: float
    curves: dict[str, list[float]]
    strong: float
    smallest: np.ndarray
    carried: np.ndarray
    lines: list[Check]


def run(
    attack,  # the entry of `attacks` in params.yaml: norm, epsilons, examples, seeds
    networks: dict[str, Rebuild],
    data: Prepared,
    stage: Stage,
) -> dict:
    """Attack `runs/<stage.name>/<network>` and publish the record; returns its content.

    `predictions.safetensors` holds the smallest epsilon of every test example (seeds, examples), 0 where it is wrong
    anyway, infinite where it stood up to all. The strong attack, the honesty card and the transfers are on the first
    `attack.examples` of them.

    A network that diverged in one of the seeds is skipped and named. UserError where the data or the trained seeds are
    fewer than asked for, and as in `attacks.base` and `Ball.around`.
    """
    with stage.journal() as entry:
        trained = stage.runs / stage.name
        skipped = {name: diverged_seeds(record.read(trained / name), attack.seeds) for name in networks}
        left = {name: rebuild for name, rebuild in networks.items() if not skipped[name]}
        splits = [data.split(seed) for seed in range(attack.seeds)]
        if len(splits[0].labels["test"]) < attack.examples:
            raise UserError(
                f"params.yaml: attacks.{stage.name}.examples: found {attack.examples}; allowed: at most the "
                f"{len(splits[0].labels['test'])} test examples, data.test_size"
            )
        cases = [
            (left[name], trained / name, splits[seed], seed, attack)
            for name, seed in product(left, range(attack.seeds))
        ]
        measured = grouped(left, stage.run_all([(measure, *case) for case in cases]))
        made = [[measured[name][seed].carried for name in left] for seed in range(attack.seeds)]
        matrix = grouped(left, stage.run_all([(accuracies_on, *case[:-1], made[case[-2]]) for case in cases]))
        content = {"seeds": {}} | summarised(attack, measured, matrix)
        content["skipped"] = {name: seeds for name, seeds in skipped.items() if seeds}
        picture = ""
        if left:
            shown = "none" if "none" in left else next(iter(left))
            torch.set_num_threads(1)
            model = left[shown](trained / shown, splits[0], 0)
            curves = {name: [each.curves["projected_gradient"] for each in seeds] for name, seeds in measured.items()}
            picture = figure(attack.norm, attack.epsilons, curves, content["models"], panda(model, splits[0], attack))
        smallest = {f"smallest_epsilon/{name}": np.stack([seed.smallest for seed in measured[name]]) for name in left}
        return stage.publish(entry, content, figure=picture, predicted=smallest)


def diverged_seeds(trained: dict, seeds: int) -> list[int]:
    """Those of the first `seeds` seeds of a record that diverged; UserError if it has fewer."""
    if seeds > len(trained["seeds"]):
        raise UserError(
            f"params.yaml: attacks.{trained['family']}.seeds: found {seeds}; allowed: at most the "
            f"{len(trained['seeds'])} seeds that {trained['name']} was trained with"
        )
    return [seed for seed in range(seeds) if trained["seeds"][str(seed)]["status"] != "finished"]


def grouped(names, results: list) -> dict[str, list]:
    """By name, the results of its seeds."""
    each = len(results) // max(len(names), 1)
    return {name: results[place * each : (place + 1) * each] for place, name in enumerate(names)}


def examples_of(split: Split, count: int | None = None) -> tuple[Tensor, Tensor]:
    """The first test inputs (count, *shape) and labels (count,); all of them without a count."""
    return torch.as_tensor(split.inputs["test"][:count]), torch.as_tensor(split.labels["test"][:count])


def measure(rebuild: Rebuild, folder: Path, split: Split, seed: int, attack) -> Measured:
    """All attacks on one seed of a network; the honesty card is that of seed 0."""
    model, (inputs, labels) = rebuild(folder, split, seed), examples_of(split)
    norm, largest = attack.norm, attack.epsilons[-1]
    few, theirs = inputs[: attack.examples], labels[: attack.examples]
    curves = {
        "fast_gradient": [
            accuracy(model, fast_gradient(model, inputs, labels, epsilon, norm=norm), labels)
            for epsilon in attack.epsilons
        ],
        "projected_gradient": [
            accuracy(model, projected_gradient(model, inputs, labels, e, norm=norm, steps=STEPS, seed=seed), labels)
            for e in attack.epsilons
        ],
    }
    worst = strong(model, few, theirs, largest, norm=norm, seed=seed)
    whole = 1.0 if norm == "linf" else inputs[0].numel() ** 0.5
    smallest = smallest_epsilon(projected_gradient, model, inputs, labels, norm=norm, largest=whole)
    lines = []
    if seed == 0:
        lines = [rebuilt(model, folder, inputs, seed), *reliability.card(model, few, theirs, largest, worst, norm=norm)]
    return Measured(
        clean=accuracy(model, inputs, labels),
        curves=curves,
        strong=accuracy(model, worst, theirs),
        smallest=smallest.numpy(),
        carried=to_carry(model, few, theirs, largest, norm, seed).numpy(),
        lines=lines,
    )


def to_carry(model: Module, inputs: Tensor, labels: Tensor, epsilon: float, norm: str, seed: int) -> Tensor:
    """Inputs (n, *shape) by a projected gradient that goes on to its last step, also where the model is fooled.

    What just crosses the boundary of one model seldom fools another.
    """
    ball = Ball.around(inputs, epsilon, norm)
    start = ball.random(generator(seed, "transfer"))
    return ascend(model, start, ball, cross_entropy, labels, STEPS)


@torch.no_grad()
def rebuilt(model: Module, folder: Path, inputs: Tensor, seed: int) -> Check:
    """Whether this is the network whose test probabilities were published, or one of those where a record has several."""
    computed, published = model(inputs).softmax(1), load_file(folder / "predictions.safetensors")
    named = [values for name, values in published.items() if name.startswith("test_probabilities")]
    gap = min((computed - values[seed, : len(inputs)]).abs().max().item() for values in named)
    return Check("the model attacked is the one that was judged", gap, ROUNDING)


def accuracies_on(rebuild: Rebuild, folder: Path, split: Split, seed: int, made: list[np.ndarray]) -> list[float]:
    """The accuracy of a network on what was made for each of them (examples, *shape)."""
    model = rebuild(folder, split, seed)
    labels = torch.as_tensor(split.labels["test"][: len(made[0])])
    return [accuracy(model, torch.as_tensor(inputs), labels) for inputs in made]


def summarised(attack, measured: dict[str, list[Measured]], matrix: dict[str, list[list[float]]]) -> dict:
    """`numbers`, `checks` and `models` of the record; means over seeds.

    `matrix[target][seed]` are the target's accuracies on inputs made for each recipe, in their order.
    """
    numbers, lines, models = {}, [], {}
    for name, seeds in measured.items():
        robust, first = mean(each.strong for each in seeds), list(measured).index(name)
        direct = [[seeds[0].strong if source == first else value] for source, value in enumerate(matrix[name][0])]
        card = [*seeds[0].lines, transferred(direct, first)]
        lines += [row(line) | {"name": f"{name}: {line.name}", "model": name} for line in card]
        curves = {
            kind: [mean(values) for values in zip(*(each.curves[kind] for each in seeds), strict=True)]
            for kind in seeds[0].curves
        }
        clean, smallest = mean(each.clean for each in seeds), mean(float(np.median(each.smallest)) for each in seeds)
        models[name] = {
            "clean": clean,
            "curves": curves | {"strong": robust},
            "smallest_epsilon": float(f"{smallest:.7g}") if isfinite(smallest) else None,
            "unreliable": [line.name for line in card if not line.passed],
            "transfer": {
                source: mean(values) for source, values in zip(measured, zip(*matrix[name], strict=True), strict=True)
            },
        }
        numbers |= {f"{name}/clean_accuracy": clean, f"{name}/robust_accuracy@{attack.epsilons[-1]:g}": robust}
    return {"numbers": numbers, "checks": lines, "models": models}


def transferred(column: list[list[float]], target: int) -> Check:
    """The card's line about inputs made for others; `column[source]` holds the target's accuracy, at
    its own place the reported one."""
    direct = column[target][0]
    return Check(
        "attacks on other models find nothing more", direct - min(value for [value] in column), reliability.POINT
    )


def panda(model: Module, split: Split, attack) -> Panda | None:
    """The example that a single step at the largest epsilon changes most surely; None where inputs are no pictures.

    Its confidence is the smaller of those before, in the right class, and after, in a wrong one; where no
    example is fooled, it is the one that is nearest to it.
    """
    inputs, labels = examples_of(split, attack.examples)
    if inputs.ndim != 4 or inputs.shape[1] not in (1, 3):
        return None
    ball = Ball.around(inputs, attack.epsilons[-1], attack.norm)
    with evaluation_mode(model):
        direction = ball.steepest(gradient(model, inputs, cross_entropy, labels)[2])
        moved = ball.project(inputs + ball.radius * direction)
        with torch.no_grad():
            before, after = model(inputs).softmax(1), model(moved).softmax(1)
    wrong = after.scatter(1, labels[:, None], -1.0).amax(1)
    fooled = (before.argmax(1) == labels) & (after.argmax(1) != labels)
    confidence = torch.minimum(before.gather(1, labels[:, None])[:, 0], wrong) + fooled
    chosen = int(confidence.argmax())
    pictures = (np.moveaxis(each[chosen].numpy(), 0, -1) for each in (inputs, direction, moved))
    said = ((int(each[chosen].argmax()), float(each[chosen].max())) for each in (before, after))
    return Panda(*pictures, *said)
