"""From an ensemble's settings to its record: members trained in parallel, each once and for all, then judged as one.

A member lies under `.reglab/members/` in the main checkout, in a folder named by what decides its outcome: the recipe,
the data, the code, the seed, and the examples it is given. So 16 members asked for after 8 cost the 8 that are new, and
a training that was killed goes on. The folder may be deleted at any time.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from tqdm import tqdm

from reglab import journal, params, record
from reglab.data.prepared import Prepared, Split
from reglab.ensembles.base import Committee, Ensemble, stream
from reglab.errors import UserError
from reglab.evaluation.ensemble_size_curve import SizeCurve, all_splits, figure, size_curve, table
from reglab.fitting import Recipe, cost_of_step, finished_seed, train_seed
from reglab.losses import share
from reglab.models.base import Network
from reglab.processes import run_all
from reglab.record import About
from reglab.restoring import blank, recipe_network, untrained
from reglab.training import total_cost


@dataclass(frozen=True)
class Judged:
    """A seed's ensemble: its part of the record, test probabilities, weights, and growth (None where it diverged)."""

    seed: dict
    probabilities: np.ndarray
    weights: dict[str, np.ndarray]
    growth: SizeCurve | None
    epochs: float


def run(
    ensemble: Ensemble,
    recipe: Recipe,
    about: About,
    data: Prepared,
    runs: Path,
    *,
    chosen: dict[str, Recipe] | None = None,
    processes: int | None = None,
    context: dict | None = None,
) -> dict:
    """Train and judge all seeds' ensembles and publish `runs/<family>/<name>`; returns the record's content.

    `recipe` is that of the single model without any technique; `chosen` are the recipes, trained under
    `runs/regularizers`, whose networks an ensemble that gathers takes; `context` is as in `journal.opened`.
    """
    chosen = chosen or {}
    with journal.opened(about, context) as entry:
        splits = {seed: data.split(seed) for seed in about.seeds}
        own, first = ensemble.member_recipe(recipe), splits[about.seeds[0]]
        if ensemble.gathers:
            jobs = [(gather, ensemble, chosen, runs, split, seed) for seed, split in splits.items()]
            judged = run_all(jobs, processes=processes, tick=lambda: None)
            cost = gathered_cost(chosen, runs)
        else:
            costs = [(cost_of_step, which, first) for which in (own, recipe)]
            home = home_of(about, own, context)
            step, plain, *judged = train_all(ensemble, own, splits, home, about.name, costs, processes)
            cost = trained_cost(ensemble, recipe, step, plain, judged, len(first.inputs["labelled"]))
        committee = untrained(ensemble, own, list(chosen.values()), first, about.seeds[0])
        content = asdict(about) | {
            "seeds": {str(seed): each.seed for seed, each in zip(about.seeds, judged, strict=True)},
            "checks": [asdict(check) | {"passed": check.passed} for check in ensemble.checks()],
            "cost": cost | {"prediction_passes": passes(committee, first)},
            "chosen": list(chosen),
        }
        path = record.write(
            record.folder(runs, about),
            content,
            **grown(ensemble, committee, judged, splits),
            predicted=record.predictions(splits.values(), [each.probabilities for each in judged]),
            weights={seed: each.weights for seed, each in zip(splits, judged, strict=True)},
        )
        journal.complete(entry, path)
    return content


def home_of(about: About, own: Recipe, context: dict | None = None) -> Path:
    """Where members of this recipe, trained by this code, lie, whatever ensemble size and rule they are for."""
    members = About("members", about.name, [], about.dataset, params.settings(own), [])
    return (
        journal.root() / ".reglab" / "members" / journal.place(journal.root(), members, journal.code_of(context)).name
    )


