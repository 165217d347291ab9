"""From a grid over one technique's settings to its record: chosen on validation data, then judged once."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from reglab import budgets, journal, record, searching, training
from reglab.data.prepared import Prepared
from reglab.fitting import Recipe
from reglab.processes import run_all
from reglab.record import About


def run(
    recipe: Recipe,
    grid: list[dict],
    search_seeds: int,
    about: About,
    data: Prepared,
    runs: Path,
    *,
    processes: int | None = None,
    context: dict | None = None,
) -> dict:
    """Try every point of the grid {setting: value} on the recipe's only technique, judge the best on all seeds, and publish
    `runs/sweeps/<name>`; returns the record's content.

    The first `search_seeds` seeds search. `seeds`, `cost`, curves and predictions are those of the chosen point, as a
    recipe of its own would have them. `context` is as in `journal.opened`.
    """
    [technique] = recipe.regularizers
    recipes = [replace(recipe, regularizers=(replace(technique, **point),)) for point in grid]
    with journal.opened(about, context) as entry:
        splits = {seed: data.split(seed) for seed in about.seeds}
        searched = {seed: splits[seed] for seed in about.seeds[:search_seeds]}
        tried = searching.try_all(dict(enumerate(recipes)), searched, entry, about.name, processes)
        number = searching.best(tried)
        final = searching.final_jobs(recipes[number], splits, budgets.folder_of(entry, number), entry)
        run_all(final, processes=processes, tick=lambda: None)
        *steps, plain = searching.steps(recipes, splits[about.seeds[0]], processes)
        found = training.gathered(recipes[number], (steps[number], plain), splits, entry)
        epochs = [searching.epochs(budgets.folder_of(entry, point), list(searched)) for point in tried]
        search = sum(step["flops_per_example"] * own for step, own in zip(steps, epochs, strict=True))
        content = asdict(about) | {
            "seeds": found.seeds,
            "chosen": {"number": number, "settings": grid[number]},
            "grid": [{"settings": point} | tried[place] for place, point in enumerate(grid)],
            "expected_best": expected_best([searching.accuracy(own) for own in tried.values()]),
            "numbers": {f"chosen/{setting}": value for setting, value in numeric(grid[number]).items()},
            "cost": found.cost | {"search": search / (plain["flops_per_example"] * recipe.training.epochs)},
        }
        path = record.write(record.folder(runs, about), content, curves=found.curves, predicted=found.predicted)
        journal.complete(entry, path)
    return content


def numeric(settings: dict) -> dict[str, float]:
    return {name: value for name, value in settings.items() if type(value) in (int, float)}


def expected_best(values: Sequence[float]) -> list[float]:
    """The expected highest of k of the values drawn at random with replacement, for k = 1 to their number n.

        E[max] = sum over distinct v of v (P(V <= v)^k - P(V < v)^k),  P(V <= v) = share of the values that are <= v

    Dodge, Gururangan, Card, Schwartz & Smith, "Show Your Work: Improved Reporting of Experimental Results", 2019, eq. 7.
    """
    distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
    below = np.concatenate([[0.0], np.cumsum(counts) / len(values)])
    return [float(distinct @ np.diff(below**k)) for k in range(1, len(values) + 1)]
