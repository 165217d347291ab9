"""Attacks the trained networks of a family, checks whether the attacks are reliable, and publishes the record.

Each network is rebuilt from its published weights; one of its attack reliability checks compares its probabilities with
the published ones, so that the network attacked is the one that was evaluated.
"""

import sys
from itertools import product
from math import isfinite
from pathlib import Path

import numpy as np
import torch

from reglab.core.checks import check_record
from reglab.core.errors import UserError
from reglab.data import prepared
from reglab.data.prepared import Prepared
from reglab.evaluation.rounding import mean
from reglab.experiments.robustness.attacked_seed import Measured, measure, scores_on
from reglab.experiments.robustness.error_reliability import error_transfer_check
from reglab.experiments.robustness.figure import figure
from reglab.experiments.robustness.panda import panda
from reglab.experiments.robustness.reliability import transfer_check
from reglab.experiments.robustness.trained_networks import Rebuild, trained_networks
from reglab.tracking import record
from reglab.tracking.stage import Stage, StageBuilder


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`.

    Says what was not attacked, and which accuracies or errors under attack are unreliable.
    """
    data, attack = prepared.read(Path("data/study")), settings.entry("attacks", stage.name)
    built = stage.build(data, {}, seeds=[], **{stage.name: attack}, **settings.shared())  # no seeds of its own
    content = run(attack, trained_networks(settings, stage.name), data, built)
    for name, seeds in content["skipped"].items():
        print(f"{name}: not attacked, because it diverged in seed {', '.join(map(str, seeds))}", file=sys.stderr)
    for name, model in content["models"].items():
        for line in model["unreliable"]:
            measured = "error under attack" if "metric" in content else "robust accuracy"
            print(f"{name}: {measured} unreliable; failed check: {line}", file=sys.stderr)


def run(
    attack,  # the entry of `attacks` in params.yaml: norm, epsilons, examples, seeds
    networks: dict[str, Rebuild],
    data: Prepared,
    stage: Stage,
) -> dict:
    """Attack `runs/<stage.name>/<network>` and publish the record; returns its content.

    `predictions.safetensors` holds the smallest epsilon of every test example (seeds, examples), 0 where the clean
    input is misclassified, infinite where no attack succeeded; of amounts its absolute error at each epsilon. The strong
    attack, the reliability checks and the transfers use the first `attack.examples` of them.

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
        matrix = grouped(attacked, stage.run_all([(scores_on, *case[:-1], transferred[case[-2]]) for case in cases]))
        metric = splits[0].task.score
        content = {"seeds": {}} | summarised(attack, measured, matrix, metric)
        content["skipped"] = {name: seeds for name, seeds in skipped.items() if seeds}
        picture = ""
        if attacked:
            shown = "none" if "none" in attacked else next(iter(attacked))
            torch.set_num_threads(1)
            model = attacked[shown](trained / shown, splits[0], 0)
            curves = {
                name: [[each.clean, *each.curves["projected_gradient"]] for each in seeds]
                for name, seeds in measured.items()
            }
            picture = figure(
                attack.norm, attack.epsilons, curves, content["models"], panda(model, splits[0], attack), metric
            )
        of_examples = {
            f"{kind}/{name}": np.stack([seed.of_examples[kind] for seed in seeds])
            for name, seeds in measured.items()
            for kind in seeds[0].of_examples
        }
        return stage.publish(entry, content, figure=picture, predicted=of_examples)


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


def summarised(
    attack, measured: dict[str, list[Measured]], matrix: dict[str, list[list[float]]], metric: str = "accuracy"
) -> dict:
    """`numbers`, `checks` and `models` of the record, and the `metric` where it is not the accuracy; means over seeds.

    `matrix[target][seed]` are the target's values of the metric on inputs made for each recipe, in their order.
    """
    numbers, rows, models = {}, [], {}
    for name, seeds in measured.items():
        robust, place = mean(each.strong for each in seeds), list(measured).index(name)
        others = [value for source, value in enumerate(matrix[name][0]) if source != place]
        transferred = (transfer_check if metric == "accuracy" else error_transfer_check)(seeds[0].strong, others)
        checks = [*seeds[0].checks, transferred]
        rows += [check_record(check) | {"name": f"{name}: {check.name}", "model": name} for check in checks]
        curves = {
            kind: [mean(values) for values in zip(*(each.curves[kind] for each in seeds), strict=True)]
            for kind in seeds[0].curves
        }
        clean = mean(each.clean for each in seeds)
        models[name] = {
            "clean": clean,
            "curves": curves | {"strong": robust},
            "smallest_epsilon": median_of_smallest(seeds),
            "unreliable": [check.name for check in checks if not check.passed],
            "transfer": {
                source: mean(values) for source, values in zip(measured, zip(*matrix[name], strict=True), strict=True)
            },
        }
        numbers |= {f"{name}/clean_{metric}": clean, f"{name}/robust_{metric}@{attack.epsilons[-1]:g}": robust}
    named = {} if metric == "accuracy" else {"metric": metric}
    return {"numbers": numbers, "checks": rows, "models": models} | named


def median_of_smallest(seeds: list[Measured]) -> float | None:
    """The mean over seeds of the median of the smallest epsilons; None where it is infinite, and of amounts."""
    if any("smallest_epsilon" not in each.of_examples for each in seeds):
        return None
    smallest = mean(float(np.median(each.of_examples["smallest_epsilon"])) for each in seeds)
    return float(f"{smallest:.7g}") if isfinite(smallest) else None
