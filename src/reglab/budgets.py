"""One entry trained in several ways, every seed: side by side, and gathered in one record.

A budget tells the ways apart: a number of labelled examples, or a name.
"""

from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from tqdm import tqdm

from reglab import journal, record
from reglab.evaluation.rounding import mean
from reglab.fitting import finished_seed
from reglab.processes import run_all

Budget = int | str
Case = tuple[int, Budget]  # seed, budget
Results = dict[Case, tuple[dict, dict[str, np.ndarray]]]  # outcome, with its `metrics`, and tensors


def cases(seeds: Iterable[int], budgets: Iterable[Budget]) -> list[Case]:
    return list(product(seeds, budgets))


def train_all(jobs: dict[Case, tuple], entry: Path, name: str, processes: int | None) -> Results:
    """Call each (function, *arguments) with the seed and a folder of the entry, where it leaves a finished seed.

    What is finished already is not done again. Shows progress where the output is a terminal.
    """
    calls = [
        (*job, seed, folder)
        for (seed, budget), job in jobs.items()
        if not (folder := folder_of(entry, budget)).joinpath(f"seed-{seed}.safetensors").exists()
    ]
    with tqdm(total=len(jobs), desc=name, unit="training", disable=None, leave=False) as bar:

        def tick() -> None:
            bar.n = sum(1 for _ in entry.glob("budget-*/*.safetensors"))
            bar.refresh()

        run_all(calls, processes=processes, tick=tick)
    return {(seed, budget): finished_seed(folder_of(entry, budget), seed) for seed, budget in jobs}


def folder_of(entry: Path, budget: Budget) -> Path:
    folder = entry / f"budget-{budget}"
    folder.mkdir(exist_ok=True)
    return folder


def seeds_of_record(results: Results) -> dict[str, dict]:
    """By seed `<metric>@<budget>`, and under the metric's own name the mean over the budgets; none where one diverged."""
    seeds = dict.fromkeys(seed for seed, _ in results)
    return {
        str(seed): seed_of_record({budget: outcome for (own, budget), (outcome, _) in results.items() if own == seed})
        for seed in seeds
    }


def seed_of_record(outcomes: dict[Budget, dict]) -> dict:
    """A seed's part of the record, from its outcomes by budget."""
    lost = {budget: outcome for budget, outcome in outcomes.items() if outcome["status"] != "finished"}
    if lost:
        reason = "; ".join(f"budget {budget}: {outcome['reason']}" for budget, outcome in lost.items())
        return {"status": "diverged", "reason": reason, "metrics": {}}
    names = next(iter(outcomes.values()))["metrics"]
    means = {name: mean(outcome["metrics"][name] for outcome in outcomes.values()) for name in names}
    each = {f"{name}@{budget}": outcomes[budget]["metrics"][name] for budget in outcomes for name in names}
    return {"status": "finished", "metrics": means | each}


def curves_csv(entry: Path, seeds: Sequence[int], budgets: Sequence[Budget]) -> str:
    """`seed,epoch,<metric>@<budget>...`; nothing for a method that has no epochs."""
    lines: dict[int, list[dict]] = {}
    for seed, budget in cases(seeds, budgets):
        for line in journal.Journal(folder_of(entry, budget) / f"seed-{seed}.jsonl").lines:
            of_seed = lines.setdefault(seed, [])
            while len(of_seed) <= line["epoch"]:
                of_seed.append({"epoch": len(of_seed), "metrics": {}})
            of_seed[line["epoch"]]["metrics"] |= {f"{name}@{budget}": value for name, value in line["metrics"].items()}
    return record.curves_csv(lines) if lines else ""
