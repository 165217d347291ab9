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
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training.all_seeds import finished_with_metrics
from reglab.training.one_seed import Recipe, train_seed
from reglab.training.regularizer import Regularizer, name
from reglab.training.variants import cases, train_variants, variant_folder

Settings = dict[str, dict]  # ingredient -> the settings that were varied, of those that are in, in order of application
# Of the numbers of a training, in the order of the records.
KEPT = tuple(dict.fromkeys(["test_accuracy", "test_nll", *(f"test_{name}" for name in NAMES)]))


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    data, search = prepared.read(Path("data/study")), settings.entry("cocktails", stage.name)
    inapplicable = inapplicable_ingredients(settings, stage.name, facts_of(Path("data/study")))
    used = {ingredient: ranges for ingredient, ranges in search.ingredients.items() if ingredient not in inapplicable}
    techniques = {ingredient: settings.regularizers[ingredient] for ingredient in used}
    recipe = Recipe(tuple(techniques.values()), settings.model, settings.training)
    seeds, metric = settings.tuning.seeds, settings.evaluation.metric
    built = stage.build(data, techniques, cocktail=search, tuning={"seeds": seeds}, metric=metric, **settings.shared())
    run(recipe, replace(search, ingredients=used), seeds, data, built, metric, inapplicable)


def run(
    recipe: Recipe,
    search,  # the entry of `cocktails` in params.yaml: ingredients, trials
    search_seeds: int,
    data: Prepared,
    stage: Stage,
    metric: str = "accuracy",
    inapplicable: Mapping[str, str] = MappingProxyType({}),
) -> dict:
    """Search which of the recipe's techniques to stack and how strongly, take the best apart on all seeds, and publish
    the record; returns its content.

    Trials follow each other, each on the first `search_seeds` seeds; the metric on validation data decides. `seeds`, curves
    and predictions are those of the best, as a recipe of its own would have them, with `test_<metric>@without_<ingredient>`,
    the best without it, and `test_<metric>@only_<ingredient>`, it alone, as strong as in the best. `inapplicable`: the
    ingredients of params.yaml that are not searched, and why; the record names them.
    """
    base = {name(technique): technique for technique in recipe.regularizers}
    with stage.journal() as entry:
        splits = {seed: data.split(seed) for seed in stage.seeds}
        searched = {seed: splits[seed] for seed in stage.seeds[:search_seeds]}
        settings, tried = explore(recipe, base, search, searched, entry, stage, metric)
        folders = [variant_folder(entry, f"trial-{number}") for number in tried]
        recipes = [stacked(recipe, base, each) for each in settings]
        number, best, budget = evaluate_best(recipes, tried, folders, list(searched), splits, entry, stage, metric)
        parts = {way: stacked(recipe, base, each) for way, each in taken_apart(settings[number]).items()}
        train = partial(train_seed, log_every_epoch=False)
        jobs = {(seed, way): (train, parts[way], splits[seed]) for seed, way in cases(splits, parts)}
        train_variants(jobs, entry, stage)
        content = {
            "seeds": {
                str(seed): with_parts(best.seeds[str(seed)], entry, seed, split, parts)
                for seed, split in splits.items()
            },
            "best": {"number": number, "settings": settings[number]},
            "left_out": [ingredient for ingredient in base if ingredient not in settings[number]],
            "trials": [{"number": trial, "settings": settings[trial]} | scores for trial, scores in tried.items()],
            "cost": best.cost,
            "budget": budget,
        } | ({"not_applicable_ingredients": dict(inapplicable)} if inapplicable else {})
        return stage.publish(entry, content, curves=best.curves, predicted=best.predicted)


def explore(
    recipe: Recipe,
    base: dict[str, Regularizer],
    search,
    splits: dict[int, Split],
    entry: Path,
    stage: Stage,
    metric: str = "accuracy",
) -> tuple[list[Settings], dict[int, Scores]]:
    """The settings and the scores of every trial; the first is the empty cocktail.

    A Parzen estimator of good and bad trials proposes the next one; what it draws follows from the cocktail's name alone.

    Bergstra, Bardenet, Bengio & Kégl, "Algorithms for Hyper-Parameter Optimization", 2011, section 4.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed_of("cocktail", stage.name), n_startup_trials=search.trials // 2)
    study = optuna.create_study(sampler=sampler, direction="maximize" if DECIDING[metric].sign > 0 else "minimize")
    study.enqueue_trial(dict.fromkeys(base, False))
    settings, tried = [], {}
    for number in range(search.trials):
        trial = study.ask()
        settings.append(proposed(trial, base, search.ingredients))
        first = settings.index(settings[number])  # what was tried before is not trained again
        if first == number:
            proposal = {f"trial-{number}": stacked(recipe, base, settings[number])}
            [tried[number]] = try_all(proposal, splits, entry, stage, f"{stage.name}, trial {number}").values()
        tried[number] = tried[first]
        study.tell(trial, value(tried[number], metric))
    return settings, tried


def proposed(trial, base: dict[str, Regularizer], ingredients: dict[str, dict]) -> Settings:
    """What Optuna's trial proposes: which ingredients are in, with which settings, to a few digits."""
    chosen: Settings = {}
    for ingredient, ranges in ingredients.items():
        if not trial.suggest_categorical(ingredient, [False, True]):
            continue
        chosen[ingredient] = {}
        for setting, (low, high) in ranges.items():
            at, logarithmic = f"{ingredient}.{setting}", is_logarithmic(low, high)
            if type(getattr(base[ingredient], setting)) is int:
                chosen[ingredient][setting] = trial.suggest_int(at, round(low), round(high), log=logarithmic)
            else:
                chosen[ingredient][setting] = rounded(trial.suggest_float(at, low, high, log=logarithmic), low, high)
    return chosen


def stacked(recipe: Recipe, base: dict[str, Regularizer], settings: Settings) -> Recipe:
    """The recipe with these of its techniques, in the order of `base`."""
    inside = (replace(technique, **settings[name]) for name, technique in base.items() if name in settings)
    return replace(recipe, regularizers=tuple(inside))


def taken_apart(settings: Settings) -> dict[str, Settings]:
    """Each ingredient left out of the others, and each alone."""
    without = {f"without_{name}": {other: settings[other] for other in settings if other != name} for name in settings}
    return without | {f"only_{name}": {name: strength} for name, strength in settings.items()}


def with_parts(seed_of_best: dict, entry: Path, seed: int, split: Split, parts: dict[str, Recipe]) -> dict:
    """A seed's part of the record with the metrics of the best's parts; no metrics where the best diverged."""
    metrics = dict(seed_of_best["metrics"])
    for way in parts:
        outcome, _ = finished_with_metrics(variant_folder(entry, way), seed, split, KEPT)
        metrics |= {f"{metric}@{way}": value for metric, value in outcome["metrics"].items()}
    return seed_of_best | {"metrics": metrics if seed_of_best["metrics"] else {}}
