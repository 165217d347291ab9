"""From ingredients to a cocktail's record: a search on validation data, then the best is taken apart on the test part."""

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from reglab import budgets, journal, record, searching, training
from reglab.data.prepared import Prepared, Split
from reglab.fitting import Recipe, train_seed
from reglab.processes import run_all
from reglab.record import About
from reglab.regularizers.base import Regularizer, name
from reglab.streams import seed_of

Settings = dict[str, dict]  # ingredient -> the settings that were varied, of those that are in, in order of application
KEPT = ("test_accuracy", "test_nll")  # of the numbers of a training
DECADE = 10  # a range that spans this factor is searched on a logarithmic scale
DIGITS = 3  # of a strength: more say nothing


def run(
    recipe: Recipe,
    search,  # the entry of `cocktails` in params.yaml: ingredients, trials
    search_seeds: int,
    about: About,
    data: Prepared,
    runs: Path,
    *,
    processes: int | None = None,
    context: dict | None = None,
) -> dict:
    """Search which of the recipe's techniques to stack and how strongly, take the best apart on all seeds, and publish
    `runs/cocktails/<name>`; returns the record's content.

    Trials follow each other, each on the first `search_seeds` seeds. `seeds`, curves and predictions are those of the
    best, as a recipe of its own would have them, with `test_accuracy@without_<ingredient>`, the best without it, and
    `test_accuracy@only_<ingredient>`, it alone, as strong as in the best. `context` is as in `journal.opened`.
    """
    base = {name(technique): technique for technique in recipe.regularizers}
    with journal.opened(about, context) as entry:
        splits = {seed: data.split(seed) for seed in about.seeds}
        searched = {seed: splits[seed] for seed in about.seeds[:search_seeds]}
        settings, tried = explore(recipe, base, search, searched, entry, about.name, processes)
        number = searching.best(tried)
        mixed = stacked(recipe, base, settings[number])
        final = searching.final_jobs(mixed, splits, budgets.folder_of(entry, f"trial-{number}"), entry)
        run_all(final, processes=processes, tick=lambda: None)
        parts = {way: stacked(recipe, base, own) for way, own in taken_apart(settings[number]).items()}
        train = partial(train_seed, watched=False)
        jobs = {(seed, way): (train, parts[way], splits[seed]) for seed, way in budgets.cases(splits, parts)}
        budgets.train_all(jobs, entry, about.name, processes)
        recipes = [stacked(recipe, base, own) for own in settings]
        *steps, plain = searching.steps(recipes, splits[about.seeds[0]], processes)
        found = training.gathered(mixed, (steps[number], plain), splits, entry)
        epochs = [searching.epochs(budgets.folder_of(entry, f"trial-{trial}"), list(searched)) for trial in tried]
        cost = sum(step["flops_per_example"] * own for step, own in zip(steps, epochs, strict=True))
        content = asdict(about) | {
            "seeds": {
                str(seed): with_parts(found.seeds[str(seed)], entry, seed, split, parts)
                for seed, split in splits.items()
            },
            "best": {"number": number, "settings": settings[number]},
            "left_out": [ingredient for ingredient in base if ingredient not in settings[number]],
            "trials": [{"number": trial, "settings": settings[trial]} | own for trial, own in tried.items()],
            "cost": found.cost | {"search": cost / (plain["flops_per_example"] * recipe.training.epochs)},
        }
        path = record.write(record.folder(runs, about), content, curves=found.curves, predicted=found.predicted)
        journal.complete(entry, path)
    return content


def explore(
    recipe: Recipe,
    base: dict[str, Regularizer],
    search,
    splits: dict[int, Split],
    entry: Path,
    title: str,
    processes: int | None,
) -> tuple[list[Settings], dict[int, searching.Scores]]:
    """The settings and the scores of every trial; the first is the empty cocktail.

    A Parzen estimator of good and bad trials proposes the next one; what it draws follows from the cocktail's name alone.

    Bergstra, Bardenet, Bengio & Kégl, "Algorithms for Hyper-Parameter Optimization", 2011, section 4.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed_of("cocktail", title), n_startup_trials=search.trials // 2)
    study = optuna.create_study(sampler=sampler, direction="maximize")
    study.enqueue_trial(dict.fromkeys(base, False))
    settings, tried = [], {}
    for number in range(search.trials):
        trial = study.ask()
        settings.append(proposed(trial, base, search.ingredients))
        first = settings.index(settings[number])  # what was tried before is not trained again
        if first == number:
            own = {f"trial-{number}": stacked(recipe, base, settings[number])}
            [tried[number]] = searching.try_all(own, splits, entry, f"{title}, trial {number}", processes).values()
        tried[number] = tried[first]
        study.tell(trial, searching.accuracy(tried[number]))
    return settings, tried


def proposed(trial, base: dict[str, Regularizer], ingredients: dict[str, dict]) -> Settings:
    """What Optuna's trial proposes: which ingredients are in, with which settings, to a few digits."""
    chosen: Settings = {}
    for ingredient, ranges in ingredients.items():
        if not trial.suggest_categorical(ingredient, [False, True]):
            continue
        chosen[ingredient] = {}
        for setting, (low, high) in ranges.items():
            at, logarithmic = f"{ingredient}.{setting}", low > 0 and high / low >= DECADE
            if type(getattr(base[ingredient], setting)) is int:
                chosen[ingredient][setting] = trial.suggest_int(at, round(low), round(high), log=logarithmic)
            else:
                value = float(f"{trial.suggest_float(at, low, high, log=logarithmic):.{DIGITS}g}")
                chosen[ingredient][setting] = min(max(value, low), high)
    return chosen


def stacked(recipe: Recipe, base: dict[str, Regularizer], settings: Settings) -> Recipe:
    """The recipe with these of its techniques, in the order of `base`."""
    inside = (replace(technique, **settings[own]) for own, technique in base.items() if own in settings)
    return replace(recipe, regularizers=tuple(inside))


def taken_apart(settings: Settings) -> dict[str, Settings]:
    """Each ingredient left out of the others, and each alone."""
    without = {f"without_{own}": {other: each for other, each in settings.items() if other != own} for own in settings}
    return without | {f"only_{own}": {own: each} for own, each in settings.items()}


def with_parts(seed_of_best: dict, entry: Path, seed: int, split: Split, parts: dict[str, Recipe]) -> dict:
    """A seed's part of the record with what the best came to when it was taken apart; nothing where that diverged."""
    metrics = dict(seed_of_best["metrics"])
    for way in parts:
        outcome, _ = training.finished(budgets.folder_of(entry, way), seed, split, KEPT)
        metrics |= {f"{metric}@{way}": value for metric, value in outcome["metrics"].items()}
    return seed_of_best | {"metrics": metrics if seed_of_best["metrics"] else {}}