def train_all(
    ensemble: Ensemble,
    own: Recipe,
    splits: dict[int, Split],
    home: Path,
    name: str,
    others: list[tuple],
    processes: int | None,
) -> list:
    """Train every member of every seed's ensemble, then do the `others` and judge each; the results of the last two.

    Shows progress where the output is a terminal.
    """
    home.mkdir(parents=True, exist_ok=True)
    alone = [] if ensemble.sequential else range(ensemble.networks)
    members = [(train_alone, ensemble, own, split, seed, m, home) for seed, split in splits.items() for m in alone]
    with tqdm(total=ensemble.networks * len(splits), desc=name, unit="member", disable=None, leave=False) as bar:

        def tick() -> None:
            bar.n = min(bar.total, sum(1 for _ in home.glob("*/*.safetensors")))
            bar.refresh()

        run_all(members, processes=processes, tick=tick)
        seeds = [(judge, ensemble, own, split, seed, home) for seed, split in splits.items()]
        return run_all(others + seeds, processes=processes, tick=tick)


def train_alone(ensemble: Ensemble, own: Recipe, split: Split, seed: int, member: int, home: Path) -> None:
    """Leave a member that needs no others in the cache."""
    rows = ensemble.sample(split.labels["labelled"], own.classes, seed, member, nobody(split))
    train_member(own, split, rows, seed, member, home)


def nobody(split: Split) -> np.ndarray:
    """`wrong` when there is no earlier member."""
    return np.zeros((0, len(split.labels["labelled"])), dtype=bool)


def train_member(
    own: Recipe, split: Split, rows: np.ndarray, seed: int, member: int, home: Path
) -> tuple[dict, Network]:
    """A member's outcome and network, trained on the labelled examples at `rows` unless the cache has it."""
    key = hashlib.blake2b(rows.astype(np.int64).tobytes(), digest_size=8).hexdigest()
    folder = home / f"{seed}-{member}-{key}"
    folder.mkdir(exist_ok=True)
    with journal.locked(home / f".{folder.name}.lock", f"member {member} of seed {seed}"):
        train_seed(own, taken(split, rows), stream(seed, member), folder, watched=False)
    outcome, tensors = finished_seed(folder, stream(seed, member))
    network = blank(own, split, stream(seed, member))
    weights = record.starting_with("weights/", tensors)
    network.load_state_dict({name: torch.as_tensor(array) for name, array in weights.items()})
    return outcome, network


def taken(split: Split, rows: np.ndarray) -> Split:
    """The split with only the labelled examples at `rows`, which may repeat."""
    inputs, labels, numbers = (
        part | {"labelled": part["labelled"][rows]} for part in (split.inputs, split.labels, split.rows)
    )
    return Split(inputs, labels, numbers, None if split.true_labels is None else split.true_labels[rows])


def judge(ensemble: Ensemble, own: Recipe, split: Split, seed: int, home: Path) -> Judged:
    """Gather a seed's members, training those that are not there yet, and judge them as one."""
    inputs, labels = torch.as_tensor(split.inputs["labelled"]), split.labels["labelled"]
    networks, wrong, epochs = [], nobody(split), []
    for member in range(ensemble.networks):
        rows = ensemble.sample(labels, own.classes, seed, member, wrong)
        outcome, network = train_member(own, split, rows, seed, member, home)
        epochs.append(outcome["epochs"])
        if outcome["status"] != "finished":
            return failed(f"member {member}: {outcome['reason']}", own, split, fmean(epochs))
        networks.append(network)
        with torch.no_grad():
            wrong = np.concatenate([wrong, network(inputs).argmax(1).numpy()[None] != labels])
    try:
        committee = ensemble.committee(networks, wrong, own.classes).eval()
    except UserError as error:  # of what the data alone could tell: the other stages of the study go on
        return failed(str(error), own, split, fmean(epochs))
    return assess(ensemble, committee, split, seed, fmean(epochs))


def failed(reason: str, own: Recipe, split: Split, epochs: float) -> Judged:
    """A seed without an ensemble."""
    nothing = np.full((len(split.labels["test"]), own.classes), np.nan)
    return Judged({"status": "diverged", "reason": reason, "metrics": {}}, nothing, {}, None, epochs)


