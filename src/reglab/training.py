"""From a recipe's settings to its record: all seeds, in parallel, then one atomic publication."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from reglab import journal, record
from reglab.data.prepared import Prepared, Split
from reglab.fitting import Recipe, cost_of_step, finished_seed, train_seed
from reglab.metric_names import NETWORK
from reglab.oracle import row
from reglab.processes import run_all
from reglab.record import About


def run(
    recipe: Recipe,
    about: About,
    data: Prepared,
    runs: Path,
    *,
    processes: int | None = None,
    context: dict | None = None,
) -> dict:
    """Train all seeds and publish `runs/<family>/<name>`; returns the record's content.

    `context` is as in `journal.opened`.
    """
    with journal.opened(about, context) as entry:
        splits = {seed: data.split(seed) for seed in about.seeds}
        costs = train_all(recipe, splits, entry, about.name, processes)
        found = gathered(recipe, costs, splits, entry)
        content = asdict(about) | {"seeds": found.seeds, "cost": found.cost, "checks": own_checks(recipe, about)}
        path = record.write(
            record.folder(runs, about), content, curves=found.curves, predicted=found.predicted, weights=found.weights
        )
        journal.complete(entry, path)
    return content


def own_checks(recipe: Recipe, about: About) -> list[dict]:
    """The exact checks that go into the record of a technique by itself: those that no theory topic runs."""
    if about.family != "regularizers":
        return []
    techniques = [technique for technique in recipe.regularizers if technique.topic is None]
    return [row(check) | {"technique": about.name} for technique in techniques for check in technique.checks()]


class Gathered(NamedTuple):
    """What the finished seeds of a recipe came to, as a record holds it."""

    seeds: dict[str, dict]
    cost: dict[str, float]
    curves: str
    predicted: dict[str, np.ndarray]
    weights: dict[int, dict[str, np.ndarray]]


def gathered(recipe: Recipe, costs: tuple[dict, dict], splits: dict[int, Split], folder: Path) -> Gathered:
    """Every seed that `train_seed` has left in the folder; `costs` are those of a step with and without the techniques."""
    outcomes, tensors = zip(*(finished_seed(folder, seed) for seed in splits), strict=True)
    lines = {seed: journal.Journal(folder / f"seed-{seed}.jsonl").lines for seed in splits}
    probabilities = [record.starting_with("probabilities/", arrays) for arrays in tensors]
    each = zip(splits.items(), outcomes, probabilities, strict=True)
    examples = len(next(iter(splits.values())).inputs["labelled"])
    return Gathered(
        {str(seed): seed_of_record(outcome, own, split) for (seed, split), outcome, own in each},
        total_cost(recipe, *costs, fmean(outcome["epochs"] for outcome in outcomes), examples),
        record.curves_csv(lines),
        record.predictions(splits.values(), [own["test"] for own in probabilities]),
        {seed: record.starting_with("weights/", arrays) for seed, arrays in zip(splits, tensors, strict=True)},
    )


def seed_of_record(outcome: dict, probabilities: dict, split: Split) -> dict:
    """A seed's part of the record; one that diverged has no metrics."""
    seed = {key: outcome[key] for key in ("status", "reason", "best_epoch", "epochs") if key in outcome}
    if outcome["status"] != "finished":
        return seed | {"metrics": {}}
    network = {key: outcome[key] for key in NETWORK}
    return seed | {"metrics": record.seed_metrics(split, probabilities) | network}


def finished(folder: Path, seed: int, split: Split, kept: Sequence[str]) -> tuple[dict, dict]:
    """As `fitting.finished_seed`, and the outcome has the `kept` ones of the metrics that a record of its own would have."""
    outcome, tensors = finished_seed(folder, seed)
    measured = seed_of_record(outcome, record.starting_with("probabilities/", tensors), split)["metrics"]
    return outcome | {"metrics": {name: measured[name] for name in kept if measured}}, tensors


def total_cost(recipe: Recipe, step: dict, plain_step: dict, epochs: float, examples: int) -> dict:
    """Operations of a whole training, the mean over seeds; passes of one step; and both relative to no technique at all."""
    seen = epochs * examples
    return {
        "flops": round(step["flops_per_example"] * seen),
        "forward_passes": step["forward_passes"],
        "backward_passes": step["backward_passes"],
        "relative_to_none": step["flops_per_example"]
        * epochs
        / (plain_step["flops_per_example"] * recipe.training.epochs),
    }


def train_all(
    recipe: Recipe, splits: dict[int, Split], entry: Path, name: str, processes: int | None
) -> tuple[dict, dict]:
    """Train every seed into `entry`; returns the cost of a step with and without the techniques.

    Shows progress where the output is a terminal.
    """
    first = next(iter(splits.values()))
    costs = [(cost_of_step, which, first) for which in (recipe, replace(recipe, regularizers=()))]
    seeds = [(train_seed, recipe, split, seed, entry) for seed, split in splits.items()]
    with tqdm(total=recipe.training.epochs * len(splits), desc=name, unit="epoch", disable=None, leave=False) as bar:

        def tick() -> None:
            bar.n = sum(journal.epochs_written(entry, seed) for seed in splits)
            left = sum(not (entry / f"seed-{seed}.safetensors").exists() for seed in splits)
            bar.set_postfix_str(f"{left} of {len(splits)} seeds left")

        with_techniques, without, *_ = run_all(costs + seeds, processes=processes, tick=tick)
    return with_techniques, without
