"""Trains a recipe at every training size x label noise x width, with every seed, and publishes the record."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from reglab.data import prepared
from reglab.data.prepared import Prepared, Split
from reglab.evaluation.metric_table import NAMES
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training.all_seeds import finished_with_metrics
from reglab.training.one_seed import Recipe, cost_of_step, train_seed
from reglab.training.variants import cases, seeds_of_record, train_variants, variant_folder

KEPT = tuple(  # of the numbers of a training, in the order of the records
    dict.fromkeys(
        ["test_accuracy", "validation_accuracy", "train_accuracy", "test_nll"]
        + [f"{part}_{name}" for part in ("test", "validation", "train") for name in NAMES]
    )
)


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    data, regularizer = prepared.read(Path("data/study")), settings.entry("regularizers", stage.name)
    axes = {axis: list(getattr(settings.regimes, axis)) for axis in Cell._fields}
    recipe = Recipe((regularizer,), settings.model, settings.training)
    built = stage.build(data, {stage.name: regularizer}, regimes=axes, **settings.shared())
    run(recipe, cells(**axes), data, built)


class Cell(NamedTuple):
    """A place in the map: labelled examples, share of their labels that are wrong, units of a hidden layer."""

    train_size: int
    label_noise: float
    width: int

    @property
    def key(self) -> str:
        """What follows the @ in the name of a metric, such as 900x0.4x256."""
        return f"{self.train_size}x{self.label_noise}x{self.width}"


def cells(train_size: Iterable[int], label_noise: Iterable[float], width: Iterable[int]) -> dict[str, Cell]:
    """Every cell by its key."""
    return {cell.key: cell for cell in map(Cell._make, product(train_size, label_noise, width))}


def run(recipe: Recipe, grid: dict[str, Cell], data: Prepared, stage: Stage) -> dict:
    """Train every seed in every cell and publish the record; returns its content.

    Every cell takes as many steps as the study. In the one that has the study's own settings, a training is that of the
    study to the bit. Under a metric's own name stands the mean over the cells.
    """
    with stage.journal() as entry:
        splits = {
            (seed, key): data.resized(seed, grid[key].train_size, grid[key].label_noise)
            for seed, key in cases(stage.seeds, grid)
        }
        first = stage.seeds[0]
        train_size = len(data.split(first).labels["labelled"])
        recipes = {key: recipe_in_cell(recipe, cell, train_size) for key, cell in grid.items()}
        train = partial(train_seed, log_every_epoch=False)
        train_variants(
            {(seed, key): (train, recipes[key], split) for (seed, key), split in splits.items()}, entry, stage
        )
        results = {
            (seed, key): finished_with_metrics(variant_folder(entry, key), seed, split, KEPT)
            for (seed, key), split in splits.items()
        }
        epochs = {key: fmean(results[seed, key][0]["epochs"] for seed in stage.seeds) for key in grid}
        content = {
            "cells": {key: cell._asdict() for key, cell in grid.items()},
            "seeds": seeds_of_record(results),
            "cost": cost(recipes, {key: splits[first, key] for key in grid}, epochs),
        }
        return stage.publish(entry, content)


def recipe_in_cell(recipe: Recipe, cell: Cell, train_size: int) -> Recipe:
    """The recipe in a cell: hidden layers that wide, and the epochs in which it takes the steps that it takes in the study.

    `train_size` is that of the study. With the same number of epochs, cells of few examples would be undertrained.
    Settings of a technique that are in epochs stay as they are.
    """
    of_study, of_cell = (-(-size // recipe.training.batch_size) for size in (train_size, cell.train_size))  # batches
    training = replace(
        recipe.training,
        epochs=max(1, round(recipe.training.epochs * of_study / of_cell)),
        warmup_epochs=recipe.training.warmup_epochs * (of_study / of_cell),
    )
    return replace(recipe, architecture=replace(recipe.architecture, width=cell.width), training=training)


def cost(recipes: dict[str, Recipe], splits: dict[str, Split], epochs: dict[str, float]) -> dict[str, float]:
    """Floating-point operations of a training, the mean over the cells, and relative to no technique at all."""
    total = plain = 0.0
    for key, recipe in recipes.items():
        size = len(splits[key].inputs["labelled"])
        step, plain_step = (
            cost_of_step(each, splits[key])["flops_per_example"] for each in (recipe, replace(recipe, regularizers=()))
        )
        total += step * size * epochs[key]
        plain += plain_step * size * recipe.training.epochs
    return {"flops": round(total / len(recipes)), "relative_to_none": total / plain}
