"""Searches a grid of one technique's settings on validation data, evaluates the best once, and publishes the record."""

from dataclasses import replace
from pathlib import Path

from reglab.data import prepared
from reglab.data.prepared import Prepared
from reglab.evaluation.metric_table import DECIDING
from reglab.experiments.tuning.search import evaluate_best, try_all
from reglab.experiments.tuning.selection import expected_best, value
from reglab.experiments.tuning.settings import numeric, points
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training.one_seed import Recipe
from reglab.training.variants import variant_folder


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    data, technique = prepared.read(Path("data/study")), settings.entry("regularizers", stage.name)
    grid, metric = settings.entry("sweeps", stage.name), settings.evaluation.metric
    seeds = settings.tuning.seeds
    recipe = Recipe((technique,), settings.model, settings.training)
    built = stage.build(
        data, {stage.name: technique}, grid=grid, tuning={"seeds": seeds}, metric=metric, **settings.shared()
    )
    run(recipe, points(grid), seeds, data, built, metric)


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
        number, chosen, budget = evaluate_best(recipes, tried, folders, list(searched), splits, entry, stage, metric)
        content = {
            "seeds": chosen.seeds,
            "chosen": {"number": number, "settings": grid[number]},
            "grid": [{"settings": point} | tried[place] for place, point in enumerate(grid)],
            "expected_best": expected_best([value(scores, metric) for scores in tried.values()], DECIDING[metric].sign),
            "numbers": {f"chosen/{setting}": value for setting, value in numeric(grid[number]).items()},
            "cost": chosen.cost,
            "budget": budget,
        }
        return stage.publish(entry, content, curves=chosen.curves, predicted=chosen.predicted)
