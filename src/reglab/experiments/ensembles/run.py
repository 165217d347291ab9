"""Trains the members of an ensemble in parallel, evaluates them together, and publishes the record."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

from reglab.core import plain
from reglab.core.errors import UserError
from reglab.data import prepared
from reglab.data.loader import tensor_of
from reglab.data.prepared import Prepared, Split
from reglab.experiments.ensembles.base import Committee, Ensemble, members_on
from reglab.experiments.ensembles.ensemble_network import untrained
from reglab.experiments.ensembles.ensemble_size_curve import SizeCurve, all_splits, figure, size_curve, table
from reglab.experiments.ensembles.member_cache import (
    is_trained,
    member_cache_dir,
    no_previous_errors,
    train_alone,
    weights_for,
)
from reglab.experiments.ensembles.members import are_trained, members_of, train_in_order
from reglab.runtime.processes import Progress
from reglab.tracking import record
from reglab.tracking.stage import Stage, StageBuilder
from reglab.training.all_seeds import fitted_numbers, total_cost
from reglab.training.network import Network
from reglab.training.one_seed import PARTS, Recipe, cost_of_step
from reglab.training.passes import outputs_on
from reglab.training.restore import recipe_network
from reglab.training.together import in_stacks

DISAGREEMENT = {  # by task: a share, or an amount
    "classification": "disagreement",
    "regression": "distance_between_members",
    "multilabel": "disagreement",
}


@dataclass(frozen=True)
class SeedResult:
    """A seed's ensemble: its part of the record, test predictions, weights, and metrics by size (None if it diverged)."""

    of_record: dict
    predictions: np.ndarray
    weights: dict[str, np.ndarray]
    curve: SizeCurve | None
    epochs: float


def run_entry(settings, stage: StageBuilder) -> None:
    """Run the entry of params.yaml that the stage is about; `settings` are the `Params`."""
    data, ensemble = prepared.read(Path("data/study")), settings.entry("ensembles", stage.name)
    single = Recipe((), settings.model, settings.training)
    members = json.loads(Path(f"data/members/{stage.name}.json").read_text(encoding="utf-8"))
    names = [member["name"] for member in members]
    chosen = {name: replace(single, regularizers=(settings.regularizers[name],)) for name in names}
    built = stage.build(data, {stage.name: ensemble}, **settings.shared())
    run(ensemble, single, data, built, chosen=chosen)


def run(
    ensemble: Ensemble,
    recipe: Recipe,
    data: Prepared,
    stage: Stage,
    *,
    chosen: dict[str, Recipe] | None = None,
) -> dict:
    """Train and evaluate all seeds' ensembles and publish the record; returns its content.

    `recipe` is that of the single model without any technique; `chosen` are the recipes, trained under
    `runs/regularizers`, whose networks an ensemble that gathers takes.
    """
    chosen = chosen or {}
    with stage.journal() as entry:
        splits = {seed: data.split(seed) for seed in stage.seeds}
        member, first = ensemble.member_recipe(recipe), splits[stage.seeds[0]]
        if ensemble.gathers:
            jobs = [(gather, ensemble, chosen, stage.runs, split, seed) for seed, split in splits.items()]
            results = stage.run_all(jobs)
            cost = gathered_cost(chosen, stage.runs)
        else:
            step, plain_step, *results = train_all(ensemble, member, recipe, splits, stage)
            cost = trained_cost(ensemble, recipe, step, plain_step, results, len(first.inputs["labelled"]))
        committee = untrained(ensemble, member, list(chosen.values()), first, stage.seeds[0])
        content = {
            "seeds": {str(seed): result.of_record for seed, result in zip(splits, results, strict=True)},
            "checks": [asdict(check) | {"passed": check.passed} for check in ensemble.checks()],
            "cost": cost | {"prediction_passes": passes(committee, first)},
            "chosen": list(chosen),
        }
        if chosen:  # with their settings the record is enough to rebuild the networks
            techniques = {name: recipe.regularizers[0] for name, recipe in chosen.items()}
            content["chosen_settings"] = plain.settings(techniques)
        return stage.publish(
            entry,
            content,
            **draw_size_curve(ensemble, committee, results, splits),
            predicted=record.predictions(splits.values(), [result.predictions for result in results]),
            weights={seed: result.weights for seed, result in zip(splits, results, strict=True)},
            preprocessing=fitted_numbers(data, splits),
        )


def train_all(ensemble: Ensemble, member: Recipe, plain: Recipe, splits: dict[int, Split], stage: Stage) -> list:
    """Train every member of every seed's ensemble; returns the costs of a step of the `member` and of the `plain` recipe,
    then every seed's result.
    """
    cache = member_cache_dir(stage.about, member, stage.context)
    cache.mkdir(parents=True, exist_ok=True)
    cases = [(ensemble, member, split, seed) for seed, split in splits.items()]
    if ensemble.sequential:
        members = [(train_in_order, *case, cache) for case in cases if not are_trained(*case, cache)]
    else:
        members = [
            (train_alone, *case, number, cache)
            for case in cases
            for number in range(ensemble.networks)
            if not is_trained(*case, number, cache)
        ]
    total = ensemble.networks * len(splits)
    progress = Progress(stage.name, "member", total, lambda: sum(1 for _ in cache.glob("*/*.safetensors")))
    stage.train(members, cache, in_stacks, progress)
    costs = [(cost_of_step, recipe, next(iter(splits.values()))) for recipe in (member, plain)]
    return stage.run_all(costs + [(evaluate, *case, cache) for case in cases], progress)


