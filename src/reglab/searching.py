"""What sweeps and cocktails share: recipes judged on validation data alone, and the one that was chosen on the test part.

A search trains on splits without a test part, so that no number of a recipe that was not chosen can be known.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from pathlib import Path

import torch

from reglab import budgets, journal
from reglab.data.prepared import Split
from reglab.evaluation.metrics import classification
from reglab.evaluation.rounding import mean
from reglab.fitting import Recipe, cost_of_step, finished_seed, judge_seed, train_seed
from reglab.processes import run_all

Scores = dict[str, list[float | None]]  # metric -> a value for each seed of the search, None where it diverged

SEEN = {"train": "labelled", "validation": "validation"}  # what a search may see, by its name in metrics


def try_all(
    recipes: dict[budgets.Budget, Recipe], splits: dict[int, Split], entry: Path, name: str, processes: int | None
) -> dict[budgets.Budget, Scores]:
    """Train every recipe on every split, in one pool, each in a folder of the entry; their scores."""
    jobs = {
        (seed, own): (train_seed, recipes[own], splits[seed].blind()) for seed, own in budgets.cases(splits, recipes)
    }
    budgets.train_all(jobs, entry, name, processes)
    return {own: scores(budgets.folder_of(entry, own), splits) for own in recipes}


def scores(folder: Path, splits: dict[int, Split]) -> Scores:
    """`train_` and `validation_`, `accuracy` and `nll`, of the seeds that were trained in the folder."""
    found: Scores = {f"{part}_{metric}": [] for part in SEEN for metric in ("accuracy", "nll")}
    for seed, split in splits.items():
        outcome, tensors = finished_seed(folder, seed)
        for part, labelled in SEEN.items():
            measured = {}
            if outcome["status"] == "finished":
                probabilities = torch.as_tensor(tensors[f"probabilities/{labelled}"])
                measured = classification(probabilities, torch.as_tensor(split.labels[labelled]))
            for metric in ("accuracy", "nll"):
                found[f"{part}_{metric}"].append(measured.get(metric))
    return found


def mean_or(values: Sequence[float | None], lost: float) -> float:
    """The mean, without the rounding that would rank equal ones; `lost` where a seed diverged."""
    return lost if None in values else mean(values)


def accuracy(own: Scores) -> float:
    """What a search looks at: the mean validation accuracy, 0 where a seed diverged."""
    return mean_or(own["validation_accuracy"], 0.0)


def best(tried: dict[budgets.Budget, Scores]) -> budgets.Budget:
    """The highest mean validation accuracy; of equals the lowest validation loss, then the first."""
    return max(tried, key=lambda own: (accuracy(tried[own]), -mean_or(tried[own]["validation_nll"], inf)))


def final_jobs(recipe: Recipe, splits: dict[int, Split], searched: Path, folder: Path) -> list[tuple]:
    """For `run_all`: what leaves every seed of the chosen recipe in `folder`; those that were searched are not repeated."""
    return [
        (judge_seed, recipe, split, seed, searched, folder)
        if (searched / f"seed-{seed}.safetensors").exists()
        else (train_seed, recipe, split, seed, folder)
        for seed, split in splits.items()
    ]


def steps(recipes: Sequence[Recipe], split: Split, processes: int | None) -> list[dict]:
    """The cost of a step of each recipe, and last without any technique."""
    jobs = [(cost_of_step, recipe, split) for recipe in (*recipes, replace(recipes[0], regularizers=()))]
    return run_all(jobs, processes=processes, tick=lambda: None)


def epochs(folder: Path, seeds: Sequence[int]) -> int:
    """How many were trained in the folder, over all its seeds."""
    return sum(journal.epochs_written(folder, seed) for seed in seeds)
