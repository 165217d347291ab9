"""Searches a cocktail on validation data, measures the effect of each ingredient of the best, and publishes the record."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from reglab.core.streams import seed_of
from reglab.data import prepared
from reglab.data.prepared import Prepared, Split
from reglab.evaluation.metric_table import DECIDING, NAMES
from reglab.experiments.applicability import facts_of, inapplicable_ingredients
from reglab.experiments.tuning.ranges import is_logarithmic, rounded
from reglab.experiments.tuning.search import evaluate_best, try_all
from reglab.experiments.tuning.selection import Scores, value
from reglab.experiments.tuning.settings import PLAIN, SHARED, Settings, Tuning
from reglab.regularizers.early_stopping import EarlyStopping
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training.all_seeds import finished_with_metrics
from reglab.training.one_seed import Recipe, train_seed
from reglab.training.regularizer import Regularizer
from reglab.training.variants import cases, train_variants, variant_folder

# Of the numbers of a training, in the order of the records.
KEPT = tuple(dict.fromkeys(["test_accuracy", "test_nll", *(f"test_{name}" for name in NAMES)]))


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    data, search = prepared.read(Path("data/study")), settings.entry("cocktails", stage.name)
    inapplicable = inapplicable_ingredients(settings, stage.name, facts_of(Path("data/study")))
    used = {ingredient: ranges for ingredient, ranges in search.ingredients.items() if ingredient not in inapplicable}
    techniques = {ingredient: settings.regularizers[ingredient] for ingredient in used}
    best_epoch = EarlyStopping(patience=settings.training.epochs)  # as tuned recipes have it
    recipe = Recipe((best_epoch,), settings.model, settings.training)
    tuning, metric = settings.tuning, settings.evaluation.metric
    searched = {"cocktail": search, "tuning": {"seeds": tuning.seeds} | tuning.ranges}
    built = stage.build(data, techniques, **searched, metric=metric, **settings.shared())
    run(recipe, techniques, replace(search, ingredients=used), tuning, data, built, metric, inapplicable)


def run(
    recipe: Recipe,
    base: Mapping[str, Regularizer],
    search,  # the entry of `cocktails` in params.yaml: ingredients, trials
    tuning: Tuning,
    data: Prepared,
    stage: Stage,
    metric: str = "accuracy",
    inapplicable: Mapping[str, str] = MappingProxyType({}),
) -> dict:
    """Search which techniques of `base` to add to the recipe, how strongly and with which learning rate, take the best apart
    on all seeds, and publish the record; returns its content.

    Trials follow each other, each on the first `tuning.seeds` seeds; the metric on validation data decides. `seeds`, curves
    and predictions are those of the best, as a recipe of its own would have them, with `test_<metric>@without_<ingredient>`,
    the best without it, `test_<metric>@only_<ingredient>`, it alone, as strong as in the best, and `test_<metric>@none`, all
    of them left out. `inapplicable`: the ingredients of params.yaml that are not searched, and why; the record names them.
    """
    with stage.journal() as entry:
        splits = {seed: data.split(seed) for seed in stage.seeds}
        searched = {seed: splits[seed] for seed in stage.seeds[: tuning.seeds]}
        settings, tried = explore(recipe, base, search, tuning, searched, entry, stage, metric)
        folders = [variant_folder(entry, f"trial-{number}") for number in tried]
        recipes = [with_ingredients(recipe, base, each) for each in settings]
        number, best, budget = evaluate_best(
            recipes, tried, folders, list(searched), splits, entry, stage, metric, log_every_epoch=False
        )
        parts = {way: with_ingredients(recipe, base, each) for way, each in taken_apart(settings[number]).items()}
        train = partial(train_seed, log_every_epoch=False)
        jobs = {(seed, way): (train, parts[way], splits[seed]) for seed, way in cases(splits, parts)}
        train_variants(jobs, entry, stage)
        content = {
            "seeds": {
                str(seed): with_parts(best.seeds[str(seed)], entry, seed, split, parts)
                for seed, split in splits.items()
            },
            "best": {"number": number} | described(settings[number]),
            "left_out": [ingredient for ingredient in base if ingredient not in settings[number]],
            "trials": [{"number": trial} | described(settings[trial]) | scores for trial, scores in tried.items()],
            "cost": best.cost,
            "budget": budget,
        } | ({"not_applicable_ingredients": dict(inapplicable)} if inapplicable else {})
        return stage.publish(entry, content, curves=best.curves, predicted=best.predicted)


def explore(
    recipe: Recipe,
    base: Mapping[str, Regularizer],
    search,
    tuning: Tuning,
    splits: dict[int, Split],
    entry: Path,
    stage: Stage,
    metric: str = "accuracy",
) -> tuple[list[Settings], dict[int, Scores]]:
    """The settings and the scores of every trial; the first is the empty cocktail, at the recipe's learning rate.

    A Parzen estimator of good and bad trials proposes the next one; what it draws follows from the cocktail's name alone.

    Bergstra, Bardenet, Bengio & Kégl, "Algorithms for Hyper-Parameter Optimization", 2011, section 4.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed_of("cocktail", stage.name), n_startup_trials=search.trials // 2)
    study = optuna.create_study(sampler=sampler, direction="maximize" if DECIDING[metric].sign > 0 else "minimize")
    study.enqueue_trial(dict.fromkeys(base, False) | first_training(recipe, tuning))
    settings, tried = [], {}
    for number in range(search.trials):
        trial = study.ask()
        settings.append(proposed(trial, recipe, base, tuning, search.ingredients))
        first = settings.index(settings[number])  # what was tried before is not trained again
        if first == number:
            proposal = {f"trial-{number}": with_ingredients(recipe, base, settings[number])}
            title = f"{stage.name}, trial {number}"
            [tried[number]] = try_all(proposal, splits, entry, stage, title, log_every_epoch=False).values()
        tried[number] = tried[first]
        study.tell(trial, value(tried[number], metric))
    return settings, tried


