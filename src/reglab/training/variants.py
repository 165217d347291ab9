"""Trains one entry in several variants and every seed in parallel, and gathers them in one record.

A variant is named by a number of labelled examples, or by a word.
"""

from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import numpy as np

from reglab.evaluation.rounding import mean
from reglab.runtime.processes import Progress
from reglab.tracking import journal, record
from reglab.tracking.stage import Stage
from reglab.training.one_seed import finished_seed, is_finished
from reglab.training.together import in_stacks

Variant = int | str
Case = tuple[int, Variant]  # seed, variant
Results = dict[Case, tuple[dict, dict[str, np.ndarray]]]  # outcome, with its `metrics`, and tensors


def cases(seeds: Iterable[int], variants: Iterable[Variant]) -> list[Case]:
    return list(product(seeds, variants))


def train_variants(jobs: dict[Case, tuple], entry: Path, stage: Stage, title: str = "") -> Results:
    """Call each (function, *arguments) with the seed and a folder of the entry, where it leaves a finished seed.

    What is finished already is not repeated. The progress bar has the stage's name unless there is a `title`.
    """
    calls = [
        (*job, seed, folder)
        for (seed, variant), job in jobs.items()
        if not is_finished(folder := variant_folder(entry, variant), seed)
    ]

    def finished() -> int:
        return sum(1 for _ in entry.glob("variant-*/*.safetensors"))

    stage.train(calls, entry, in_stacks, Progress(title or stage.name, "training", len(jobs), finished))
    return {(seed, variant): finished_seed(variant_folder(entry, variant), seed) for seed, variant in jobs}


def variant_folder(entry: Path, variant: Variant) -> Path:
    folder = entry / f"variant-{variant}"
    folder.mkdir(exist_ok=True)
    return folder


def seeds_of_record(results: Results) -> dict[str, dict]:
    """By seed `<metric>@<variant>`, and under the metric's own name the mean over the variants; none if one diverged."""
    by_seed: dict[int, dict[Variant, dict]] = {}
    for (seed, variant), (outcome, _) in results.items():
        by_seed.setdefault(seed, {})[variant] = outcome
    return {str(seed): seed_of_record(outcomes) for seed, outcomes in by_seed.items()}


def seed_of_record(outcomes: dict[Variant, dict]) -> dict:
    """A seed's part of the record, from its outcomes by variant."""
    diverged = {variant: outcome for variant, outcome in outcomes.items() if outcome["status"] != "finished"}
    if diverged:
        reason = "; ".join(f"variant {variant}: {outcome['reason']}" for variant, outcome in diverged.items())
        return {"status": "diverged", "reason": reason, "metrics": {}}
    first, *others = (outcome["metrics"] for outcome in outcomes.values())
    names = [name for name in first if all(name in measured for measured in others)]
    means = {name: mean(outcome["metrics"][name] for outcome in outcomes.values()) for name in names}
    each = {f"{name}@{variant}": outcomes[variant]["metrics"][name] for variant in outcomes for name in names}
    return {"status": "finished", "metrics": means | each}


def curves_csv(entry: Path, seeds: Sequence[int], variants: Sequence[Variant]) -> str:
    """`seed,epoch,<metric>@<variant>...`; nothing for a method that has no epochs."""
    lines: dict[int, list[dict]] = {}
    for seed, variant in cases(seeds, variants):
        for line in journal.Journal(variant_folder(entry, variant) / f"seed-{seed}.jsonl").lines:
            epochs = lines.setdefault(seed, [])
            while len(epochs) <= line["epoch"]:
                epochs.append({"epoch": len(epochs), "metrics": {}})
            epochs[line["epoch"]]["metrics"] |= {f"{name}@{variant}": value for name, value in line["metrics"].items()}
    return record.curves_csv(lines) if lines else ""