def evaluate(ensemble: Ensemble, recipe: Recipe, split: Split, seed: int, cache: Path) -> SeedResult:
    """Gather a seed's members, training those that are not there yet, and evaluate them as one."""
    networks, wrong, epochs, failure = members_of(ensemble, recipe, split, seed, cache)
    if failure:
        return failed(failure, split, fmean(epochs))
    try:
        committee = ensemble.committee(networks, wrong, split.task, **weights_for(ensemble.committee, split)).eval()
    except (
        UserError
    ) as error:  # it depends on the data and was not known before: the other stages of the study continue
        return failed(str(error), split, fmean(epochs))
    return assess(ensemble, committee, split, seed, fmean(epochs))


def failed(reason: str, split: Split, epochs: float) -> SeedResult:
    """The result of a seed whose ensemble diverged."""
    unknown = np.full((len(split.labels["test"]), split.task.outputs), np.nan)
    return SeedResult({"status": "diverged", "reason": reason, "metrics": {}}, unknown, {}, None, epochs)


@torch.no_grad()
def assess(ensemble: Ensemble, committee: Committee, split: Split, seed: int, epochs: float) -> SeedResult:
    """Evaluate a trained ensemble on the split's labelled, validation and test examples."""
    inputs = {part: tensor_of(split.inputs[part]) for part in PARTS}
    labels = {part: torch.as_tensor(split.labels[part]) for part in inputs}
    predictions = {part: outputs_on(committee.predictions, values).numpy() for part, values in inputs.items()}
    members = members_on(committee, inputs["test"])
    curve = size_curve(
        split.task,
        ensemble.rules if split.task.name == "classification" else (ensemble.combine,),
        committee.member_weights,
        members,
        labels["test"],
        members_on(committee, inputs["validation"]),
        labels["validation"],
    )
    task = split.task
    metrics = record.seed_metrics(split, predictions)
    metrics |= {f"first_member_test_{task.score}": task.value(members[0], labels["test"])}
    if task.name == "classification" or not ensemble.sequential:  # else the others predict what the first one left
        metrics |= {
            f"one_member_test_{task.score}": task.value(members, labels["test"]),
            DISAGREEMENT[task.name]: float(curve.scores[ensemble.combine]["disagreement"][-1]),
        }
    metrics |= ensemble.metrics(committee, split, seed)
    weights = {name: tensor.numpy() for name, tensor in committee.state_dict().items()}
    return SeedResult({"status": "finished", "metrics": metrics}, predictions["test"], weights, curve, epochs)


def gather(ensemble: Ensemble, chosen: dict[str, Recipe], runs: Path, split: Split, seed: int) -> SeedResult:
    """Evaluate the published networks of the chosen recipes as one."""
    networks = [recipe_network(recipe, runs / "regularizers" / name, split, seed) for name, recipe in chosen.items()]
    committee = ensemble.committee(networks, no_previous_errors(split), split.task).eval()
    return assess(ensemble, committee, split, seed, epochs=0)


def trained_cost(
    ensemble: Ensemble, recipe: Recipe, step: dict, plain: dict, results: list[SeedResult], examples: int
) -> dict:
    """All members' training together, relative to one plain model's."""
    cost = total_cost(recipe, step, plain, fmean(each.epochs for each in results), examples)
    return {name: value * ensemble.networks for name, value in cost.items()}


def gathered_cost(chosen: Sequence[str], runs: Path) -> dict:
    """The sum of the costs in the recipes' records."""
    costs = [record.read(runs / "regularizers" / name)["cost"] for name in chosen]
    return {name: sum(cost[name] for cost in costs) for name in costs[0]}


def passes(committee: Committee, split: Split) -> int:
    """The number of networks that one example passes; several masks of one network may take it at once, as rows."""
    rows, heads = [], [module.head for module in committee.modules() if isinstance(module, Network)]
    hooks = [head.register_forward_hook(lambda _, given, scores: rows.append(len(scores))) for head in heads]
    committee.predictions(torch.as_tensor(split.inputs["test"][:1]))
    for hook in hooks:
        hook.remove()
    return sum(rows)


def draw_size_curve(
    ensemble: Ensemble, committee: Committee, results: list[SeedResult], splits: dict[int, Split]
) -> dict[str, str]:
    """members.csv and the figure; nothing where a seed diverged. `committee` becomes the ensemble of the first seed."""
    if any(each.curve is None for each in results):
        return {}
    labels, rows = (np.stack([getattr(split, of)["test"] for split in splits.values()]) for of in ("labels", "rows"))
    curves = [each.curve for each in results]
    parts = all_splits(curves, labels, rows)
    ending = f"_test_{committee.task.score}"
    others = {
        name.removesuffix(ending).replace("_", " "): fmean(each.of_record["metrics"][name] for each in results)
        for name in results[0].of_record["metrics"]
        if name.endswith(ending) and not name.startswith("one_member_")  # the curve begins with the first member
    }
    seed, split = next(iter(splits.items()))
    committee.load_state_dict({name: torch.as_tensor(array) for name, array in results[0].weights.items()})
    pictures = ensemble.picture(committee, split, seed)
    picture = figure(curves, parts, ensemble.combine, others, pictures)
    return {"members": table(list(splits), curves, parts), "figure": picture}