@torch.no_grad()
def assess(ensemble: Ensemble, committee: Committee, split: Split, seed: int, epochs: float) -> Judged:
    """What a trained ensemble says on the split's labelled, validation and test examples."""
    inputs = {part: torch.as_tensor(split.inputs[part]) for part in ("labelled", "validation", "test")}
    labels = {part: torch.as_tensor(split.labels[part]) for part in inputs}
    probabilities = {part: committee.probabilities(values).numpy() for part, values in inputs.items()}
    alone = committee.members(inputs["test"])
    grown = size_curve(
        ensemble.rules,
        committee.member_weights,
        alone,
        labels["test"],
        committee.members(inputs["validation"]),
        labels["validation"],
    )
    right = alone.argmax(2) == labels["test"]  # (members, examples)
    metrics = record.seed_metrics(split, probabilities) | {
        "first_member_test_accuracy": share(right[0]),
        "one_member_test_accuracy": share(right),
        "disagreement": float(grown.scores[ensemble.combine]["disagreement"][-1]),
        **ensemble.metrics(committee, split, seed),
    }
    weights = {name: tensor.numpy() for name, tensor in committee.state_dict().items()}
    return Judged({"status": "finished", "metrics": metrics}, probabilities["test"], weights, grown, epochs)


def gather(ensemble: Ensemble, chosen: dict[str, Recipe], runs: Path, split: Split, seed: int) -> Judged:
    """Judge the published networks of the chosen recipes as one."""
    networks = [recipe_network(recipe, runs / "regularizers" / name, split, seed) for name, recipe in chosen.items()]
    committee = ensemble.committee(networks, nobody(split), next(iter(chosen.values())).classes).eval()
    return assess(ensemble, committee, split, seed, epochs=0)


def trained_cost(
    ensemble: Ensemble, recipe: Recipe, step: dict, plain: dict, judged: list[Judged], examples: int
) -> dict:
    """All members' training together, relative to one plain model's."""
    cost = total_cost(recipe, step, plain, fmean(each.epochs for each in judged), examples)
    return {name: value * ensemble.networks for name, value in cost.items()}


def gathered_cost(chosen: Sequence[str], runs: Path) -> dict:
    """The sum of what the recipes' records say."""
    costs = [record.read(runs / "regularizers" / name)["cost"] for name in chosen]
    return {name: sum(cost[name] for cost in costs) for name in costs[0]}


def passes(committee: Committee, split: Split) -> int:
    """How many networks' scores a prediction is made of."""
    counted, heads = [], [module.head for module in committee.modules() if isinstance(module, Network)]
    hooks = [head.register_forward_hook(lambda *_: counted.append(1)) for head in heads]
    committee.probabilities(torch.as_tensor(split.inputs["test"][:1]))
    for hook in hooks:
        hook.remove()
    return len(counted)


def grown(ensemble: Ensemble, committee: Committee, judged: list[Judged], splits: dict[int, Split]) -> dict[str, str]:
    """members.csv and the figure; nothing where a seed diverged. `committee` becomes the ensemble of the first seed."""
    if any(each.growth is None for each in judged):
        return {}
    labels, rows = (np.stack([getattr(split, of)["test"] for split in splits.values()]) for of in ("labels", "rows"))
    growths = [each.growth for each in judged]
    parts = all_splits(growths, labels, rows)
    ending = "_test_accuracy"
    others = {
        name.removesuffix(ending).replace("_", " "): fmean(each.seed["metrics"][name] for each in judged)
        for name in judged[0].seed["metrics"]
        if name.endswith(ending) and name != "one_member_test_accuracy"  # the curve begins with the first member
    }
    seed, split = next(iter(splits.items()))
    committee.load_state_dict({name: torch.as_tensor(array) for name, array in judged[0].weights.items()})
    pictures = ensemble.picture(committee, split, seed)
    picture = figure(growths, parts, ensemble.combine, others, pictures)
    return {"members": table(list(splits), growths, parts), "figure": picture}
