"""From a recipe to its record under `variance_sources`: one random stream takes every seed, the others stay at the first."""

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from statistics import fmean

from reglab import budgets, journal, record
from reglab.data.prepared import Prepared, Split
from reglab.fitting import Recipe, cost_of_step, train_seed
from reglab.record import About
from reglab.streams import SOURCES, Seeds
from reglab.training import finished, total_cost

KEPT = ("test_accuracy", "test_nll", "validation_accuracy")  # of the numbers of a training


def varied(source: str, seed: int, first: int) -> tuple[int, Seeds]:
    """The seed of the split and those of the other streams, where this source alone takes `seed`."""
    seeds = dict.fromkeys(SOURCES, first) | {source: seed}
    return seeds.pop("split"), Seeds(**seeds)


def run(
    recipe: Recipe,
    about: About,
    data: Prepared,
    runs: Path,
    *,
    processes: int | None = None,
    context: dict | None = None,
) -> dict:
    """Train every seed of every source and publish `runs/variance_sources/<name>`; returns the record's content.

    The split is also who gets a wrong label; masks are all that techniques draw. At the first seed every source is the
    ordinary training. `context` is as in `journal.opened`.
    """
    with journal.opened(about, context) as entry:
        first = about.seeds[0]
        splits = {seed: data.split(seed) for seed in about.seeds}
        chosen = {(seed, source): varied(source, seed, first) for seed, source in budgets.cases(about.seeds, SOURCES)}
        jobs = {
            case: (partial(train_seed, streams=streams, watched=False), recipe, splits[own])
            for case, (own, streams) in chosen.items()
        }
        budgets.train_all(jobs, entry, about.name, processes)
        results = {
            (seed, source): finished(budgets.folder_of(entry, source), seed, splits[own], KEPT)
            for (seed, source), (own, _) in chosen.items()
        }
        content = asdict(about) | {
            "seeds": {seed: by_source(own) for seed, own in budgets.seeds_of_record(results).items()},
            "cost": cost(recipe, splits[first], fmean(outcome["epochs"] for outcome, _ in results.values())),
        }
        path = record.write(record.folder(runs, about), content)
        journal.complete(entry, path)
    return content


def by_source(seed: dict) -> dict:
    """A seed's part of the record without the means over the sources, which tell nothing."""
    return seed | {"metrics": {name: value for name, value in seed["metrics"].items() if "@" in name}}


def cost(recipe: Recipe, split: Split, epochs: float) -> dict:
    """Of one training."""
    steps = (cost_of_step(which, split) for which in (recipe, replace(recipe, regularizers=())))
    return total_cost(recipe, *steps, epochs, len(split.inputs["labelled"]))
