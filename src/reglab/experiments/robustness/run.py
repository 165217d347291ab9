"""Attacks the trained networks of a family, checks whether the attacks are reliable, and publishes the record.

Each network is rebuilt from its published weights; one of its attack reliability checks compares its probabilities with
the published ones, so that the network attacked is the one that was evaluated.
"""

import sys
from dataclasses import dataclass
from itertools import product
from math import isfinite
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import Module

from reglab.attacks.ball import Ball, extent
from reglab.attacks.base import accuracy, evaluation_mode, gradient
from reglab.attacks.fast_gradient import fast_gradient
from reglab.attacks.objectives import cross_entropy
from reglab.attacks.projected_gradient import ascend, projected_gradient
from reglab.attacks.smallest import smallest_epsilon
from reglab.attacks.strong import strong
from reglab.core.checks import Check, check_record
from reglab.core.errors import UserError
from reglab.core.streams import generator
from reglab.data import prepared
from reglab.data.prepared import Prepared, Split
from reglab.evaluation.rounding import mean
from reglab.experiments.robustness import reliability
from reglab.experiments.robustness.figure import Panda, figure
from reglab.experiments.robustness.trained_networks import Rebuild, trained_networks
from reglab.tracking import record
from reglab.tracking.stage import Stage, StageBuilder

STEPS = 20  # of a projected gradient
ROUNDING = 1e-4  # of probabilities, between the batches and devices on which they were computed