def first_training(recipe: Recipe, tuning: Tuning) -> dict[str, float]:
    """The recipe's own settings of the training, by their names in a trial, as far as they lie in the ranges."""
    own = {setting: getattr(recipe.training, setting) for setting in tuning.ranges}
    return {
        f"{SHARED}.{setting}": value
        for setting, value in own.items()
        if tuning.ranges[setting][0] <= value <= tuning.ranges[setting][1]
    }


def proposed(
    trial, recipe: Recipe, base: Mapping[str, Regularizer], tuning: Tuning, ingredients: dict[str, dict]
) -> Settings:
    """The settings of the training, the ingredients and their settings that Optuna proposes, to a few digits."""
    chosen: Settings = {SHARED: suggested(trial, SHARED, recipe.training, tuning.ranges)}
    for ingredient, ranges in ingredients.items():
        if trial.suggest_categorical(ingredient, [False, True]):
            chosen[ingredient] = suggested(trial, ingredient, base[ingredient], ranges)
    return chosen


def suggested(trial, of: str, now, ranges: dict) -> dict[str, float]:
    """A value within each range, whole where `now` has a whole number."""
    values = {}
    for setting, (low, high) in ranges.items():
        at, logarithmic = f"{of}.{setting}", is_logarithmic(low, high)
        if type(getattr(now, setting)) is int:
            values[setting] = trial.suggest_int(at, round(low), round(high), log=logarithmic)
        else:
            values[setting] = rounded(trial.suggest_float(at, low, high, log=logarithmic), low, high)
    return values


def with_ingredients(recipe: Recipe, base: Mapping[str, Regularizer], settings: Settings) -> Recipe:
    """The recipe with these ingredients, before its own techniques, and these settings of the training."""
    inside = (replace(technique, **settings[each]) for each, technique in base.items() if each in settings)
    training = replace(recipe.training, **settings[SHARED])
    return replace(recipe, regularizers=(*inside, *recipe.regularizers), training=training)


def described(settings: Settings) -> dict[str, dict]:
    """`settings` of the ingredients, and those of the `training`."""
    ingredients = {name: of for name, of in settings.items() if name != SHARED}
    return {"settings": ingredients, "training": settings[SHARED]}


def taken_apart(settings: Settings) -> dict[str, Settings]:
    """Each ingredient left out of the others, each alone, and none of them; nothing of an empty cocktail."""
    training, ingredients = {SHARED: settings[SHARED]}, [name for name in settings if name != SHARED]
    without = {
        f"without_{name}": {other: settings[other] for other in settings if other != name} for name in ingredients
    }
    alone = {f"only_{name}": training | {name: settings[name]} for name in ingredients}
    return without | alone | ({PLAIN: training} if ingredients else {})


def with_parts(seed_of_best: dict, entry: Path, seed: int, split: Split, parts: dict[str, Recipe]) -> dict:
    """A seed's part of the record with the metrics of the best's parts; no metrics where the best diverged."""
    metrics = dict(seed_of_best["metrics"])
    for way in parts:
        outcome, _ = finished_with_metrics(variant_folder(entry, way), seed, split, KEPT)
        metrics |= {f"{metric}@{way}": value for metric, value in outcome["metrics"].items()}
    return seed_of_best | {"metrics": metrics if seed_of_best["metrics"] else {}}
