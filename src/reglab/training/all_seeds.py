"""Trains all seeds of a recipe in parallel and publishes their record."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np

from reglab.core.checks import check_record
from reglab.data.prepared import Prepared, Split
from reglab.evaluation.network_metrics import NETWORK
from reglab.runtime.processes import Progress
from reglab.tracking import journal, record
from reglab.tracking.record import About
from reglab.tracking.stage import Stage
from reglab.training.one_seed import Recipe, cost_of_step, finished_seed, is_finished, train_seed
from reglab.training.together import in_stacks

TARGET_SCALE = "target_scale"  # among the fitted numbers of a seed


def run(recipe: Recipe, data: Prepared, stage: Stage) -> dict:
    """Train all seeds and publish their record; returns its content."""
    with stage.journal() as entry:
        splits = {seed: data.split(seed) for seed in stage.seeds}
        costs = train_all(recipe, splits, entry, stage)
        seeds, cost, curves, predicted, weights = gather(recipe, costs, splits, entry)
        content = {"seeds": seeds, "cost": cost, "checks": technique_check_records(recipe, stage.about)}
        files = {"curves": curves, "predicted": predicted, "weights": weights}
        return stage.publish(entry, content, **files, preprocessing=fitted_numbers(data, splits))


def fitted_numbers(data: Prepared, splits: dict[int, Split]) -> dict[int, dict[str, np.ndarray]]:
    """By seed what a record holds beside the weights, so that new examples can be predicted: the fitted preprocessing and the
    scale of amounts. Seeds for which nothing is fitted are left out.
    """
    fitted = {seed: data.preprocessor(seed).tensors() | scale_of_targets(split) for seed, split in splits.items()}
    return {seed: each for seed, each in fitted.items() if each}


def scale_of_targets(split: Split) -> dict[str, np.ndarray]:
    """Mean and standard deviation of the amounts of the training part, which turn outputs into amounts; none for classes."""
    return {TARGET_SCALE: np.array(split.target_scale)} if split.task.name == "regression" else {}


def technique_check_records(recipe: Recipe, about: About) -> list[dict]:
    """The exact checks in the record of a single technique: those that no theory topic runs."""
    if about.family != "regularizers":
        return []
    techniques = [technique for technique in recipe.regularizers if technique.topic is None]
    return [check_record(check) | {"technique": about.name} for technique in techniques for check in technique.checks()]


class Gathered(NamedTuple):
    """The results of all seeds of a recipe, as a record holds them."""

    seeds: dict[str, dict]
    cost: dict[str, float]
    curves: str
    predicted: dict[str, np.ndarray]
    weights: dict[int, dict[str, np.ndarray]]


def gather(recipe: Recipe, costs: tuple[dict, dict], splits: dict[int, Split], folder: Path) -> Gathered:
    """The results of all seeds in the folder; `costs` are those of a step with and without the techniques."""
    outcomes, tensors = zip(*(finished_seed(folder, seed) for seed in splits), strict=True)
    lines = {seed: journal.Journal(folder / f"seed-{seed}.jsonl").lines for seed in splits}
    predicted = [record.starting_with("predictions/", arrays) for arrays in tensors]
    results = zip(splits.items(), outcomes, predicted, strict=True)
    examples = len(next(iter(splits.values())).inputs["labelled"])
    return Gathered(
        {str(seed): seed_of_record(outcome, each, split) for (seed, split), outcome, each in results},
        total_cost(recipe, *costs, fmean(outcome["epochs"] for outcome in outcomes), examples),
        record.curves_csv(lines),
        record.predictions(splits.values(), [each["test"] for each in predicted]),
        {seed: record.starting_with("weights/", arrays) for seed, arrays in zip(splits, tensors, strict=True)},
    )


def seed_of_record(outcome: dict, predictions: dict, split: Split) -> dict:
    """A seed's part of the record; one that diverged has no metrics."""
    seed = {key: outcome[key] for key in ("status", "reason", "best_epoch", "epochs") if key in outcome}
    if outcome["status"] != "finished":
        return seed | {"metrics": {}}
    network = {key: outcome[key] for key in NETWORK}
    return seed | {"metrics": record.seed_metrics(split, predictions) | network}


def finished_with_metrics(folder: Path, seed: int, split: Split, kept: Sequence[str]) -> tuple[dict, dict]:
    """As `one_seed.finished_seed`, with those metrics of its record in the outcome that are in `kept`."""
    outcome, tensors = finished_seed(folder, seed)
    metrics = seed_of_record(outcome, record.starting_with("predictions/", tensors), split)["metrics"]
    return outcome | {"metrics": {name: metrics[name] for name in kept if name in metrics}}, tensors


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


def train_all(recipe: Recipe, splits: dict[int, Split], entry: Path, stage: Stage) -> tuple[dict, dict]:
    """Train every seed into `entry`; returns the cost of a step with and without the techniques."""
    first = next(iter(splits.values()))
    costs = [(cost_of_step, each, first) for each in (recipe, replace(recipe, regularizers=()))]
    left = {seed: split for seed, split in splits.items() if not is_finished(entry, seed)}
    seeds = [(train_seed, recipe, split, seed, entry) for seed, split in left.items()]
    progress = Progress(
        stage.name,
        "epoch",
        recipe.training.epochs * len(splits),
        done=lambda: journal.epochs_written(entry, *splits),
        note=lambda: f"{len(splits) - sum(1 for _ in entry.glob('seed-*.safetensors'))} of {len(splits)} seeds left",
    )
    with_techniques, without, *_ = stage.train(costs + seeds, entry, in_stacks, progress)
    return with_techniques, without
