"""Searches a grid of one technique's settings on validation data, evaluates the best once, and publishes the record."""

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path

import numpy as np

from reglab.data import prepared
from reglab.data.prepared import Prepared
from reglab.evaluation.metric_table import DECIDING
from reglab.experiments.tuning.search import evaluate_best, try_all, value
from reglab.experiments.tuning.settings import points
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training.one_seed import Recipe
from reglab.training.variants import variant_folder


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    data, technique = prepared.read(Path("data/study")), settings.entry("regularizers", stage.name)
    grid, tuning, metric = settings.entry("sweeps", stage.name), settings.tuning, settings.evaluation.metric
    recipe = Recipe((technique,), settings.model, settings.training)
    built = stage.build(data, {stage.name: technique}, grid=grid, tuning=tuning, metric=metric, **settings.shared())
    run(recipe, points(grid), tuning.seeds, data, built, metric)


def run(
    recipe: Recipe, grid: list[dict], search_seeds: int, data: Prepared, stage: Stage, metric: str = "accuracy"
) -> dict:
    """Try every point of the grid {setting: value} on the recipe's only technique, evaluate the best by the metric on all
    seeds, and publish the record; returns its content.

    The first `search_seeds` seeds search. `seeds`, `cost`, curves and predictions are those of the chosen point, as a
    recipe of its own would have them.
    """
    [technique] = recipe.regularizers
    recipes = [replace(recipe, regularizers=(replace(technique, **point),)) for point in grid]
    with stage.journal() as entry:
        splits = {seed: data.split(seed) for seed in stage.seeds}
        searched = {seed: splits[seed] for seed in stage.seeds[:search_seeds]}
        tried = try_all(dict(enumerate(recipes)), searched, entry, stage)
        folders = [variant_folder(entry, point) for point in tried]
        number, chosen = evaluate_best(recipes, tried, folders, list(searched), splits, entry, stage, metric)
        content = {
            "seeds": chosen.seeds,
            "chosen": {"number": number, "settings": grid[number]},
            "grid": [{"settings": point} | tried[place] for place, point in enumerate(grid)],
            "expected_best": expected_best([value(scores, metric) for scores in tried.values()], DECIDING[metric].sign),
            "numbers": {f"chosen/{setting}": value for setting, value in numeric(grid[number]).items()},
            "cost": chosen.cost,
        }
        return stage.publish(entry, content, curves=chosen.curves, predicted=chosen.predicted)


def numeric(settings: dict) -> dict[str, float]:
    return {name: value for name, value in settings.items() if type(value) in (int, float)}


def expected_best(values: Sequence[float], sign: int = 1) -> list[float | None]:
    """The expected highest of k of the values drawn at random with replacement, for k = 1 to their number n; with `sign` -1
    the expected lowest. None where it is infinite, because a draw may have diverged.

        E[max] = sum over distinct v of v (P(V <= v)^k - P(V < v)^k),  P(V <= v) = share of the values that are <= v

    Dodge, Gururangan, Card, Schwartz & Smith, "Show Your Work: Improved Reporting of Experimental Results", 2019, eq. 7.
    """
    distinct, counts = np.unique(sign * np.asarray(values, dtype=np.float64), return_counts=True)
    below = np.concatenate([[0.0], np.cumsum(counts) / len(values)])
    expected = [sign * float(distinct @ np.diff(below**k)) for k in range(1, len(values) + 1)]
    return [value if isfinite(value) else None for value in expected]
