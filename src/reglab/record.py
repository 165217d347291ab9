"""The record of a recipe: written once, atomically, the same bytes for the same run; the only truth."""

import csv
import io
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reglab.data.prepared import Split

SCHEMA = 1


@dataclass(frozen=True)
class About:
    """What a run is, before it has results. `settings` begins with one key a technique, in order of application."""

    family: str
    name: str
    technique: list[str]
    dataset: dict[str, str]
    settings: dict
    seeds: list[int]


def folder(runs: Path, about: About) -> Path:
    return runs / about.family / about.name


def starting_with(prefix: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those whose name starts with the prefix, under the rest of their name."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def curves_csv(journals: dict[int, list[dict]]) -> str:
    """`seed,epoch,<metric>...`, a row for each seed and epoch; a metric that was not measured is an empty cell."""
    names = list(dict.fromkeys(name for lines in journals.values() for line in lines for name in line["metrics"]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["seed", "epoch", *names])
    for seed, lines in journals.items():
        for line in lines:
            writer.writerow([seed, line["epoch"], *(line["metrics"].get(name, "") for name in names)])
    return text.getvalue()


def seed_metrics(split: Split, probabilities: dict[str, np.ndarray]) -> dict[str, float]:
    """A seed's numbers from its probabilities (examples, classes) on `labelled`, `validation` and `test`.

    Training accuracy is against the labels that were given, wrong ones included: what the training could see.
    generalization_gap = train_accuracy - test_accuracy.
    """
    import torch

    from reglab.evaluation.metrics import classification

    def measured(part: str) -> dict[str, float]:
        return classification(torch.as_tensor(probabilities[part]), torch.as_tensor(split.labels[part]))

    train, validation, test = (measured(part) for part in ("labelled", "validation", "test"))
    return {
        "train_accuracy": train["accuracy"],
        "train_nll": train["nll"],
        "validation_accuracy": validation["accuracy"],
        "validation_nll": validation["nll"],
        **{f"test_{name}": value for name, value in test.items()},
        "generalization_gap": train["accuracy"] - test["accuracy"],
    }


def summary(seeds: dict[str, dict], predictions: dict[str, np.ndarray]) -> dict[str, dict]:
    """Mean and 95 % interval over the seeds for each metric, and bias² and variance of the test probabilities.

    Bias² and variance belong to all seeds together and have no interval; they are over the examples that two or more
    seeds tested. Nothing when a seed diverged, for no seed is ever dropped.
    """
    from reglab.evaluation.bias_variance import resampled_brier_split
    from reglab.evaluation.interval import mean_interval

    if not seeds or any(seed["status"] != "finished" for seed in seeds.values()):
        return {}
    found = {}
    for name in next(iter(seeds.values()))["metrics"]:
        values = np.array([seed["metrics"][name] for seed in seeds.values()])
        low, high = mean_interval(values, 0.95)
        found[name] = {"mean": float(values.mean()), "low": low, "high": high}
    split = resampled_brier_split(*predictions.values(), unbiased=True)
    if split.predictions:
        found |= {
            name: {"mean": getattr(split, name), "low": None, "high": None} for name in ("bias_squared", "variance")
        }
    return found


def read(path: Path) -> dict:
    return json.loads((path / "record.json").read_text())


def write(
    path: Path,
    content: dict,
    *,
    curves: str = "",
    members: str = "",
    figure: str = "",
    splits: dict[int, Split] | None = None,
    probabilities: Sequence[np.ndarray] = (),
    weights: Sequence[dict[str, np.ndarray]] = (),
) -> Path:
    """Make the folder `path` hold the record and what belongs to it, or leave it as it was; returns the folder.

    `probabilities` (examples, classes) on the test part and `weights` by name go with the seeds of `splits`, in order.
    """
    from safetensors.numpy import save_file

    partial = path.parent / f".{path.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    predictions = {}
    if splits:
        predictions = {
            "test_probabilities": np.stack(probabilities).astype(np.float32),
            "test_labels": np.stack([split.labels["test"] for split in splits.values()]),
            "test_indices": np.stack([split.rows["test"] for split in splits.values()]),
        }
        save_file(predictions, partial / "predictions.safetensors")
    content = {"schema": SCHEMA, "checks": []} | content | {"summary": summary(content["seeds"], predictions)}
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    for name, part in {"record.json": text, "curves.csv": curves, "members.csv": members, "figure.svg": figure}.items():
        if part:
            (partial / name).write_text(part, encoding="utf-8")
    if weights:
        (partial / "weights").mkdir()
        for seed, arrays in zip(splits, weights, strict=True):
            save_file(arrays, partial / "weights" / f"seed-{seed}.safetensors")
    shutil.rmtree(path, ignore_errors=True)
    os.replace(partial, path)
    return path