@dataclass(frozen=True)
class Measured:
    """The results of all attacks on one seed of a network.

    `clean`, `curves` (accuracies by attack, one for each epsilon) and `smallest` (test examples,), the smallest epsilons,
    are on all test examples. The others are on those of the strong attack: `transferable` (examples, *shape) are the
    inputs to try on other networks; `checks` are the attack reliability checks, made for seed 0 alone.
    """

    clean: float
    curves: dict[str, list[float]]
    strong: float
    smallest: np.ndarray
    transferable: np.ndarray
    checks: list[Check]


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`.

    Says what was not attacked, and which robust accuracies are unreliable.
    """
    data, attack = prepared.read(Path("data/study")), settings.entry("attacks", stage.name)
    built = stage.build(data, {}, seeds=[], **{stage.name: attack}, **settings.shared())  # no seeds of its own
    content = run(attack, trained_networks(settings, stage.name), data, built)
    for name, seeds in content["skipped"].items():
        print(f"{name}: not attacked, because it diverged in seed {', '.join(map(str, seeds))}", file=sys.stderr)
    for name, model in content["models"].items():
        for line in model["unreliable"]:
            print(f"{name}: robust accuracy unreliable; failed check: {line}", file=sys.stderr)


def run(
    attack,  # the entry of `attacks` in params.yaml: norm, epsilons, examples, seeds
    networks: dict[str, Rebuild],
    data: Prepared,
    stage: Stage,
) -> dict:
    """Attack `runs/<stage.name>/<network>` and publish the record; returns its content.

    `predictions.safetensors` holds the smallest epsilon of every test example (seeds, examples), 0 where the clean
    input is misclassified, infinite where no attack succeeded. The strong attack, the reliability checks and the transfers
    use the first `attack.examples` of them.

    A network that diverged in one of the seeds is skipped and named. UserError where there are fewer examples or trained
    seeds than params.yaml asks for, and as in `attacks.base` and `Ball.around`.
    """
    with stage.journal() as entry:
        trained = stage.runs / stage.name
        skipped = {name: diverged_seeds(record.read(trained / name), attack.seeds) for name in networks}
        attacked = {name: rebuild for name, rebuild in networks.items() if not skipped[name]}
        splits = [data.split(seed) for seed in range(attack.seeds)]
        if len(splits[0].labels["test"]) < attack.examples:
            raise UserError(
                f"params.yaml: attacks.{stage.name}.examples: found {attack.examples}; allowed: at most the "
                f"{len(splits[0].labels['test'])} test examples, data.test_size"
            )
        cases = [
            (attacked[name], trained / name, splits[seed], seed, attack)
            for name, seed in product(attacked, range(attack.seeds))
        ]
        measured = grouped(attacked, stage.run_all([(measure, *case) for case in cases]))
        transferred = [[measured[name][seed].transferable for name in attacked] for seed in range(attack.seeds)]
        matrix = grouped(
            attacked, stage.run_all([(accuracies_on, *case[:-1], transferred[case[-2]]) for case in cases])
        )
        content = {"seeds": {}} | summarised(attack, measured, matrix)
        content["skipped"] = {name: seeds for name, seeds in skipped.items() if seeds}
        picture = ""
        if attacked:
            shown = "none" if "none" in attacked else next(iter(attacked))
            torch.set_num_threads(1)
            model = attacked[shown](trained / shown, splits[0], 0)
            curves = {name: [each.curves["projected_gradient"] for each in seeds] for name, seeds in measured.items()}
            picture = figure(attack.norm, attack.epsilons, curves, content["models"], panda(model, splits[0], attack))
        smallest = {
            f"smallest_epsilon/{name}": np.stack([seed.smallest for seed in measured[name]]) for name in attacked
        }
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
    """Group the flat list of results by name, one for each seed."""
    each = len(results) // max(len(names), 1)
    return {name: results[place * each : (place + 1) * each] for place, name in enumerate(names)}


def examples_of(split: Split, count: int | None = None) -> tuple[Tensor, Tensor]:
    """The first test inputs (count, *shape) and labels (count,); all of them without a count."""
    return torch.as_tensor(split.inputs["test"][:count]), torch.as_tensor(split.labels["test"][:count])


def measure(rebuild: Rebuild, folder: Path, split: Split, seed: int, attack) -> Measured:
    """Make all attacks on one seed of a network; the reliability checks are made for seed 0 alone."""
    model, (inputs, labels) = rebuild(folder, split, seed), examples_of(split)
    norm, largest, bounds = attack.norm, attack.epsilons[-1], split.bounds
    how = {"norm": norm, "bounds": bounds}
    few, few_labels = inputs[: attack.examples], labels[: attack.examples]
    curves = {
        "fast_gradient": [
            accuracy(model, fast_gradient(model, inputs, labels, epsilon, **how), labels) for epsilon in attack.epsilons
        ],
        "projected_gradient": [
            accuracy(model, projected_gradient(model, inputs, labels, e, **how, steps=STEPS, seed=seed), labels)
            for e in attack.epsilons
        ],
    }
    worst = strong(model, few, few_labels, largest, **how, seed=seed)
    whole = extent(inputs, bounds) * (1.0 if norm == "linf" else inputs[0].numel() ** 0.5)
    smallest = smallest_epsilon(projected_gradient, model, inputs, labels, **how, largest=whole)
    checks = []
    if seed == 0:
        checks = [
            rebuilt_check(model, folder, inputs, seed),
            *reliability.reliability_checks(model, few, few_labels, largest, worst, **how),
        ]
    return Measured(
        clean=accuracy(model, inputs, labels),
        curves=curves,
        strong=accuracy(model, worst, few_labels),
        smallest=smallest.numpy(),
        transferable=transferable_inputs(model, few, few_labels, largest, seed, **how).numpy(),
        checks=checks,
    )


def transferable_inputs(
    model: Module, inputs: Tensor, labels: Tensor, epsilon: float, seed: int, *, norm: str, bounds: tuple[float, float]
) -> Tensor:
    """Inputs (n, *shape) by a projected gradient that takes all its steps, even where the model is already fooled.

    An input that has just crossed the boundary of one model seldom fools another.
    """
    ball = Ball.around(inputs, epsilon, norm, bounds)
    start = ball.random(generator(seed, "transfer"))
    return ascend(model, start, ball, cross_entropy, labels, STEPS)


@torch.no_grad()
def rebuilt_check(model: Module, folder: Path, inputs: Tensor, seed: int) -> Check:
    """Checks that the network has the published test probabilities; where a record has several, those of one of them."""
    computed, published = model(inputs).softmax(1), load_file(folder / "predictions.safetensors")
    named = [values for name, values in published.items() if name.startswith("test_predictions")]
    gap = min((computed - values[seed, : len(inputs)]).abs().max().item() for values in named)
    return Check("the model attacked is the one that was judged", gap, ROUNDING)


def accuracies_on(
    rebuild: Rebuild, folder: Path, split: Split, seed: int, transferred: list[np.ndarray]
) -> list[float]:
    """The accuracy of a network on the inputs (examples, *shape) that were made to fool each network."""
    model = rebuild(folder, split, seed)
    labels = torch.as_tensor(split.labels["test"][: len(transferred[0])])
    return [accuracy(model, torch.as_tensor(inputs), labels) for inputs in transferred]


def summarised(attack, measured: dict[str, list[Measured]], matrix: dict[str, list[list[float]]]) -> dict:
    """`numbers`, `checks` and `models` of the record; means over seeds.

    `matrix[target][seed]` are the target's accuracies on inputs made for each recipe, in their order.
    """
    numbers, rows, models = {}, [], {}
    for name, seeds in measured.items():
        robust, place = mean(each.strong for each in seeds), list(measured).index(name)
        others = [value for source, value in enumerate(matrix[name][0]) if source != place]
        checks = [*seeds[0].checks, reliability.transfer_check(seeds[0].strong, others)]
        rows += [check_record(check) | {"name": f"{name}: {check.name}", "model": name} for check in checks]
        curves = {
            kind: [mean(values) for values in zip(*(each.curves[kind] for each in seeds), strict=True)]
            for kind in seeds[0].curves
        }
        clean, smallest = mean(each.clean for each in seeds), mean(float(np.median(each.smallest)) for each in seeds)
        models[name] = {
            "clean": clean,
            "curves": curves | {"strong": robust},
            "smallest_epsilon": float(f"{smallest:.7g}") if isfinite(smallest) else None,
            "unreliable": [check.name for check in checks if not check.passed],
            "transfer": {
                source: mean(values) for source, values in zip(measured, zip(*matrix[name], strict=True), strict=True)
            },
        }
        numbers |= {f"{name}/clean_accuracy": clean, f"{name}/robust_accuracy@{attack.epsilons[-1]:g}": robust}
    return {"numbers": numbers, "checks": rows, "models": models}


def panda(model: Module, split: Split, attack) -> Panda | None:
    """The example whose prediction a single step at the largest epsilon changes most clearly; None if inputs are no images.

    Examples are ranked by the smaller of two confidences: before the step in the right class, after it in a wrong one.
    Those that are fooled come first.
    """
    inputs, labels = examples_of(split, attack.examples)
    if inputs.ndim != 4 or inputs.shape[1] not in (1, 3):
        return None
    ball = Ball.around(inputs, attack.epsilons[-1], attack.norm, split.bounds)
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
    predictions = ((int(each[chosen].argmax()), float(each[chosen].max())) for each in (before, after))
    return Panda(*pictures, *predictions)
