"""Trains all recipes of a data set together: what is tried, on validation data alone, then the chosen ones on all seeds.

Trainings of different recipes with the same learning rate are in one stack, which takes less time than one recipe after
another; each leaves the same files as it would alone (`training/together.py`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from reglab.core.errors import UserError
from reglab.data.prepared import Split
from reglab.evaluation.metric_table import DECIDING, names_of
from reglab.evaluation.predicted import predicted_metrics
from reglab.experiments.baselines.base import Baseline, fit_split
from reglab.experiments.suite.cached import CachedStage
from reglab.experiments.suite.tries import SearchedRecipe
from reglab.experiments.tuning.search import SEEN, scores
from reglab.experiments.tuning.selection import Scores, best, expected_best, value
from reglab.runtime.processes import Progress
from reglab.tracking import record
from reglab.tracking.checkout import write_atomically
from reglab.tracking.journal import epochs_written
from reglab.training.all_seeds import gather
from reglab.training.one_seed import PARTS, cost_of_step, evaluate_seed, is_finished, train_seed
from reglab.training.together import in_stacks, seed_training
from reglab.training.variants import variant_folder

train_for_best_epoch = partial(
    train_seed, log_every_epoch=False
)  # measures the validation part alone after every epoch


class Work(NamedTuple):
    """A candidate, the stage of its record, and the folder of its trainings."""

    candidate: SearchedRecipe
    stage: CachedStage
    folder: Path

    @property
    def classical(self) -> bool:
        return self.candidate.kind == "classical"


def train(
    pairs: Sequence[tuple[SearchedRecipe, CachedStage]],
    splits: dict[int, Split],
    search_seeds: int,
    metric: str,
    title: str,
) -> None:
    """Make the records of all candidates that are not kept yet. The metric on validation data decides what is chosen."""
    splits = {seed: only_parts(split, PARTS) for seed, split in splits.items()}
    searched = {seed: splits[seed].without_test() for seed in list(splits)[:search_seeds]}
    with ExitStack() as locks:
        works = [Work(each, stage, locks.enter_context(stage.journal())) for each, stage in pairs if not stage.done]
        if not works:
            return
        stage = works[0].stage  # all have the same processes
        run_jobs([job for work in works for job in search_jobs(work, searched)], stage, f"{title}, search")
        tried = {work.stage.name: scores_of(work, searched) for work in works}
        chosen = {name: best(scored, metric) for name, scored in tried.items()}
        finals = [job for work in works for job in jobs_of_chosen(work, chosen[work.stage.name], splits)]
        run_jobs(finals, stage, f"{title}, all seeds")
        costs = step_costs(works, next(iter(splits.values())), stage)
        for work in works:
            name = work.stage.name
            content, files = result(work, tried[name], chosen[name], splits, list(searched), metric, costs)
            work.stage.publish(work.folder, content, **files)


def only_parts(split: Split, parts: Sequence[str]) -> Split:
    """The split with these of its parts, for processes to which it is sent."""
    arrays = {key: getattr(split, key) for key in ("inputs", "labels", "rows")}
    return replace(split, **{key: {part: each[part] for part in parts} for key, each in arrays.items()})


def run_jobs(jobs: list[tuple], stage: CachedStage, title: str) -> None:
    """Run what has left no file yet: trainings, in stacks where they can be, by the engine of the stage, others here."""
    jobs = [job for job in jobs if not finished_file(*job).exists()]
    progress = Progress(title, "training", len(jobs), lambda: sum(finished_file(*job).exists() for job in jobs))
    stage.train([job for job in jobs if seed_training(*job)], stage.entry.parent, in_stacks, progress)
    stage.run_all([job for job in jobs if not seed_training(*job)], progress)


def finished_file(function, *arguments) -> Path:
    """What a job leaves: the last arguments of all are a seed and a folder."""
    folder, seed = arguments[-1], next(each for each in reversed(arguments) if isinstance(each, int))
    return folder / f"seed-{seed}{'.json' if function is fit_seed else '.safetensors'}"


def search_jobs(work: Work, splits: dict[int, Split]) -> Iterator[tuple]:
    function = fit_seed if work.classical else train_for_best_epoch
    for number, tried in enumerate(work.candidate.tries):
        for seed, split in splits.items():
            yield function, tried, split, seed, variant_folder(work.folder, number)


def jobs_of_chosen(work: Work, number: int, splits: dict[int, Split]) -> Iterator[tuple]:
    """What leaves every seed of the chosen one in the folder of its record; seeds of the search are not trained again."""
    chosen, searched = work.candidate.tries[number], variant_folder(work.folder, number)
    for seed, split in splits.items():
        if work.classical:
            yield fit_seed, chosen, split, seed, work.folder
        elif is_finished(searched, seed):
            yield evaluate_seed, chosen, split, seed, searched, work.folder
        else:
            yield train_for_best_epoch, chosen, split, seed, work.folder


def fit_seed(baseline: Baseline, split: Split, seed: int, folder: Path) -> None:
    """Leave `seed-<n>.json` in the folder: the metrics of a classical method, of all parts where there is a test part."""
    outcome: dict = {"status": "finished", "metrics": {}}
    try:
        predicted = fit_split(baseline.estimator_for(split), split, split.inputs)
    except UserError as error:  # scikit-learn refuses the training set
        outcome = {"status": "diverged", "reason": str(error), "metrics": {}}
    else:
        if "test" in split.inputs:
            outcome["metrics"] = record.seed_metrics(split, predicted)
        else:
            for part, labelled in SEEN.items():
                measured = predicted_metrics(predicted[labelled], split.labels[labelled])
                outcome["metrics"] |= {f"{part}_{name}": number for name, number in measured.items()}
    write_atomically(folder / f"seed-{seed}.json", json.dumps(outcome).encode())


def fitted(folder: Path, seed: int) -> dict:
    return json.loads((folder / f"seed-{seed}.json").read_text(encoding="utf-8"))


def scores_of(work: Work, splits: dict[int, Split]) -> dict[int, Scores]:
    """By number of what was tried, `train_` and `validation_` with every metric, None of a seed that diverged."""
    numbers = range(len(work.candidate.tries))
    if not work.classical:
        return {number: scores(variant_folder(work.folder, number), splits) for number in numbers}
    names = names_of(next(iter(splits.values())).task.name)
    measured = {
        number: [fitted(variant_folder(work.folder, number), seed)["metrics"] for seed in splits] for number in numbers
    }
    return {
        number: {f"{part}_{name}": [each.get(f"{part}_{name}") for each in of_seeds] for part in SEEN for name in names}
        for number, of_seeds in measured.items()
    }


def step_costs(works: Sequence[Work], split: Split, stage: CachedStage) -> dict[tuple[str, ...], dict]:
    """The cost of a step by the names of the techniques of a recipe; of no techniques under ()."""
    recipes = {}
    for work in works:
        for tried in () if work.classical else work.candidate.tries:
            recipes.setdefault(names(tried), tried)
            recipes.setdefault((), replace(tried, regularizers=()))
    jobs = [(cost_of_step, recipe, split) for recipe in recipes.values()]
    return dict(zip(recipes, stage.run_all(jobs), strict=True)) if jobs else {}


def names(recipe) -> tuple[str, ...]:
    return tuple(type(technique).__name__ for technique in recipe.regularizers)


def result(
    work: Work,
    tried: dict[int, Scores],
    number: int,
    splits: dict[int, Split],
    searched: Sequence[int],
    metric: str,
    costs: Mapping[tuple[str, ...], dict],
) -> tuple[dict, dict]:
    """The content of the record, and what lies beside it."""
    settings, candidate = work.candidate.settings, work.candidate
    content = {
        "kind": candidate.kind,
        "search_seeds": list(searched),
        "chosen": {"number": number, "settings": settings[number]},
        "tries": [{"settings": settings[place]} | each for place, each in tried.items()],
        "expected_best": expected_best([value(each, metric) for each in tried.values()], DECIDING[metric].sign),
    }
    trainings = len(searched) * len(candidate.tries)
    new = sum(seed not in searched for seed in splits)
    if work.classical:
        seeds = {str(seed): fitted(work.folder, seed) for seed in splits}
        return content | {"seeds": seeds, "budget": {"trainings": trainings, "further_trainings": new}}, {}
    chosen, plain = candidate.tries[number], costs[()]
    gathered = gather(chosen, (costs[names(chosen)], plain), splits, work.folder)
    examples = len(next(iter(splits.values())).inputs["labelled"])
    epochs = [epochs_written(variant_folder(work.folder, place), *searched) for place in tried]
    per_example = [costs[names(each)]["flops_per_example"] for each in candidate.tries]
    flops = sum(each * count for each, count in zip(per_example, epochs, strict=True)) * examples
    budget = {"trainings": trainings, "further_trainings": new, "epochs": sum(epochs), "flops": round(flops)}
    return content | {"seeds": gathered.seeds, "cost": gathered.cost, "budget": budget}, {"curves": gathered.curves}
