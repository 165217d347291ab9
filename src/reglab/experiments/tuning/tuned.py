"""Tunes one technique with the budget that every recipe has, evaluates the best settings once, and publishes the record."""

from dataclasses import replace
from pathlib import Path

from reglab.core import plain
from reglab.core.streams import seed_of
from reglab.data import prepared
from reglab.data.prepared import Prepared
from reglab.evaluation.metric_table import DECIDING
from reglab.experiments.tuning.ranges import shares, value_at
from reglab.experiments.tuning.search import evaluate_best, try_all
from reglab.experiments.tuning.selection import expected_best, value
from reglab.experiments.tuning.settings import SHARED, TUNED, Ranges, Settings, Tuning, numeric
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training.all_seeds import fitted_numbers
from reglab.training.one_seed import Recipe
from reglab.training.regularizer import name
from reglab.training.variants import variant_folder


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    data, technique = prepared.read(Path("data/study")), settings.entry("regularizers", stage.name)
    ranges, tuning, metric = settings.entry("tuned", stage.name), settings.tuning, settings.evaluation.metric
    best_epoch = EarlyStopping(patience=settings.training.epochs)  # trains every epoch and keeps the best one's weights
    techniques = {stage.name: technique, name(best_epoch): best_epoch}
    model = settings.model_of(stage.family)
    recipe = Recipe(tuple(techniques.values()), model, settings.training)
    clean, shared = stage.family != TUNED, settings.shared() | {"model": plain.settings(model)}
    if clean:
        shared["data"] |= {"label_noise": 0.0}
    built = stage.build(data, techniques, ranges=ranges, tuning=tuning, metric=metric, **shared)
    run(recipe, ranges, tuning, data, built, metric, clean=clean)


def run(
    recipe: Recipe,
    ranges: Ranges,
    tuning: Tuning,
    data: Prepared,
    stage: Stage,
    metric: str = "accuracy",
    *,
    clean: bool = False,
) -> dict:
    """Try `tuning.settings` settings of the recipe's first technique and of the training on the first `tuning.seeds` seeds,
    evaluate the best by the metric on validation data on all seeds, and publish the record; returns its content.

    `seeds`, `cost`, curves, predictions and weights are those of the chosen settings, as a recipe of its own would have them.
    `clean`: the training examples have their true labels, without the label noise.
    """
    tries = proposals(name(recipe.regularizers[0]), ranges, tuning, recipe)
    recipes = [with_settings(recipe, settings) for settings in tries]
    # The best epoch needs the validation part alone; the training part would take a sixth of the time.
    followed = {"log_every_epoch": False}
    with stage.journal() as entry:
        splits = {seed: data.split(seed, clean=clean) for seed in stage.seeds}
        searched = {seed: splits[seed] for seed in stage.seeds[: tuning.seeds]}
        tried = try_all(dict(enumerate(recipes)), searched, entry, stage, **followed)
        folders = [variant_folder(entry, number) for number in tried]
        number, chosen, budget = evaluate_best(
            recipes, tried, folders, list(searched), splits, entry, stage, metric, **followed
        )
        content = {
            "seeds": chosen.seeds,
            "search_seeds": list(searched),
            "chosen": {"number": number, "settings": tries[number]},
            "tries": [{"settings": settings} | tried[place] for place, settings in enumerate(tries)],
            "expected_best": expected_best([value(scores, metric) for scores in tried.values()], DECIDING[metric].sign),
            "numbers": {
                f"chosen/{setting}": value
                for settings in tries[number].values()
                for setting, value in numeric(settings).items()
            },
            "cost": chosen.cost,
            "budget": budget,
        }
        files = {"curves": chosen.curves, "predicted": chosen.predicted, "weights": chosen.weights}
        return stage.publish(entry, content, **files, preprocessing=fitted_numbers(data, splits))


def proposals(technique: str, ranges: Ranges, tuning: Tuning, recipe: Recipe) -> list[Settings]:
    """The settings that are tried, evenly spread over the ranges of the training and of the technique.

    The shifts of the sequence are keyed by the names of what is varied, so that all techniques are tried at the same
    learning rates.
    """
    varied = {(SHARED, setting): values for setting, values in tuning.ranges.items()}
    varied |= {(technique, setting): values for setting, values in ranges.items()}
    shifts = [seed_of("tuned", *key) / 2**32 for key in varied]
    regularizer = recipe.regularizers[0]
    tries = []
    for point in shares(len(varied), tuning.settings, shifts):
        settings: Settings = {SHARED: {}, technique: {}}
        for (of, setting), share in zip(varied, point, strict=True):
            whole = type(getattr(regularizer if of == technique else recipe.training, setting)) is int
            settings[of][setting] = value_at(share, varied[of, setting], whole=whole)
        tries.append(settings)
    return tries


def with_settings(recipe: Recipe, settings: Settings) -> Recipe:
    """The recipe with these settings of its training and of its first technique."""
    first, *others = recipe.regularizers
    tuned = replace(first, **settings[name(first)])
    return replace(recipe, regularizers=(tuned, *others), training=replace(recipe.training, **settings[SHARED]))
