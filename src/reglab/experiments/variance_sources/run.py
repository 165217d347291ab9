"""Trains a recipe with one random stream varied at a time, the others fixed at the first seed, and publishes the record."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean

from reglab.core.streams import SOURCES, Seeds
from reglab.data import prepared
from reglab.data.prepared import Prepared, Split
from reglab.evaluation.metric_table import NAMES
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training.all_seeds import finished_with_metrics, total_cost
from reglab.training.one_seed import Recipe, cost_of_step, train_seed
from reglab.training.regularizer import name
from reglab.training.variants import cases, seeds_of_record, train_variants, variant_folder

KEPT = tuple(  # of the numbers of a training, in the order of the records
    dict.fromkeys(["test_accuracy", "test_nll", "validation_accuracy", *(f"test_{name}" for name in NAMES)])
)


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    data, (_, regularizers) = prepared.read(Path("data/study")), settings.recipe(stage.name)
    techniques = {name(regularizer): regularizer for regularizer in regularizers}
    recipe = Recipe(regularizers, settings.model, settings.training)
    run(recipe, data, stage.build(data, techniques, **settings.shared()))


def varied(source: str, seed: int, first: int) -> tuple[int, Seeds]:
    """The seed of the split and those of the other streams, where this source alone takes `seed`."""
    seeds = dict.fromkeys(SOURCES, first) | {source: seed}
    return seeds.pop("split"), Seeds(**seeds)


def run(recipe: Recipe, data: Prepared, stage: Stage) -> dict:
    """Train every seed of every source and publish the record; returns its content.

    The split also decides who gets a wrong label; masks are all that techniques draw. At the first seed every source is
    the ordinary training.
    """
    with stage.journal() as entry:
        first = stage.seeds[0]
        splits = {seed: data.split(seed) for seed in stage.seeds}
        drawn = {(seed, source): varied(source, seed, first) for seed, source in cases(stage.seeds, SOURCES)}
        jobs = {
            case: (partial(train_seed, streams=streams, log_every_epoch=False), recipe, splits[split_seed])
            for case, (split_seed, streams) in drawn.items()
        }
        train_variants(jobs, entry, stage)
        results = {
            (seed, source): finished_with_metrics(variant_folder(entry, source), seed, splits[split_seed], KEPT)
            for (seed, source), (split_seed, _) in drawn.items()
        }
        content = {
            "seeds": {seed: by_source(of_record) for seed, of_record in seeds_of_record(results).items()},
            "cost": cost(recipe, splits[first], fmean(outcome["epochs"] for outcome, _ in results.values())),
        }
        return stage.publish(entry, content)


def by_source(seed: dict) -> dict:
    """A seed's part of the record without the means over the sources, which say nothing."""
    return seed | {"metrics": {name: value for name, value in seed["metrics"].items() if "@" in name}}


def cost(recipe: Recipe, split: Split, epochs: float) -> dict:
    """Of one training."""
    steps = (cost_of_step(each, split) for each in (recipe, replace(recipe, regularizers=())))
    return total_cost(recipe, *steps, epochs, len(split.inputs["labelled"]))
