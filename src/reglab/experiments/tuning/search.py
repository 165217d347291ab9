"""Compares recipes on validation data alone and tests the best, for tuned recipes, sweeps and cocktails.

`evaluation.metric` decides which is better. A search trains on splits without a test part, so that no test result of a
recipe that was not chosen is computed.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from reglab.data.prepared import Split
from reglab.evaluation.metric_table import names_of
from reglab.evaluation.predicted import predicted_metrics
from reglab.experiments.tuning.selection import Scores, best
from reglab.tracking.journal import epochs_written
from reglab.tracking.stage import Stage
from reglab.training.all_seeds import Gathered, gather
from reglab.training.one_seed import Recipe, cost_of_step, evaluate_seed, finished_seed, is_finished, train_seed
from reglab.training.together import in_stacks
from reglab.training.variants import Variant, cases, train_variants, variant_folder

SEEN = {"train": "labelled", "validation": "validation"}  # what a search may see, by its name in metrics


def try_all(
    recipes: dict[Variant, Recipe],
    splits: dict[int, Split],
    entry: Path,
    stage: Stage,
    title: str = "",
    *,
    log_every_epoch: bool = True,
) -> dict[Variant, Scores]:
    """Train every recipe on every split, in one pool, each in a folder of the entry; their scores."""
    train = partial(train_seed, log_every_epoch=log_every_epoch)
    jobs = {
        (seed, variant): (train, recipes[variant], splits[seed].without_test())
        for seed, variant in cases(splits, recipes)
    }
    train_variants(jobs, entry, stage, title)
    return {variant: scores(variant_folder(entry, variant), splits) for variant in recipes}


def scores(folder: Path, splits: dict[int, Split]) -> Scores:
    """`train_` and `validation_` with every metric of `metric_table`, of the seeds that were trained in the folder."""
    names = names_of(next(iter(splits.values())).task.name)
    by_metric: Scores = {f"{part}_{metric}": [] for part in SEEN for metric in names}
    for seed, split in splits.items():
        outcome, tensors = finished_seed(folder, seed)
        for part, labelled in SEEN.items():
            measured = {}
            if outcome["status"] == "finished":
                measured = predicted_metrics(tensors[f"predictions/{labelled}"], split.labels[labelled])
            for metric in names:
                by_metric[f"{part}_{metric}"].append(measured.get(metric))
    return by_metric


class Choice(NamedTuple):
    """The best of what was tried: its number, its results on all seeds, and the budget that the search has spent."""

    number: int
    results: Gathered
    budget: dict[str, int]


def evaluate_best(
    recipes: Sequence[Recipe],
    tried: dict[int, Scores],
    folders: Sequence[Path],
    searched: Sequence[int],
    splits: dict[int, Split],
    entry: Path,
    stage: Stage,
    metric: str = "accuracy",
    *,
    log_every_epoch: bool = True,
) -> Choice:
    """Train the best of the recipes by the metric on all splits and evaluate it on the test parts.

    `folders` are where each recipe was tried on the seeds `searched`. The cost also has `search`: the operations of all
    that was tried, relative to those of one training without any technique.
    """
    number = best(tried, metric)
    train_chosen(recipes[number], splits, folders[number], entry, stage, log_every_epoch=log_every_epoch)
    plain, first = replace(recipes[0], regularizers=()), next(iter(splits.values()))
    *steps, plain_step = stage.run_all([(cost_of_step, recipe, first) for recipe in (*recipes, plain)])
    results = gather(recipes[number], (steps[number], plain_step), splits, entry)
    epochs = [epochs_written(folder, *searched) for folder in folders]
    spent = sum(step["flops_per_example"] * count for step, count in zip(steps, epochs, strict=True))
    search = spent / (plain_step["flops_per_example"] * plain.training.epochs)
    statuses = [
        finished_seed(folder, seed)[0]["status"]
        for folder in folders
        for seed in searched
        if is_finished(folder, seed)  # a trial that repeats another trains nothing
    ]
    budget = {
        "trainings": len(statuses),
        "diverged": sum(status != "finished" for status in statuses),
        "epochs": sum(epochs),
        "flops": round(spent * len(first.inputs["labelled"])),
    }
    return Choice(number, results._replace(cost=results.cost | {"search": search}), budget)


def train_chosen(
    recipe: Recipe,
    splits: dict[int, Split],
    searched: Path,
    folder: Path,
    stage: Stage,
    *,
    log_every_epoch: bool,
) -> None:
    """Leave every seed of the chosen recipe in `folder`; those that lie in `searched` are not repeated."""
    known = {seed for seed in splits if is_finished(searched, seed)}
    left = [seed for seed in splits if seed not in known and not is_finished(folder, seed)]
    train = partial(train_seed, log_every_epoch=log_every_epoch)
    stage.train([(train, recipe, splits[seed], seed, folder) for seed in left], folder, in_stacks)
    stage.run_all([(evaluate_seed, recipe, splits[seed], seed, searched, folder) for seed in sorted(known)])
